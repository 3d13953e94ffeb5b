"""The clock of the API, where it and this machine's own do not agree.

AWS refuses what was signed more than some minutes before or after its own time. A node whose clock is wrong (no NTP
at its start, a restored machine) could then take nothing over. The refusal says what time it is there: from then on we
sign by that. The SDK does not: its signature has the machine's time.

The time is taken from refusals only, over the connection whose certificate was checked, and used for nothing but
signatures and the end of credentials.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, S3SigV4Auth, SigV4Auth
from botocore.exceptions import ClientError

NOTEWORTHY = timedelta(minutes=1)
"AWS allows for 5 to 15 minutes; the answer itself may be some seconds old."

_AHEAD = "komainu_ahead"
"In the context of a request: by how much the API's clock is ahead of ours."


class _Corrected(SigV4Auth):  # type: ignore[misc]
    """Signs as of the API's time."""

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = _signed_at(request)
        super()._modify_request_before_signing(request)


class _CorrectedS3(S3SigV4Auth):  # type: ignore[misc]
    """The same for S3, which signs a little differently."""

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = _signed_at(request)
        super()._modify_request_before_signing(request)


def _signed_at(request: Any) -> str:
    there: datetime = datetime.now(UTC) + request.context[_AHEAD]
    return there.strftime(SIGV4_TIMESTAMP)


_SIGNERS = {"v4": "komainu-v4", "s3v4": "komainu-s3v4"}
AUTH_TYPE_MAPS.update({"komainu-v4": _Corrected, "komainu-s3v4": _CorrectedS3})


class ApiClock:
    """By how much the API's clock is ahead of ours; nothing until a refusal has shown it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`now`: this machine's time, with its zone."""
        self._now = now
        self._ahead = timedelta(0)

    @property
    def ahead(self) -> timedelta:
        """What is known."""
        return self._ahead

    def now(self) -> datetime:
        """The API's time."""
        return self._now() + self._ahead

    def follow(self, client: Any, service: str) -> None:
        """What this client sends is signed by the API's time. `service` as the SDK calls it (`ec2`)."""
        client.meta.events.register_first(f"choose-signer.{service}", self._choose)
        client.meta.events.register(f"before-sign.{service}", self._tell)

    def learn(self, refused: ClientError) -> bool:
        """Take the time from a refusal; True when what we knew of it was wrong: then signing anew may help."""
        headers = refused.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        try:
            there = parsedate_to_datetime(str(headers.get("date", "")))
        except ValueError:
            return False
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        ahead = there - self._now()
        if abs(ahead - self._ahead) < NOTEWORTHY:
            return False
        self._ahead = ahead if abs(ahead) >= NOTEWORTHY else timedelta(0)
        return True

    def _choose(self, signature_version: Any, **_: Any) -> str | None:
        # Nothing of the SDK's own way is touched while the clocks agree.
        return _SIGNERS.get(signature_version) if self._ahead else None

    def _tell(self, request: Any, **_: Any) -> None:
        request.context[_AHEAD] = self._ahead
