"""A look outside: pings by a double, connections against real sockets on loopback. Silence has its grace."""

import asyncio
import errno
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.model.reach import ReachTarget
from komainu.types import reach
from komainu.types.reach import REACH
from tests.doubles.pinger import FakePinger
from tests.unit.types.monitor_stage import Node, play, says

pytestmark = pytest.mark.sockets

A, B = "192.0.2.10", "192.0.2.20"
SHORT_MS, LONG_MS = 300, 10_000


def here(way: str, text: str) -> ReachTarget:
    """A target on this machine, which no configuration may have."""
    written: dict[str, Any] = {"ping": "", "listen": "", "http": "", way: text}
    return ReachTarget.model_construct(**written)


def pings(*addresses: str) -> list[dict[str, str]]:
    return [{"ping": address} for address in addresses]


class Clock:
    """A time that the test tells."""

    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        return self.ms


def look(
    story: Callable[[Node, FakePinger, Clock], Awaitable[None]], *answering: str, targets: Any, **params: Any
) -> None:
    pinger, clock = FakePinger(*answering), Clock()

    async def told(node: Node) -> None:
        await story(node, pinger, clock)

    play(REACH, told, more={"pinger": pinger, "now_ms": clock}, targets=targets, **params)


# --- what the targets together mean


def test_all_answer() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        assert await node.check() == SUCCEEDED
        assert sorted(pinger.asked) == [A, B]

    look(story, A, B, targets=pings(A, B))


def test_one_of_two_is_enough_and_the_other_is_told() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.SUCCEEDED, reach.WARN_SOME)
        assert outcome.said is not None
        assert f"ping {B}" in outcome.said.en
        assert A not in outcome.said.en
        clock.ms += 3_600_000
        says(await node.check(SHORT_MS), Result.SUCCEEDED, reach.WARN_SOME)

    look(story, A, targets=pings(A, B), grace_ms=0)


def test_when_all_are_needed_one_silent_one_is_an_error() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        says(await node.check(SHORT_MS), Result.FAILED, reach.NOT_ALL)

    look(story, A, targets=pings(A, B), need="all", grace_ms=0)


def test_silence_is_a_caution_until_the_grace_is_over() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        first = await node.check(SHORT_MS)
        says(first, Result.SUCCEEDED, reach.WARN_SILENT)
        clock.ms += 5_999
        assert await node.check(SHORT_MS) == first, "nothing new is told meanwhile"
        clock.ms += 1
        says(await node.check(SHORT_MS), Result.FAILED, reach.CUT_OFF)

    look(story, targets=pings(A, B), grace_ms=6_000)


def test_the_time_of_the_check_itself_counts() -> None:
    """The silence began when the first check that met it began, not when that one gave up."""

    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        asked = pinger.ping

        async def slowly(address: str, timeout_ms: int) -> str:
            clock.ms += 700
            return await asked(address, timeout_ms)

        pinger.ping = slowly  # type: ignore[method-assign]
        says(await node.check(SHORT_MS), Result.FAILED, reach.CUT_OFF)

    look(story, targets=pings(A), grace_ms=2_000)


def test_an_answer_ends_the_silence() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        says(await node.check(SHORT_MS), Result.SUCCEEDED, reach.WARN_SILENT)
        clock.ms += 5_000
        pinger.answering.add(A)
        assert (await node.check(SHORT_MS)).succeeded
        pinger.answering.clear()
        clock.ms += 5_000
        says(await node.check(SHORT_MS), Result.SUCCEEDED, reach.WARN_SILENT)

    look(story, targets=pings(A), grace_ms=6_000)


def test_a_new_round_knows_nothing_of_the_silence_before() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        says(await node.check(SHORT_MS), Result.SUCCEEDED, reach.WARN_SILENT)
        await node.hands.end()
        await node.hands.begin()
        clock.ms += 60_000
        says(await node.check(SHORT_MS), Result.SUCCEEDED, reach.WARN_SILENT)

    look(story, targets=pings(A), grace_ms=6_000)


def test_a_node_that_cannot_ask_does_not_know() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        pinger.refused = "Operation not permitted"
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.UNKNOWN, reach.NOT_TRIED)
        assert "not permitted" in outcome.detail

    look(story, A, targets=pings(A, B), grace_ms=0)


def test_without_a_pinger_it_does_not_know() -> None:
    async def story(node: Node) -> None:
        says(await node.check(SHORT_MS), Result.UNKNOWN, reach.NOT_TRIED)

    play(REACH, story, targets=pings(A))


def test_a_lost_request_is_no_silence() -> None:
    async def story(node: Node, pinger: FakePinger, clock: Clock) -> None:
        answers = ["lost", "lost", ""]

        async def at_last(address: str, timeout_ms: int) -> str:
            assert timeout_ms <= SHORT_MS / 3
            return answers.pop(0)

        pinger.ping = at_last  # type: ignore[method-assign]
        assert await node.check(SHORT_MS) == SUCCEEDED

    look(story, targets=pings(A))


# --- connections


@asynccontextmanager
async def serving(answer: bytes | None, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port on loopback that answers each connection with these bytes after it heard something; None: never."""
    heard = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = await reader.read(4_096)
        if begun and answer is not None:
            assert begun.startswith(b"HEAD /health?deep=1 HTTP/1.1\r\nHost: ")
            writer.write(answer)
        elif answer is None and begun:
            await heard.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        heard.set()
        server.close()
        await server.wait_closed()


def refusing() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def asked(target: ReachTarget, timeout_ms: int = LONG_MS) -> Outcome:
    node = Node(REACH, {"targets": (target,), "grace_ms": 0}, None)
    await node.hands.begin()
    return await node.check(timeout_ms)


def test_what_listens_answers_and_what_refuses_does_not() -> None:
    async def story() -> None:
        async with serving(b"") as port:
            assert await asked(here("listen", f"127.0.0.1:{port}")) == SUCCEEDED
            assert await asked(here("listen", f"localhost:{port}")) == SUCCEEDED
        outcome = await asked(here("listen", f"127.0.0.1:{refusing()}"))
        says(outcome, Result.FAILED, reach.CUT_OFF)
        assert "refused" in outcome.detail

    asyncio.run(story())


@pytest.mark.parametrize("status", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 503 Busy\r\n\r\n", b"HTTP/1.1 301 x\r\n"])
def test_any_answer_by_http_is_one(status: bytes) -> None:
    async def story() -> None:
        async with serving(status) as port:
            assert await asked(here("http", f"http://127.0.0.1:{port}/health?deep=1")) == SUCCEEDED

    asyncio.run(story())


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n", b"HT", b""])
def test_what_does_not_speak_http_has_not_answered(answer: bytes) -> None:
    async def story() -> None:
        async with serving(answer) as port:
            says(await asked(here("http", f"http://127.0.0.1:{port}/health?deep=1")), Result.FAILED, reach.CUT_OFF)

    asyncio.run(story())


def test_a_server_that_never_answers_is_silent_in_time() -> None:
    async def story() -> None:
        async with serving(None) as port:
            outcome = await asked(here("http", f"http://127.0.0.1:{port}/"), SHORT_MS)
            says(outcome, Result.FAILED, reach.CUT_OFF)

    asyncio.run(story())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody trusts, for another name."""
    both = tmp_path_factory.mktemp("tls") / "both.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-days", "1"]
    subprocess.run([*made, "-keyout", str(both), "-out", f"{both}.crt"], check=True, capture_output=True)
    both.write_bytes(both.read_bytes() + Path(f"{both}.crt").read_bytes())
    return both


def test_a_certificate_does_not_matter_and_no_tls_does(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def story() -> None:
        async with serving(b"HTTP/1.1 200 OK\r\n\r\n", context) as port:
            assert await asked(here("http", f"https://127.0.0.1:{port}/health?deep=1")) == SUCCEEDED
        async with serving(None) as port:
            says(await asked(here("http", f"https://127.0.0.1:{port}/"), 1_000), Result.FAILED, reach.CUT_OFF)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (errno.ENETUNREACH, Result.FAILED),
        (errno.EHOSTUNREACH, Result.FAILED),
        (errno.EMFILE, Result.UNKNOWN),
        (errno.EPERM, Result.UNKNOWN),
    ],
)
def test_no_way_is_silence_and_own_trouble_is_not(monkeypatch: pytest.MonkeyPatch, number: int, result: Result) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, "x")

    async def story() -> None:
        monkeypatch.setattr(asyncio, "open_connection", refuse)
        assert (await asked(here("listen", "192.0.2.1:443"))).result is result

    asyncio.run(story())


def test_an_error_of_tls_is_no_trouble_of_this_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is 1, as that of EPERM."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise ssl.SSLError(1, "wrong version number")

    async def story() -> None:
        monkeypatch.setattr(asyncio, "open_connection", refuse)
        outcome = await asked(here("http", "https://192.0.2.1/"))
        says(outcome, Result.FAILED, reach.CUT_OFF)
        assert "wrong version" in outcome.detail

    asyncio.run(story())


def test_a_name_that_is_not_resolved_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def story() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", fail)
        outcome = await asked(here("listen", "gate.example:443"))
        says(outcome, Result.FAILED, reach.CUT_OFF)
        assert "name resolution" in outcome.detail

    asyncio.run(story())


def test_one_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with serving(b"") as port:
            found = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", refusing())),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            ]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            assert await asked(here("listen", "gate.example:443")) == SUCCEEDED
            monkeypatch.undo()

    asyncio.run(story())
