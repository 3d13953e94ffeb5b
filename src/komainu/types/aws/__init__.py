"""Resources that live in the AWS API."""
