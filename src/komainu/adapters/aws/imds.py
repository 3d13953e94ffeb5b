"""The instance metadata service, version 2, behind the port Metadata: what AWS announces for this instance.

Plain HTTP to a link-local address: the SDK asks it for credentials, and for nothing else. A call runs in a thread, is
bounded as a whole, and costs nothing of the API's budget.
"""

import asyncio
import http.client
import json
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from komainu.adapters.aws.pool import Pool
from komainu.ports import Announcement, AnnouncementKind, CloudError, CloudFault

ENDPOINT = "http://169.254.169.254"
TOKEN_S = 21_600
"How long a token is asked for: the longest there is."
RENEW_S = 600
"So long before its end a token is not used any more."
THREADS = 2
MOST_BYTES = 65_536
_TOKEN_HEADER = "X-aws-ec2-metadata-token"

Answer = tuple[int, str]


class InstanceMetadata:
    """`komainu.ports.Metadata` on IMDSv2."""

    def __init__(self, endpoint: str = "") -> None:
        """`endpoint` is for tests; else where the SDK looks for it. Opens nothing yet."""
        chosen = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "") or ENDPOINT
        self._address = urlsplit(chosen)
        self._pool = Pool("komainu-imds", THREADS)
        self._lock = threading.Lock()
        self._token = ""
        self._token_ends_s = 0.0

    def close(self) -> None:
        """Ask nothing more."""
        self._pool.close()

    async def announced(self, timeout_ms: int) -> tuple[Announcement, ...]:
        """All that is announced now and is not over. Raises CloudError."""
        deadline_s = time.monotonic() + timeout_ms / 1000
        answer = asyncio.wrap_future(self._pool.submit(lambda: self._announced(deadline_s)))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            text = f"the instance metadata service did not answer within {timeout_ms} ms"
            raise CloudError(CloudFault.NO_ANSWER, "Timeout", text, timed_out=True, transient=True) from None
        except (OSError, http.client.HTTPException) as error:
            text = f"the instance metadata service cannot be asked: {error}"
            raise CloudError(CloudFault.UNREACHABLE, type(error).__name__, text, transient=True) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"the instance metadata service answered with what it should not: {error}"
            raise CloudError(CloudFault.INTERNAL, type(error).__name__, text) from None

    def _announced(self, deadline_s: float) -> tuple[Announcement, ...]:
        """In a thread."""
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port or 80, timeout=_left_s(deadline_s)
        )
        try:
            asking = _Asking(connection, deadline_s)
            found: list[Announcement] = []
            found += _maintenance(self._get(asking, "events/maintenance/scheduled"))
            found += _spot(self._get(asking, "spot/instance-action"))
            found += _rebalance(self._get(asking, "events/recommendations/rebalance"))
            found += _lifecycle(self._get(asking, "autoscaling/target-lifecycle-state"))
            return tuple(found)
        finally:
            connection.close()

    def _get(self, asking: "_Asking", path: str) -> str:
        """What is at a path of the metadata; empty when there is nothing (404)."""
        status, text = self._with_token(asking, path, fresh=False)
        if status == 401:
            # The token belongs to an instance that was stopped meanwhile, or the clock has jumped.
            status, text = self._with_token(asking, path, fresh=True)
        if status == 404:
            return ""
        if status != 200:
            raise http.client.HTTPException(f"HTTP {status} for {path}")
        return text

    def _with_token(self, asking: "_Asking", path: str, fresh: bool) -> Answer:
        with self._lock:
            if fresh or time.monotonic() > self._token_ends_s - RENEW_S:
                headers = {f"{_TOKEN_HEADER}-ttl-seconds": str(TOKEN_S)}
                status, token = asking.ask("PUT", "/latest/api/token", headers)
                if status != 200:
                    raise http.client.HTTPException(f"HTTP {status} for a token: is version 2 of the service on?")
                self._token, self._token_ends_s = token.strip(), time.monotonic() + TOKEN_S
            token = self._token
        return asking.ask("GET", f"/latest/meta-data/{path}", {_TOKEN_HEADER: token})


class _Asking:
    """One connection and one deadline for all questions of a call."""

    def __init__(self, connection: http.client.HTTPConnection, deadline_s: float) -> None:
        self._connection = connection
        self._deadline_s = deadline_s

    def ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        self._connection.timeout = _left_s(self._deadline_s)
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._connection.timeout)
        self._connection.request(method, path, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read(MOST_BYTES).decode()


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _maintenance(text: str) -> list[Announcement]:
    """Only what is still to come: events that are completed or were canceled stay in the list for a while."""
    return [
        Announcement(AnnouncementKind.MAINTENANCE, event["EventId"], event["Code"], event.get("NotBefore", ""))
        for event in _json(text, [])
        if event.get("State", "active") == "active"
    ]


def _spot(text: str) -> list[Announcement]:
    found = _json(text, {})
    return [Announcement(AnnouncementKind.SPOT, "", found["action"], found.get("time", ""))] if found else []


def _rebalance(text: str) -> list[Announcement]:
    found = _json(text, {})
    return [Announcement(AnnouncementKind.REBALANCE, "", "rebalance", found["noticeTime"])] if found else []


def _lifecycle(text: str) -> list[Announcement]:
    """The state that the group aims at: `InService`, `Standby`, `Terminated`, and those of a warm pool."""
    state = text.strip()
    ends = state.startswith("Terminated")
    return [Announcement(AnnouncementKind.LIFECYCLE, "", state, "")] if ends else []


def _json(text: str, nothing: Any) -> Any:
    return json.loads(text) if text.strip() else nothing
