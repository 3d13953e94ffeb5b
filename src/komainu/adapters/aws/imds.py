"""The instance metadata service, version 2, behind the port Metadata: what AWS announces for this instance.

Plain HTTP to a link-local address: the SDK asks it for credentials, and for nothing else. A call runs in a thread, is
bounded as a whole, and costs nothing of the API's budget. Each kind is asked for by itself, the most urgent first: an
answer about one is not lost because another one cannot be had.
"""

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from komainu.adapters.aws.pool import Pool
from komainu.ports import Announced, Announcement, AnnouncementKind, CloudError, CloudFault

ENDPOINT = "http://169.254.169.254"
TOKEN_S = 21_600
"How long a token is asked for: the longest there is."
RENEW_S = 600
"So long before its end a token is not used any more."
THREADS = 2
MOST_BYTES = 65_536
_TOKEN_HEADER = "X-aws-ec2-metadata-token"

Answer = tuple[int, str]
Found = dict[AnnouncementKind, tuple[Announcement, ...] | CloudError]


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

    async def announced(self, timeout_ms: int) -> Announced:
        """What is announced now, by kind; see the port."""
        deadline_s = time.monotonic() + timeout_ms / 1000
        asking = _Asking(self._address.hostname or "", self._address.port or 80)
        found: Found = {}
        answer = asyncio.wrap_future(self._pool.submit(lambda: self._announced(asking, deadline_s, found)))
        rest: CloudError | None = None
        try:
            await asyncio.wait_for(answer, timeout_ms / 1000)
        except Exception as error:  # noqa: BLE001 - what it says of each kind is the caller's to judge
            rest = _trouble(error, timeout_ms)
        finally:
            asking.abandon()
        known = dict(found)  # the thread may still be about to write to the other one
        nothing = rest or CloudError(CloudFault.INTERNAL, "Defect", "the metadata service was not asked")
        return {kind: known.get(kind, nothing) for kind in AnnouncementKind}

    def _announced(self, asking: "_Asking", deadline_s: float, found: Found) -> None:
        """In a thread. Without a token nothing can be asked; what else goes wrong concerns one kind."""
        try:
            self._renew(asking, deadline_s, stale="")
            for number, (kind, (path, read)) in enumerate(_QUESTIONS.items()):
                # A share of the time each, so that one that hangs leaves some to the others.
                share_s = _left_s(deadline_s) / (len(_QUESTIONS) - number)
                try:
                    found[kind] = tuple(self._ask(asking, path, read, time.monotonic() + share_s))
                except Exception as error:  # noqa: BLE001 - it is told as this kind's
                    asking.close()
                    found[kind] = _trouble(error, int(share_s * 1000))
        finally:
            asking.close()

    def _ask(
        self, asking: "_Asking", path: str, read: Callable[[str], list[Announcement]], deadline_s: float
    ) -> list[Announcement]:
        """What is announced at a path of the metadata; 404 is the answer that nothing is."""
        target, token = f"/latest/meta-data/{path}", self._token
        status, text = asking.ask("GET", target, {_TOKEN_HEADER: token}, deadline_s)
        if status == 401:
            # The token belongs to an instance that was stopped meanwhile, or the clock has jumped.
            token = self._renew(asking, deadline_s, stale=token)
            status, text = asking.ask("GET", target, {_TOKEN_HEADER: token}, deadline_s)
        if status == 404:
            return []
        if status != 200:
            raise http.client.HTTPException(f"HTTP {status} for {path}")
        return read(text)

    def _renew(self, asking: "_Asking", deadline_s: float, stale: str) -> str:
        """A token that is good: the one at hand, unless it is about to end or is the stale one."""
        with self._lock:
            token, ends_s = self._token, self._token_ends_s
        if token and token != stale and time.monotonic() <= ends_s - RENEW_S:
            return token
        headers = {f"{_TOKEN_HEADER}-ttl-seconds": str(TOKEN_S)}
        status, text = asking.ask("PUT", "/latest/api/token", headers, deadline_s)
        if status != 200:
            raise http.client.HTTPException(f"HTTP {status} for a token: is version 2 of the service on?")
        token = text.strip()
        if not (token.isascii() and token.isprintable() and token):
            raise http.client.HTTPException("what the service gave is no token")
        with self._lock:
            self._token, self._token_ends_s = token, time.monotonic() + TOKEN_S
        return token


class _Asking:
    """The connection of one call, made anew after trouble."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._abandoned = False

    def ask(self, method: str, path: str, headers: dict[str, str], deadline_s: float) -> Answer:
        left_s = _left_s(deadline_s)
        with self._lock:
            if self._abandoned:
                raise TimeoutError
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port)
            connection = self._connection
        connection.timeout = left_s
        if connection.sock is not None:
            connection.sock.settimeout(left_s)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read(MOST_BYTES).decode()
        if not answer.isclosed():
            self.close()  # more than anybody wants to know: the rest is in the way of the next answer
        return answer.status, text

    def close(self) -> None:
        """End the connection; the next question makes a new one."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Nobody waits any more: an answer that comes byte by byte must not hold the thread."""
        with self._lock:
            self._abandoned = True
            sock = self._connection.sock if self._connection is not None else None
            if sock is not None:
                with suppress(OSError):  # it has ended by itself
                    sock.shutdown(socket.SHUT_RDWR)


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _trouble(error: Exception, timeout_ms: int) -> CloudError:
    """Why something cannot be said."""
    name = type(error).__name__
    if isinstance(error, TimeoutError):
        text = f"the instance metadata service did not answer within {timeout_ms} ms"
        return CloudError(CloudFault.NO_ANSWER, "Timeout", text, timed_out=True, transient=True)
    if isinstance(error, OSError | http.client.HTTPException):
        text = f"the instance metadata service cannot be asked: {error}"
        return CloudError(CloudFault.UNREACHABLE, name, text, transient=True)
    text = f"the instance metadata service answered with what it should not: {error}"
    return CloudError(CloudFault.INTERNAL, name, text)


_OVER: Final = ("completed", "canceled", "cancelled")
"Events that are over stay in the list for a while."
_ENDS: Final = ("Terminating", "Terminated", "Stopped", "Hibernated")
_GOES_ON: Final = ("Pending", "InService", "EnteringStandby", "Standby", "Detaching", "Detached", "Running")


def _maintenance(text: str) -> list[Announcement]:
    """Only what is still to come. An empty list, and nothing at all, is none."""
    found = json.loads(text) if text.strip() else []
    if not isinstance(found, list):
        raise TypeError(f"{type(found).__name__} instead of a list")
    return [
        Announcement(
            AnnouncementKind.MAINTENANCE,
            _word(event, "EventId"),
            _word(event, "Code"),
            _word(event, "NotBefore", otherwise=""),
        )
        for event in found
        if _word(event, "State", otherwise="active").lower() not in _OVER
    ]


def _spot(text: str) -> list[Announcement]:
    found = json.loads(text)
    return [Announcement(AnnouncementKind.SPOT, "", _word(found, "action"), _word(found, "time", otherwise=""))]


def _rebalance(text: str) -> list[Announcement]:
    found = json.loads(text)
    return [Announcement(AnnouncementKind.REBALANCE, "", "rebalance", _word(found, "noticeTime", otherwise=""))]


def _lifecycle(text: str) -> list[Announcement]:
    """The state that the group aims at: those in which the machine is off are announced, the others are not.

    A machine that goes into a warm pool is stopped or hibernated there (`Warmed:Stopped`, `Warmed:Hibernated`), or
    runs on (`Warmed:Running`). In `Standby` and `Detached` it runs on as well: somebody took it out of the group's
    service, and whether its own service is to leave it is for him to say.
    """
    state = text.strip()
    word = state.removeprefix("Warmed:").partition(":")[0]  # Pending:Wait, Terminating:Proceed
    if word in _ENDS:
        return [Announcement(AnnouncementKind.LIFECYCLE, "", state, "")]
    if word not in _GOES_ON:
        raise ValueError(f"the lifecycle state {state[:40]!r} is not known")
    return []


_QUESTIONS: Final[Mapping[AnnouncementKind, tuple[str, Callable[[str], list[Announcement]]]]] = {
    AnnouncementKind.SPOT: ("spot/instance-action", _spot),
    AnnouncementKind.LIFECYCLE: ("autoscaling/target-lifecycle-state", _lifecycle),
    AnnouncementKind.MAINTENANCE: ("events/maintenance/scheduled", _maintenance),
    AnnouncementKind.REBALANCE: ("events/recommendations/rebalance", _rebalance),
}
"Where each kind stands and how it is read, in the order in which they are asked for: the most urgent first."


def _word(found: Any, key: str, otherwise: str | None = None) -> str:
    """A text of a JSON object. Raises TypeError, KeyError or ValueError for anything else."""
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} instead of an object")
    word = found[key] if otherwise is None else found.get(key, otherwise)
    if not isinstance(word, str):
        raise TypeError(f"{key} is no text")
    if otherwise is None and not word:
        raise ValueError(f"{key} is empty")
    return word
