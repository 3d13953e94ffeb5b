"""The LISTEN check against real sockets on loopback: one that listens, one that refuses, one that is silent."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import tcp
from komainu.types.tcp import TCP
from tests.unit.types.monitor_stage import Node, play, says

pytestmark = pytest.mark.sockets

SHORT_MS = 300


@contextmanager
def listening(backlog: int = 5) -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server.getsockname()[1]


def refusing() -> int:
    """A port on which nobody listens."""
    with listening() as port:
        return port


@contextmanager
def silent() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what wants to connect, as a firewall does."""
    with listening(backlog=0) as port:
        waiting = []
        try:
            for _ in range(4):
                each = socket.socket()
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))
                waiting.append(each)
            yield port
        finally:
            for each in waiting:
                each.close()


def test_what_listens_is_normal_by_address_and_by_name() -> None:
    async def story(node: Node) -> None:
        assert await node.check() == SUCCEEDED
        assert await node.check() == SUCCEEDED

    with listening() as port:
        play(TCP, story, host="127.0.0.1", port=port)
        play(TCP, story, host="localhost", port=port)


def test_a_refusal_is_an_error_whatever_silence_means() -> None:
    async def story(node: Node) -> None:
        outcome = await node.check()
        says(outcome, Result.FAILED, tcp.REFUSED)
        assert outcome.said is not None
        assert outcome.said.en.startswith("Detected an error in monitoring m1. (5 : Failed to connect to 127.0.0.1:")
        assert outcome.detail == "127.0.0.1: Connection refused"

    play(TCP, story, host="127.0.0.1", port=refusing(), no_answer="caution")


@pytest.mark.parametrize(
    ("policy", "result", "message"),
    [("error", Result.FAILED, tcp.TIMEOUT), ("caution", Result.SUCCEEDED, tcp.WARN_TIMEOUT)],
)
def test_silence_means_what_the_policy_says(policy: str, result: Result, message: tcp.Message) -> None:
    async def story(node: Node) -> None:
        says(await node.check(SHORT_MS), result, message)

    with silent() as port:
        play(TCP, story, host="127.0.0.1", port=port, no_answer=policy)


def test_no_route_is_silence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(node: Node) -> None:
        failing(monkeypatch, OSError(errno.ENETUNREACH, "Network is unreachable"))
        says(await node.check(), Result.FAILED, tcp.UNREACHABLE)

    play(TCP, story, host="192.0.2.1", port=443)


def test_what_this_node_cannot_try_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(node: Node) -> None:
        failing(monkeypatch, OSError(errno.ENOBUFS, "No buffer space available"))
        says(await node.check(), Result.UNKNOWN, tcp.NOT_TRIED)

    play(TCP, story, host="192.0.2.1", port=443)


def failing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """The kernel answers every attempt to connect with this."""

    async def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", refuse)


def resolving(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    """The name server answers like this."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer())


def test_a_name_that_is_not_resolved_is_silence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer() -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def story(node: Node) -> None:
        resolving(monkeypatch, answer)
        says(await node.check(), Result.SUCCEEDED, tcp.WARN_NO_NAME)

    play(TCP, story, host="db.example", port=443, no_answer="caution")


def test_one_address_of_several_has_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def story(wanted: Callable[[Node], Awaitable[None]], *ports: int) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

        async def told(node: Node) -> None:
            resolving(monkeypatch, lambda: found)
            await wanted(node)

        play(TCP, told, host="db.example", port=5432)

    async def normal(node: Node) -> None:
        assert await node.check() == SUCCEEDED

    async def refused(node: Node) -> None:
        says(await node.check(2 * SHORT_MS), Result.FAILED, tcp.REFUSED)

    with listening() as good, silent() as mute:
        story(normal, refusing(), good)
        story(refused, mute, refusing())


def test_an_address_of_version_6_is_shown_in_brackets() -> None:
    async def story(node: Node) -> None:
        outcome = await node.check()
        assert outcome.said is not None
        assert "[::1]:" in outcome.said.en

    play(TCP, story, host="::1", port=refusing())
