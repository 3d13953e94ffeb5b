"""Requests to a server of ours behind the port Https: TLS, a token, one attempt, one deadline.

A connection is kept for the next request of a busy minute. One that has idled is not used any more: a firewall may
have forgotten it, and would swallow the request.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    SSLError,
)

from komainu import __version__
from komainu.adapters.aws.call import AbandonedError, Call
from komainu.adapters.aws.pool import Pool
from komainu.adapters.files.token import TokenTrouble, read_token
from komainu.ports import HttpsAnswer, HttpsError, HttpsFault, HttpsRequest

CONNECTIONS = 4
"Calls at the same time. One is enough, unless name resolution hangs: that no deadline can end."
IDLE_S = 30.0
MOST_BYTES = 131_072
"Of an answer."


@dataclass(slots=True)
class _Kept:
    """The connections to servers that show a certificate of those CAs."""

    pool: urllib3.PoolManager
    used_ns: int


class HttpsClient:
    """`komainu.ports.Https`."""

    def __init__(self) -> None:
        """Opens nothing yet."""
        self._threads = Pool("komainu-https", CONNECTIONS)
        self._kept: dict[str | None, _Kept] = {}
        self._calls = 0

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far."""
        return {"https": self._calls}

    def close(self) -> None:
        """Send nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._threads.close()
        kept, self._kept = self._kept, {}
        for each in kept.values():
            each.pool.clear()

    async def ask(self, request: HttpsRequest, timeout_ms: int) -> HttpsAnswer:
        """One request, one answer. Raises HttpsError; after the deadline nothing is sent any more."""
        call = Call(timeout_ms)
        answer = asyncio.wrap_future(self._threads.submit(lambda: self._ask(call, request, timeout_ms)))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            sent = call.abandon()
            fault = HttpsFault.NO_ANSWER if sent else HttpsFault.UNREACHABLE
            raise HttpsError(fault, f"no answer within {timeout_ms} ms") from None
        finally:
            call.abandon()

    def _ask(self, call: Call, request: HttpsRequest, timeout_ms: int) -> HttpsAnswer:
        """In a thread."""
        try:
            token = read_token(request.token_file)
        except TokenTrouble as trouble:
            raise HttpsError(HttpsFault.NO_TOKEN, trouble.said.en) from trouble
        try:
            pool = self._pool(request.ca_file)
            call.attempt()
            self._calls += 1
            answer = self._send(pool, request, token, timeout_ms)
            call.attempt_ended(answer_lost=False)
            return answer
        except (HTTPError, OSError, ValueError, AbandonedError) as error:
            raise HttpsError(_fault(error), f"{type(error).__name__}: {error}") from error

    def _send(self, pool: urllib3.PoolManager, request: HttpsRequest, token: str, timeout_ms: int) -> HttpsAnswer:
        answer = pool.request(
            request.method,
            request.url,
            body=request.body.encode(),
            headers={
                **request.headers,
                "Authorization": f"Bearer {token}",
                "User-Agent": f"komainu/{__version__}",
            },
            timeout=urllib3.Timeout(total=timeout_ms / 1000),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        try:
            content = answer.read(MOST_BYTES + 1, decode_content=False)
            if len(content) > MOST_BYTES:
                raise ValueError(f"an answer of more than {MOST_BYTES} bytes")
        except BaseException:
            answer.close()  # the rest of it must not be taken for the next answer
            raise
        answer.release_conn()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return HttpsAnswer(answer.status, headers, content.decode(errors="replace"))

    def _pool(self, ca_file: str | None) -> urllib3.PoolManager:
        """The connections; after a pause new ones, and the CAs read anew. Raises OSError for CAs that are not there."""
        now = time.monotonic_ns()
        kept = self._kept.get(ca_file)
        if kept is None or now - kept.used_ns > IDLE_S * 1e9:
            context = ssl.create_default_context(cafile=ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if kept is not None:
                kept.pool.clear()
            kept = self._kept[ca_file] = _Kept(urllib3.PoolManager(ssl_context=context, maxsize=CONNECTIONS), now)
        kept.used_ns = now
        return kept.pool


def _fault(error: Exception) -> HttpsFault:
    """What is known of a request that has no answer."""
    # A file of CAs that is not there is said by the operating system, before anything is opened.
    if isinstance(error, SSLError | ssl.SSLError | FileNotFoundError | PermissionError):
        return HttpsFault.NO_TLS
    if isinstance(error, NewConnectionError | ConnectTimeoutError | LocationValueError | AbandonedError):
        return HttpsFault.UNREACHABLE
    return HttpsFault.NO_ANSWER
