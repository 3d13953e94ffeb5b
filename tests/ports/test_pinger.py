"""The port Pinger: one suite for the fake and for the kernel, there with both kinds of sockets.

The kernel's part runs in a child process in a network namespace of its own, which ends in a device that leads nowhere:
`python -m tests.ports.test_pinger CASE GROUPS`.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from komainu.ports import Pinger
from tests.doubles.pinger import FakePinger

ANSWERS, ANSWERS_TOO, SILENT, UNREACHABLE = "127.0.0.1", "::1", "192.0.2.2", "203.0.113.1"
NOWHERE = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "link", "add", "nowhere", "type", "veth", "peer", "name", "deaf"),
    ("ip", "link", "set", "nowhere", "up"),
    ("ip", "link", "set", "deaf", "up"),
    ("ip", "address", "add", "192.0.2.1/24", "dev", "nowhere"),
    ("ip", "neigh", "add", SILENT, "lladdr", "02:00:00:00:00:99", "dev", "nowhere"),
)
KINDS = {"ping sockets": "0 4294967294", "raw sockets": "1 0"}
"What `net.ipv4.ping_group_range` has to be for root to get them."
SHORT_MS, LONG_MS = 200, 10_000


async def what_lives_answers(pinger: Pinger) -> None:
    assert await pinger.ping(ANSWERS, LONG_MS) == ""


async def what_lives_answers_by_ipv6(pinger: Pinger) -> None:
    assert await pinger.ping(ANSWERS_TOO, LONG_MS) == ""


async def what_is_silent_is_told_in_time(pinger: Pinger) -> None:
    told = await pinger.ping(SILENT, SHORT_MS)
    assert SILENT in told
    assert f"{SHORT_MS} ms" in told


async def no_way_is_no_answer(pinger: Pinger) -> None:
    told = await pinger.ping(UNREACHABLE, LONG_MS)
    assert "unreachable" in told


async def several_at_once_do_not_take_each_others_answers(pinger: Pinger) -> None:
    asked = [ANSWERS, SILENT, ANSWERS_TOO, SILENT, ANSWERS, UNREACHABLE] * 5
    told = await asyncio.gather(*(pinger.ping(address, 1_000) for address in asked))
    assert [not text for text in told] == [address in (ANSWERS, ANSWERS_TOO) for address in asked]


Case = Callable[[Pinger], Coroutine[None, None, None]]
CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        what_lives_answers,
        what_lives_answers_by_ipv6,
        what_is_silent_is_told_in_time,
        no_way_is_no_answer,
        several_at_once_do_not_take_each_others_answers,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    pinger = FakePinger(ANSWERS, ANSWERS_TOO)
    pinger.unreachable = {UNREACHABLE}
    asyncio.run(CASES[case](pinger))


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_kernel(case: str, kind: str) -> None:
    child = subprocess.run(
        ["unshare", "--net", sys.executable, "-W", "error", "-m", "tests.ports.test_pinger", case, KINDS[kind]],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr


def main(case: str, groups: str) -> None:
    """In the child: lay the cable that leads nowhere, choose the kind of socket, run one case against the kernel."""
    from komainu.adapters.net import ping

    for command in NOWHERE:
        subprocess.run(command, check=True)
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(groups)
    with ping._socket(4) as chosen:
        assert (chosen.type == socket.SOCK_RAW) == (groups == KINDS["raw sockets"])
    asyncio.run(CASES[case](ping.LinuxPinger()))


if __name__ == "__main__":
    main(*sys.argv[1:])
