"""The few lines of the cloud's port that do something."""

from komainu.ports import CloudError, CloudFault


def test_a_cloud_error_says_its_code_and_text() -> None:
    error = CloudError(CloudFault.REFUSED, "InvalidVpcID.NotFound", "no such VPC")
    assert str(error) == "InvalidVpcID.NotFound: no such VPC"
    assert (error.fault, error.code, error.text) == (CloudFault.REFUSED, "InvalidVpcID.NotFound", "no such VPC")
    assert (error.timed_out, error.transient) == (False, False)


def test_a_cloud_error_remembers_that_time_ran_out_and_that_it_will_pass() -> None:
    error = CloudError(CloudFault.NO_ANSWER, "ReadTimeout", "no answer", timed_out=True, transient=True)
    assert (error.timed_out, error.transient) == (True, True)
