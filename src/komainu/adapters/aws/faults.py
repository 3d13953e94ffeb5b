"""What an exception of the SDK means in our words. Judged by class and error code only, never by a text.

Why it matters (N4): "nothing was changed" and "nobody knows" are different answers, and a peer or a resource is
never taken as failed because of the second.
"""

from typing import Any

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError
from urllib3.exceptions import NameResolutionError

from komainu.adapters.aws.call import AbandonedError
from komainu.ports import CloudError, CloudFault

THROTTLED = (
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
)
"""Error codes by which the API asks for patience; nothing was changed."""

SERVER_FAILED = ("InternalError", "InternalFailure", "InternalServerError")
"""Error codes after which nobody knows whether the change was made."""

SERVER_BUSY = ("ServiceUnavailable", "Unavailable", "RequestTimeout", "RequestTimeoutException")
"""Error codes of a server that did not begin."""

NOT_CONFIGURED = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.MetadataRetrievalError,
    sdk.TokenRetrievalError,
    sdk.ProfileNotFound,
    sdk.ConfigParseError,
)
STALE_CREDENTIALS = (
    *("AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"),
    *("InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException"),
    *("RequestTimeTooSkewed", "RequestInTheFuture", "TokenRefreshRequired"),
)
"""Error codes after which the time is looked at, and keys are read afresh: an administrator may have replaced the file
under a running daemon."""

WRONG_REGION = (sdk.NoRegionError, sdk.InvalidRegionError, sdk.BaseEndpointResolverError)
NOT_SENT = (sdk.ConnectionError, AbandonedError)
"""Connection refused, no route, name not resolved, connect timed out, proxy, TLS handshake: the request stayed here."""
ANSWER_LOST = (sdk.HTTPClientError, sdk.IncompleteReadError, ResponseParserError)
"""Sent; then the connection was lost, time ran out, or what came back was no answer of the API."""


def answer_lost(error: BaseException | None, answer: dict[str, Any] | None) -> bool:
    """True when an attempt that ended like this may have changed something without saying so."""
    if error is not None:
        return not _not_sent(error)
    return _server_failed(str((answer or {}).get("Error", {}).get("Code", "")))


def error_of(answer: dict[str, Any] | None) -> sdk.ClientError | None:
    """The exception that the SDK would make of an answer; None: it is no error."""
    return sdk.ClientError(answer, "") if answer and "Error" in answer else None


def from_the_api(answer: dict[str, Any] | None) -> bool:
    """True for an error, and for a success that bears the API's own request id.

    The SDK takes any page of HTML with status 200 for the success of an action that returns nothing, as ReplaceRoute.
    """
    return "Error" in (answer or {}) or bool((answer or {}).get("ResponseMetadata", {}).get("RequestId"))


def cloud_error(error: BaseException, region: str | None, may_have_arrived: bool = False) -> CloudError:
    """The CloudError that an exception of the SDK amounts to.

    `may_have_arrived`: the call changes something, and one of its attempts was sent without an answer being seen; then
    no later attempt can prove that nothing was changed.
    """
    found = _alone(error, region)
    if may_have_arrived and found.fault in (CloudFault.REFUSED, CloudFault.UNREACHABLE):
        text = f"{found.text} (an earlier attempt was sent and not answered)"
        return CloudError(CloudFault.NO_ANSWER, found.code, text, timed_out=found.timed_out, transient=True)
    return found


def deadline_passed(
    timeout_ms: int, may_have_arrived: bool, failed: BaseException | None = None, region: str | None = None
) -> CloudError:
    """The outer deadline of a call passed. `failed`: how its last attempt failed that ended.

    When nothing is under way, the time ran out while the SDK waited before another attempt: then it failed like that.
    """
    known = None if failed is None else _alone(failed, region)
    if known is not None and not may_have_arrived:
        return known
    before = f" (before that: {known})" if known is not None else ""
    if may_have_arrived:
        text = f"no answer within {timeout_ms} ms; whether the request was carried out is not known{before}"
        return CloudError(CloudFault.NO_ANSWER, "DeadlineExceeded", text, timed_out=True, transient=True)
    text = f"the request was not carried out within {timeout_ms} ms"
    return CloudError(CloudFault.UNREACHABLE, "DeadlineExceeded", text, timed_out=True, transient=True)


def cause(error: BaseException) -> BaseException | None:
    """What a CloudError may name as its cause, and a log may show: not what `_public` has cut off."""
    return None if "\n" in str(error).strip() else error


def _alone(error: BaseException, region: str | None) -> CloudError:
    """The meaning of the last attempt by itself."""
    kind = type(error).__name__
    text = _public(str(error))
    if isinstance(error, sdk.ClientError):
        return _answered(error)
    if isinstance(error, NOT_CONFIGURED):
        return CloudError(CloudFault.UNREACHABLE, kind, text)
    if isinstance(error, WRONG_REGION):
        return CloudError(CloudFault.UNREACHABLE, kind, f"the region {region or '(none)'} cannot be used: {text}")
    if isinstance(error, sdk.EndpointConnectionError) and _name_unknown(error):
        hint = (
            f"the endpoint's name does not resolve: is the region {region or '(none)'} right, and does DNS work? {text}"
        )
        return CloudError(CloudFault.UNREACHABLE, kind, hint, transient=True)
    if isinstance(error, sdk.SSLError):
        # No certificate mends itself within the timeout of a start; a proxy's CA belongs into the system's store.
        hint = f"TLS failed: is the CA of a proxy missing in the system's trust store? {text}"
        return CloudError(CloudFault.UNREACHABLE, kind, hint)
    if _not_sent(error):
        late = not isinstance(error, sdk.ConnectionError) or isinstance(error, sdk.ConnectTimeoutError)
        return CloudError(CloudFault.UNREACHABLE, kind, text, timed_out=late, transient=True)
    if isinstance(error, ANSWER_LOST):
        late = isinstance(error, sdk.ReadTimeoutError)
        return CloudError(CloudFault.NO_ANSWER, kind, text, timed_out=late, transient=True)
    return CloudError(CloudFault.INTERNAL, kind, text)


def _answered(error: sdk.ClientError) -> CloudError:
    """The API, or something between it and us, answered with an error."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = _public(str(error.response.get("Error", {}).get("Message", "")))
    if code in THROTTLED or code in SERVER_BUSY:
        return CloudError(CloudFault.REFUSED, code, text, transient=True)
    if _server_failed(code):
        return CloudError(CloudFault.NO_ANSWER, code, text, transient=True)
    return CloudError(CloudFault.REFUSED, code, text)


def _not_sent(error: BaseException) -> bool:
    if isinstance(error, sdk.HTTPClientError) and isinstance(error.kwargs.get("error"), AbandonedError):
        return True  # the connection stood too late (komainu.adapters.aws.connections)
    return isinstance(error, NOT_SENT)


def _public(text: str) -> str:
    """What of a text everybody may read: its first line.

    After it AWS shows the whole signed request where a signature is wrong, session token and all; and the SDK the
    whole of an answer that it cannot read, which may be that of AssumeRole.
    """
    return text.strip().partition("\n")[0].rstrip()


def _server_failed(code: str) -> bool:
    # An answer without an error code of the API (a gateway, a proxy): the SDK puts the HTTP status in its place.
    return code in SERVER_FAILED or (code.isdigit() and int(code) >= 500)


def _name_unknown(error: sdk.EndpointConnectionError) -> bool:
    return isinstance(error.kwargs.get("error"), NameResolutionError)
