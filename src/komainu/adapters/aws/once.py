"""Calls of the third vote: each is sent once at most, and ends within its own deadline, whatever the network does.

An SDK that repeats a conditional write by itself is refused because of its own first attempt, and reports a loss that
was none. So nothing is repeated here: whoever asks reads back, and decides (N3).

Between two takeovers hours pass, and nothing is sent meanwhile. A connection that was left open for so long may be
dead without anybody having been told: a firewall that has forgotten it swallows the request. One that has idled is
therefore not used any more; making a new one costs two round trips, a swallowed request the whole deadline.

The SDK is loaded in the thread that needs it, when something is asked for the first time.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from komainu.adapters.aws import connections
from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.call import Call
from komainu.adapters.aws.pool import Pool

if TYPE_CHECKING:
    from komainu.adapters.aws.clock import ApiClock

T = TypeVar("T")

CONNECTIONS = 8
"Calls at the same time. One is enough, unless name resolution hangs: that no deadline can end."
IDLE_S = 30.0


class Once:
    """One service of AWS, called like that. Clients are kept by region and deadline."""

    def __init__(
        self, service: str, endpoint_url: str | None = None, prepare: Callable[[Any], None] = lambda client: None
    ) -> None:
        """`service` as the SDK calls it (`s3`). `endpoint_url` is for tests. Opens nothing yet.

        `prepare` is called with every client that is made.
        """
        self._service = service
        self._endpoint_url = endpoint_url
        self._prepare = prepare
        self._pool = Pool(f"komainu-{service}", CONNECTIONS)
        self._making = threading.RLock()
        self._sessions: dict[str | None, Any] = {}
        self._clients: dict[tuple[str | None, int], Any] = {}
        self._attempts = Attempts(service)
        self._api_clock: ApiClock | None = None
        self._used_ns = time.monotonic_ns()

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action."""
        return self._attempts.calls()

    def calls_in_last_minute(self) -> int:
        """How many requests were sent in the last minute."""
        return self._attempts.in_last_minute()

    def close(self) -> None:
        """Send nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._pool.close()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def warm(self, region: str | None, timeout_ms: int) -> None:
        """Make what a call with that deadline needs, in the background: SDK, credentials, client. Nothing is sent.

        What goes wrong is said when something is asked.
        """
        self._pool.submit(lambda: self._client(region, _seconds(timeout_ms)))

    async def call(self, region: str | None, send: Callable[[Any], T], timeout_ms: int, *, changes: bool = False) -> T:
        """Run `send` with the client, in a thread. Raises CloudError; after the deadline nothing more is sent."""
        call = Call(timeout_ms)
        answer = asyncio.wrap_future(self._pool.submit(lambda: self._run(call, region, send, timeout_ms, changes)))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            from komainu.adapters.aws.faults import deadline_passed

            raise deadline_passed(timeout_ms, call.abandon(), call.failed, region) from None
        finally:
            call.abandon()

    def _run(self, call: Call, region: str | None, send: Callable[[Any], T], timeout_ms: int, changes: bool) -> T:
        """In a thread: make the client if there is none, send, translate what went wrong."""
        from komainu.adapters.aws import remedy
        from komainu.adapters.aws.faults import cause, cloud_error

        try:
            with self._attempts.of(call):
                return remedy.send(
                    send,
                    lambda: self._ready(region, _seconds(timeout_ms)),
                    lambda client: self._forget(region, client),
                    self._clock(),
                )
        except Exception as error:  # noqa: BLE001 - it is told, whatever it is
            raise cloud_error(error, region, changes and call.may_have_arrived) from cause(error)
        finally:
            self._used_ns = time.monotonic_ns()

    def _client(self, region: str | None, seconds: int) -> Any:
        """The client, made now if there is none."""
        return self._ready(region, seconds)[0]

    def _ready(self, region: str | None, seconds: int) -> tuple[Any, bool]:
        """The client, and whether it was signed in just now. Made under a lock: the SDK's sessions know one thread."""
        with self._making:
            client = self._clients.get((region, seconds))
            fresh = region not in self._sessions
            if client is None:
                client = self._clients[region, seconds] = self._make_client(region, seconds)
            elif time.monotonic_ns() - self._used_ns > IDLE_S * 1e9:
                client.close()  # its idle connections only: it goes on with new ones
        return client, fresh

    def _forget(self, region: str | None, client: Any) -> None:
        """Sign in afresh, unless somebody has done so since that client was made."""
        with self._making:
            mine = [each for each in self._clients if each[0] == region]
            if any(self._clients[each] is client for each in mine):
                self._sessions.pop(region, None)
                for known in mine:
                    del self._clients[known]

    def _clock(self) -> "ApiClock":
        from komainu.adapters.aws.clock import ApiClock

        with self._making:
            if self._api_clock is None:
                self._api_clock = ApiClock()
            return self._api_clock

    def _make_client(self, region: str | None, seconds: int) -> Any:
        from botocore.config import Config
        from botocore.exceptions import NoCredentialsError

        from komainu.adapters.aws.session import client_config, make_session, trust_store

        session = self._sessions.get(region)
        if session is None:
            session = make_session(region)
            if session.get_credentials() is None:
                # A client made without credentials would stay without them for ever.
                raise NoCredentialsError
            self._sessions[region] = session
        once = Config(
            connect_timeout=seconds, read_timeout=seconds, retries={"mode": "standard", "total_max_attempts": 1}
        )
        client = session.client(
            self._service,
            endpoint_url=self._endpoint_url,
            config=client_config(CONNECTIONS).merge(once),
            verify=trust_store(session),
        )
        self._attempts.follow(client)
        self._clock().follow(client, self._service)
        connections.follow(client)
        self._prepare(client)
        return client


def _seconds(timeout_ms: int) -> int:
    """Whole seconds: few clients, however many deadlines there are."""
    return -(-timeout_ms // 1000)
