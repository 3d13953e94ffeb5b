"""What becomes of a question: an answer, silence, or that this node could not even ask."""

import asyncio
import errno
import socket
import ssl

import pytest

from komainu.ports import PingRefused
from komainu.types.asking import Answer, asked, connect, detail, named
from komainu.types.resolving import Address

ADDRESSES: list[Address] = [(socket.AF_INET, ("192.0.2.1", 1)), (socket.AF_INET, ("192.0.2.2", 1))]
OWN = OSError(errno.EMFILE, "Too many open files")
SILENCE = OSError(errno.EHOSTUNREACH, "No route to host")


async def _says(text: str) -> str:
    return text


async def _raises(error: Exception) -> str:
    raise error


def test_an_answer_has_no_trouble() -> None:
    assert asyncio.run(asked("icmp a", "a", _says(""), 1_000)) == Answer("icmp a")
    assert asyncio.run(asked("icmp a", "a", _says("lost"), 1_000)) == Answer("icmp a", "lost")


def test_no_answer_is_told_with_its_time() -> None:
    found = asyncio.run(asked("icmp a", "a", asyncio.Event().wait(), 50))  # type: ignore[arg-type]
    assert found == Answer("icmp a", "a: no answer within 50 ms")


@pytest.mark.parametrize(
    ("error", "trouble", "tried"),
    [
        (SILENCE, "a: No route to host", True),
        (OWN, "a: Too many open files", False),
        (PingRefused("not permitted"), "not permitted", False),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "a: ", True),
        (ssl.SSLError(errno.EPERM, "a number of its own"), "a: ", True),
    ],
)
def test_trouble_is_silence_unless_it_is_our_own(error: Exception, trouble: str, tried: bool) -> None:
    found = asyncio.run(asked("icmp a", "a", _raises(error), 1_000))
    assert found.trouble.startswith(trouble)
    assert found.tried is tried


def test_one_address_of_several_is_enough() -> None:
    seen: list[str] = []

    async def talk(address: Address) -> str:
        seen.append(address[1][0])
        return await (_raises(SILENCE) if len(seen) == 1 else _says(""))

    assert asyncio.run(connect(ADDRESSES, 1_000, talk)) == ""
    assert seen == ["192.0.2.1", "192.0.2.2"]


def test_trouble_of_our_own_is_not_taken_for_that_of_an_address() -> None:
    seen: list[str] = []

    async def talk(address: Address) -> str:
        seen.append(address[1][0])
        return await _raises(OWN)

    with pytest.raises(OSError, match="open files"):
        asyncio.run(connect(ADDRESSES, 1_000, talk))
    assert len(seen) == 1


def test_no_address_is_no_answer() -> None:
    with pytest.raises(OSError, match="no address"):
        asyncio.run(connect([], 1_000, lambda _: _says("")))


def test_answers_are_named_for_people() -> None:
    answers = [Answer("icmp a", "lost"), Answer("tcp b:1", "refused")]
    assert (named(answers), detail(answers)) == ("icmp a, tcp b:1", "lost\nrefused")
