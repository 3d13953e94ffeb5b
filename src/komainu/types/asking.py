"""Asks something elsewhere whether it is there: by ping, or by a TCP connection to one of its addresses."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from komainu.ports import Pinger, PingRefused
from komainu.types.resolving import Address

_PINGS: Final = 3
"Echo requests in one check: one that is lost on the way is no silence."
_OWN_TROUBLE: Final = (
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EPERM, errno.EACCES, errno.EAGAIN),
)
"This node cannot even ask. Anything else the network says is silence of the target."


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question."""

    target: str
    "Who was asked and how, for people."
    trouble: str = ""
    "What was seen in place of an answer; empty: it answered."
    tried: bool = True
    "False when this node could not even ask."


async def asked(target: str, name: str, question: Awaitable[str], limit_ms: int) -> Answer:
    """Ask; the question's result is its trouble. `name` is that of the target alone."""
    try:
        async with asyncio.timeout(limit_ms / 1000):
            return Answer(target, await question)
    except TimeoutError as error:
        return Answer(target, str(error) or f"{name}: no answer within {limit_ms} ms")
    except PingRefused as error:
        return Answer(target, str(error), tried=False)
    except socket.gaierror as error:
        return Answer(target, f"{name}: {error}")
    except OSError as error:
        reason = str(error) if isinstance(error, ssl.SSLError) or not error.errno else os.strerror(error.errno)
        return Answer(target, f"{name}: {reason}", tried=not _is_own(error))


async def ping(pinger: Pinger | None, address: str, limit_ms: int) -> str:
    """Empty when it answered; else what was seen last. Raises PingRefused."""
    if pinger is None:
        raise PingRefused("this node has nothing to ping with")
    seen = ""
    for _ in range(_PINGS):
        begun = asyncio.get_running_loop().time()
        seen = await pinger.ping(address, limit_ms // _PINGS)
        if not seen:
            return ""
        # What is known at once (no route) may be mended in a moment.
        await asyncio.sleep(max(0.0, begun + limit_ms / _PINGS / 1000 - asyncio.get_running_loop().time()))
    return seen


async def connect(addresses: list[Address], limit_ms: int, talk: Callable[[Address], Awaitable[str]]) -> str:
    """Talk to the addresses one after the other until one can be talked to; the result of that talk. Raises OSError."""
    trouble: OSError | None = None
    for address in addresses:
        try:
            async with asyncio.timeout(limit_ms / 1000 / len(addresses)):
                return await talk(address)
        except OSError as error:  # a TimeoutError is one as well
            if _is_own(error):
                raise
            trouble = error
    raise trouble or OSError(errno.EHOSTUNREACH, "no address")


def named(answers: list[Answer]) -> str:
    """Who was asked, for a message."""
    return ", ".join(answer.target for answer in answers)


def detail(answers: list[Answer]) -> str:
    """What was seen in place of answers."""
    return "\n".join(answer.trouble for answer in answers)


def _is_own(error: OSError) -> bool:
    """Whether this node could not even ask. The errors of TLS have numbers of their own."""
    return not isinstance(error, ssl.SSLError) and error.errno in _OWN_TROUBLE
