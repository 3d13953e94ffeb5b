"""Where moto differs from Route 53 in the calls that matter here: corrections in the form of `corrections`."""

from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSRequest
from moto.core.exceptions import _RESTError
from moto.iam.access_control import IAMRequest
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend

from komainu_lab.vpc.corrections import Applied

SERVICE = "route53"


def readable_refusals(applied: Applied) -> None:
    """A refusal by policy or signature has its code where an SDK looks for it (documented: ErrorResponse, Error);
    moto puts it one level deeper, where that of EC2 is, and no client of Route 53 finds it."""

    def readable(original: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(self: Any, *args: Any) -> None:
            try:
                original(self, *args)
            except _RESTError as error:
                if self._service == SERVICE:
                    error.description = error.description.replace("<Errors>", "").replace("</Errors>", "")
                raise

        return refuse

    for name in ("_raise_access_denied", "_raise_signature_does_not_match", "_raise_invalid_access_key"):
        applied.replace(IAMRequest, name, readable(IAMRequest.__dict__[name]))


def signature_without_body(applied: Applied) -> None:
    """The signature of a GET covers an empty body (documented); moto takes the parameters of the query for its body,
    and calls the signature wrong."""

    def request_of(self: Any) -> AWSRequest:
        request = original(self)
        if self._service == SERVICE and self._method == "GET":
            request.data = b""
        return request

    original = IAMRequest._create_aws_request
    applied.replace(IAMRequest, "_create_aws_request", request_of)


def exact_deletion(applied: Applied) -> None:
    """A record set that is not as it is to be deleted stays, and the answer is InvalidChangeBatch (documented); moto
    deletes it if it ever was like that, and else calls the request malformed."""

    def change(self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        for each in change_list:
            if each["Action"] == "DELETE" and not _is_there(self.get_hosted_zone(zoneid), each["ResourceRecordSet"]):
                name = each["ResourceRecordSet"]["Name"]
                text = f"Tried to delete {name}, but the values provided do not match the current values"
                raise Route53ClientError("InvalidChangeBatch", text)
        original(self, zoneid, change_list)

    original = applied.replace(Route53Backend, "change_resource_record_sets", change)


def _is_there(zone: Any, record: dict[str, Any]) -> bool:
    values = [each["Value"] for each in record.get("ResourceRecords", [])]
    wanted = (record["Name"].rstrip("."), record["Type"], str(record.get("TTL", "")), values)
    return wanted in [(each.name.rstrip("."), each.type, str(each.ttl or ""), each.records) for each in zone.rrsets]


CORRECTIONS: tuple[Callable[[Applied], None], ...] = (readable_refusals, signature_without_body, exact_deletion)
