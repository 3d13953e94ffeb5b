"""What an SDK sends, attempt by attempt: each is counted, and its call is told of it (`komainu.adapters.aws.call`)."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from komainu.adapters.aws.call import Call

MINUTE_NS = 60_000_000_000


class Attempts:
    """Those of one service, in all threads that send."""

    def __init__(self, service: str) -> None:
        """`service` as the SDK calls it (`ec2`). The SDK is not loaded by this."""
        self._service = service
        self._counting = threading.Lock()
        self._calls: dict[str, int] = {}
        self._sent_ns: deque[int] = deque()
        "When, in the last minute."
        self._current = threading.local()
        self._throttled: Callable[[], None] = lambda: None

    def when_throttled(self, tell: Callable[[], None]) -> None:
        """Call this, in the thread that sends, for every answer that asks for patience, a repeated attempt's too."""
        self._throttled = tell

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action; repeated attempts count."""
        with self._counting:
            return dict(self._calls)

    def in_last_minute(self) -> int:
        """How many requests were sent in the last minute."""
        with self._counting:
            self._forget_before(time.monotonic_ns() - MINUTE_NS)
            return len(self._sent_ns)

    def follow(self, client: Any) -> None:
        """Hear of all that this client sends. It must send within `of` only."""
        from komainu.adapters.aws.connections import guard

        guard(client, self._connecting, self._connected)
        client.meta.events.register(f"before-send.{self._service}", self._before_send)
        client.meta.events.register(f"response-received.{self._service}", self._attempt_ended)

    @contextmanager
    def of(self, call: Call) -> Iterator[None]:
        """What this thread sends within belongs to that call."""
        self._current.call = call
        try:
            yield
        finally:
            self._current.call = None

    def _before_send(self, event_name: str, **_: Any) -> None:
        """The SDK is about to send."""
        self._current.call.attempt()
        action = event_name.rpartition(".")[2]
        with self._counting:
            now = time.monotonic_ns()
            self._calls[action] = self._calls.get(action, 0) + 1
            self._sent_ns.append(now)
            self._forget_before(now - MINUTE_NS)

    def _connecting(self) -> None:
        self._current.call.connecting()

    def _connected(self) -> None:
        self._current.call.connected()

    def _forget_before(self, ns: int) -> None:
        while self._sent_ns and self._sent_ns[0] <= ns:
            self._sent_ns.popleft()

    def _attempt_ended(self, exception: BaseException | None, parsed_response: dict[str, Any] | None, **_: Any) -> None:
        """The SDK has an answer, or has given up."""
        from botocore.parsers import ResponseParserError

        from komainu.adapters.aws.faults import THROTTLED, answer_lost, error_of, from_the_api

        foreign = exception is None and not from_the_api(parsed_response)
        call: Call = self._current.call
        call.attempt_ended(foreign or answer_lost(exception, parsed_response))
        call.failed = exception or error_of(parsed_response)
        if (parsed_response or {}).get("Error", {}).get("Code") in THROTTLED:
            self._throttled()
        if foreign:
            body = (parsed_response or {}).get("Body")
            if body is not None:
                body.close()  # nobody will read it, and its connection would stay open
            raise ResponseParserError("the answer is not of the API: does a proxy or a portal answer in its place?")
