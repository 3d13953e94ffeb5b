"""Every exception of the SDK in the right one of the four kinds."""

import socket
import traceback
from typing import Any

import pytest
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError
from urllib3.exceptions import NameResolutionError, NewConnectionError

from komainu.adapters.aws.call import AbandonedError
from komainu.adapters.aws.faults import answer_lost, cause, cloud_error, deadline_passed, error_of, from_the_api
from komainu.ports import CloudError, CloudFault

URL = "https://ec2.ap-northeast-1.amazonaws.com/"
CONNECTION: Any = None


def answered(code: str) -> sdk.ClientError:
    return sdk.ClientError({"Error": {"Code": code, "Message": "told so"}}, "ReplaceRoute")


def refused() -> sdk.EndpointConnectionError:
    return sdk.EndpointConnectionError(endpoint_url=URL, error=NewConnectionError(CONNECTION, "refused"))


def unresolved() -> sdk.EndpointConnectionError:
    reason = NameResolutionError("ec2.ap-nowhere-9.amazonaws.com", CONNECTION, socket.gaierror(-2, "unknown"))
    return sdk.EndpointConnectionError(endpoint_url=URL, error=reason)


REFUSED, NO_ANSWER, UNREACHABLE, INTERNAL = (
    CloudFault.REFUSED,
    CloudFault.NO_ANSWER,
    CloudFault.UNREACHABLE,
    CloudFault.INTERNAL,
)

# exception, fault, transient, timed_out
KINDS: list[tuple[BaseException, CloudFault, bool, bool]] = [
    (answered("InvalidVpcID.NotFound"), REFUSED, False, False),
    (answered("AccessDenied"), REFUSED, False, False),
    (answered("UnauthorizedOperation"), REFUSED, False, False),
    (answered("AuthFailure"), REFUSED, False, False),
    (answered("400"), REFUSED, False, False),
    (answered("RequestLimitExceeded"), REFUSED, True, False),
    (answered("Throttling"), REFUSED, True, False),
    (answered("ThrottlingException"), REFUSED, True, False),
    (answered("SlowDown"), REFUSED, True, False),
    (answered("ServiceUnavailable"), REFUSED, True, False),
    (answered("Unavailable"), REFUSED, True, False),
    (answered("InternalError"), NO_ANSWER, True, False),
    (answered("InternalFailure"), NO_ANSWER, True, False),
    (answered("502"), NO_ANSWER, True, False),
    (sdk.ReadTimeoutError(endpoint_url=URL, error="x"), NO_ANSWER, True, True),
    (sdk.ConnectionClosedError(endpoint_url=URL, error="x", request=None), NO_ANSWER, True, False),
    (sdk.HTTPClientError(error="x"), NO_ANSWER, True, False),
    (sdk.ResponseStreamingError(error="x"), NO_ANSWER, True, False),
    (ResponseParserError("not XML"), NO_ANSWER, True, False),
    (sdk.ConnectTimeoutError(endpoint_url=URL, error="x"), UNREACHABLE, True, True),
    (sdk.ProxyConnectionError(proxy_url="http://proxy", error="x"), UNREACHABLE, True, False),
    (refused(), UNREACHABLE, True, False),
    (unresolved(), UNREACHABLE, True, False),
    (AbandonedError(), UNREACHABLE, True, True),
    (sdk.HTTPClientError(error=AbandonedError()), UNREACHABLE, True, True),
    (sdk.SSLError(endpoint_url=URL, error="CERTIFICATE_VERIFY_FAILED"), UNREACHABLE, False, False),
    (sdk.NoCredentialsError(), UNREACHABLE, False, False),
    (sdk.PartialCredentialsError(provider="p", cred_var="v"), UNREACHABLE, False, False),
    (sdk.CredentialRetrievalError(provider="p", error_msg="m"), UNREACHABLE, False, False),
    (sdk.ProfileNotFound(profile="p"), UNREACHABLE, False, False),
    (sdk.ConfigParseError(path="p"), UNREACHABLE, False, False),
    (sdk.NoRegionError(), UNREACHABLE, False, False),
    (sdk.InvalidRegionError(region_name="tokyo!"), UNREACHABLE, False, False),
    (sdk.ParamValidationError(report="r"), INTERNAL, False, False),
    (KeyError("Vpcs"), INTERNAL, False, False),
]


@pytest.mark.parametrize(
    ("error", "fault", "transient", "timed_out"),
    KINDS,
    ids=[f"{type(row[0]).__name__}-{number}" for number, row in enumerate(KINDS)],
)
def test_kinds(error: BaseException, fault: CloudFault, transient: bool, timed_out: bool) -> None:
    found = cloud_error(error, "ap-northeast-1")
    assert (found.fault, found.transient, found.timed_out) == (fault, transient, timed_out)
    assert found.code == (error.response["Error"]["Code"] if isinstance(error, sdk.ClientError) else found.code)
    assert found.code


@pytest.mark.parametrize("error", [answered("UnauthorizedOperation"), refused(), AbandonedError()])
def test_a_last_attempt_cannot_vouch_for_an_earlier_one(error: BaseException) -> None:
    found = cloud_error(error, "ap-northeast-1", may_have_arrived=True)
    assert found.fault is NO_ANSWER
    assert found.transient
    assert "an earlier attempt was sent and not answered" in found.text


def test_a_region_that_does_not_resolve_is_said_plainly() -> None:
    found = cloud_error(unresolved(), "ap-nowhere-9")
    assert found.text.startswith("the endpoint's name does not resolve: is the region ap-nowhere-9 right")


def test_a_region_that_is_missing_is_said_plainly() -> None:
    assert cloud_error(sdk.NoRegionError(), None).text.startswith("the region (none) cannot be used")


@pytest.mark.parametrize(
    ("error", "answer", "lost"),
    [
        (None, {"Vpcs": []}, False),
        (None, {"Error": {"Code": "RequestLimitExceeded"}}, False),
        (None, {"Error": {"Code": "InternalError"}}, True),
        (None, {"Error": {"Code": "504"}}, True),
        (sdk.ReadTimeoutError(endpoint_url=URL, error="x"), None, True),
        (sdk.ConnectionClosedError(endpoint_url=URL, error="x", request=None), None, True),
        (sdk.ConnectTimeoutError(endpoint_url=URL, error="x"), None, False),
        (refused(), None, False),
        (AbandonedError(), None, False),
    ],
)
def test_whether_an_attempt_left_something_unclear(
    error: BaseException | None, answer: dict[str, Any] | None, lost: bool
) -> None:
    assert answer_lost(error, answer) is lost


def test_a_deadline_says_what_is_known() -> None:
    sent, kept = deadline_passed(500, may_have_arrived=True), deadline_passed(500, may_have_arrived=False)
    assert (sent.fault, kept.fault) == (NO_ANSWER, UNREACHABLE)
    assert sent.timed_out
    assert kept.timed_out


@pytest.mark.parametrize(
    ("answer", "of_the_api"),
    [
        ({"ResponseMetadata": {"RequestId": "1", "HTTPStatusCode": 200}}, True),
        ({"Error": {"Code": "502"}, "ResponseMetadata": {}}, True),
        ({"ResponseMetadata": {"HTTPStatusCode": 200}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_success_is_of_the_api_only_with_its_request_id(answer: dict[str, Any] | None, of_the_api: bool) -> None:
    assert from_the_api(answer) is of_the_api


SIGNED = """The request signature we calculated does not match the signature you provided.

The Canonical String for this request should have been
'POST
/
x-amz-security-token:the-token-of-the-role
'"""
UNREADABLE = (
    "Unable to parse response (no element found), invalid XML received. Further retries may succeed:\nb'<Secret>'"
)


@pytest.mark.parametrize(
    ("error", "secret"),
    [
        (sdk.ClientError({"Error": {"Code": "SignatureDoesNotMatch", "Message": SIGNED}}, "Publish"), "the-token"),
        (ResponseParserError(UNREADABLE), "<Secret>"),
    ],
)
def test_what_the_api_or_the_sdk_shows_of_a_request_is_in_no_text_and_no_log(error: Exception, secret: str) -> None:
    """AWS answers a wrong signature with the whole request; the SDK shows an answer that it cannot read."""
    assert secret in str(error)
    with pytest.raises(CloudError) as raised:
        raise cloud_error(error, "eu-west-1") from cause(error)
    assert raised.value.text
    assert secret not in "".join(traceback.format_exception(raised.value))


def test_the_cause_of_everything_else_is_kept() -> None:
    error = KeyError("Vpcs")
    assert cause(error) is error


def test_an_answer_that_is_an_error_becomes_the_exception_of_the_sdk() -> None:
    assert "Throttling" in str(error_of({"Error": {"Code": "Throttling", "Message": "told so"}}))
    assert error_of({"ResponseMetadata": {}}) is None
    assert error_of(None) is None


def test_a_time_that_ran_out_before_another_attempt_ended_as_the_last_one() -> None:
    found = deadline_passed(500, may_have_arrived=False, failed=answered("Throttling"), region="eu-west-1")
    assert (found.fault, found.code, found.timed_out) == (REFUSED, "Throttling", False)
    found = deadline_passed(500, may_have_arrived=False, failed=unresolved(), region="eu-west-1")
    assert (found.fault, "is the region eu-west-1 right" in found.text) == (UNREACHABLE, True)


def test_a_time_that_ran_out_under_way_is_unknown_and_tells_what_was_before() -> None:
    found = deadline_passed(500, may_have_arrived=True, failed=answered("Throttling"))
    assert (found.fault, found.code, found.timed_out) == (NO_ANSWER, "DeadlineExceeded", True)
    assert found.text.endswith("(before that: Throttling: told so)")
    assert "before" not in deadline_passed(500, may_have_arrived=True).text


def test_a_connection_that_stood_too_late_has_lost_no_answer() -> None:
    assert not answer_lost(sdk.HTTPClientError(error=AbandonedError()), None)
    assert answer_lost(sdk.HTTPClientError(error=OSError()), None)
