"""The port Resolver: one suite for the fake, and for the adapter with a name server of ours on loopback."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest
from dns import flags, message, rcode, rrset

from komainu.adapters.net.resolver import DnsResolver
from komainu.ports import Resolver
from tests.doubles.resolver import FakeResolver

pytestmark = pytest.mark.sockets

HERE, SILENT, NOBODY = "127.0.0.1", "127.0.0.2", "127.0.0.3"
NAME, UNKNOWN = "ec2.example.", "no.example."
FOUND = ["192.0.2.1", "192.0.2.2"]
"In whichever order: a name server mixes them."
SHORT_MS, LONG_MS = 300, 10_000


def answer(packet: bytes) -> list[bytes]:
    """A stranger's answer first, then rubbish, then the right one."""
    question = message.from_wire(packet)
    right = message.make_response(question)
    if question.question[0].name.to_text() == NAME:
        right.answer.append(rrset.from_text(NAME, 60, "IN", "CNAME", "alias.example."))
        right.answer.append(rrset.from_text("alias.example.", 60, "IN", "A", *FOUND))
    else:
        right.set_rcode(rcode.NXDOMAIN)
    stranger = message.make_response(message.make_query("other.example.", "A"))
    stranger.flags |= flags.AA
    return [stranger.to_wire(), b"rubbish", right.to_wire()]


class Server:
    """Name servers on one port of several loopback addresses: one answers, one is silent, one is not there."""

    def __init__(self) -> None:
        self.here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.here.bind((HERE, 0))
        self.port: int = self.here.getsockname()[1]
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind((SILENT, self.port))
        self.forgotten = 0
        "So many questions are not answered."
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            packet, place = self.here.recvfrom(65_535)
            if not packet:
                return
            if self.forgotten:
                self.forgotten -= 1
                continue
            for each in answer(packet):
                self.here.sendto(each, place)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", (HERE, self.port))
        self._thread.join(10)
        self.here.close()
        self.silent.close()


@contextmanager
def served() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()


async def it_answers_with_addresses(resolver: Resolver) -> None:
    assert sorted(await resolver.resolve(HERE, NAME, LONG_MS)) == FOUND


async def silence_is_told_in_time(resolver: Resolver) -> None:
    with pytest.raises(TimeoutError, match=f"{SILENT}.* {SHORT_MS} ms"):
        await resolver.resolve(SILENT, NAME, SHORT_MS)


async def nobody_there_is_an_error(resolver: Resolver) -> None:
    with pytest.raises(OSError, match="refused"):
        await resolver.resolve(NOBODY, NAME, SHORT_MS)


async def several_at_once_get_their_own_answers(resolver: Resolver) -> None:
    asked = [HERE, SILENT, HERE, NOBODY] * 5
    told = await asyncio.gather(*(resolver.resolve(server, NAME, 1_000) for server in asked), return_exceptions=True)
    assert [isinstance(each, tuple) and sorted(each) == FOUND for each in told] == [server == HERE for server in asked]


Case = Callable[[Resolver], Coroutine[None, None, None]]
CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        it_answers_with_addresses,
        silence_is_told_in_time,
        nobody_there_is_an_error,
        several_at_once_get_their_own_answers,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    resolver = FakeResolver(**{HERE: tuple(FOUND)})
    resolver.trouble[NOBODY] = ConnectionRefusedError(111, "Connection refused")
    asyncio.run(CASES[case](resolver))


@pytest.mark.parametrize("case", CASES)
def test_over_udp(case: str) -> None:
    with served() as server:
        asyncio.run(CASES[case](DnsResolver(server.port)))


def test_a_lost_question_is_asked_again() -> None:
    with served() as server:
        server.forgotten = 1
        assert sorted(asyncio.run(DnsResolver(server.port).resolve(HERE, NAME, 2_000))) == FOUND


def test_that_there_is_no_such_name_is_an_answer() -> None:
    with served() as server:
        assert asyncio.run(DnsResolver(server.port).resolve(HERE, UNKNOWN, LONG_MS)) == ()
