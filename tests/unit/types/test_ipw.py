"""The IP monitor: pings and name servers by doubles, connections against real sockets on loopback."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from komainu.model import ip_target, reach
from komainu.model.ip_target import IpTarget
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.types import ipw
from komainu.types.ipw import IPW
from tests.doubles.pinger import FakePinger
from tests.doubles.resolver import FakeResolver
from tests.unit.types.monitor_stage import Node, play, refusal, says

pytestmark = pytest.mark.sockets

NAT1, NAT2, SERVER = "10.0.10.10", "10.0.20.10", "10.0.0.2"
EC2 = "ec2.ap-northeast-1.amazonaws.com"
DNS = {"dns": SERVER, "name": EC2}
SHORT_MS, LONG_MS = 300, 10_000


def icmp(*addresses: str) -> list[dict[str, str]]:
    return [{"icmp": address} for address in addresses]


def look(
    story: Callable[[Node, FakePinger, FakeResolver], Awaitable[None]], *answering: str, targets: Any, **params: Any
) -> None:
    pinger = FakePinger(*answering)
    resolver = FakeResolver(**dict.fromkeys(answering, ()))

    async def told(node: Node) -> None:
        await story(node, pinger, resolver)

    play(IPW, told, more={"pinger": pinger, "resolver": resolver}, targets=targets, **params)


def test_all_answer() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        assert await node.check() == SUCCEEDED
        assert pinger.asked == [NAT1]
        assert resolver.asked == [(SERVER, EC2)]

    look(story, NAT1, SERVER, targets=[*icmp(NAT1), DNS])


@pytest.mark.parametrize(
    ("require", "result", "message"),
    [("all", Result.FAILED, ipw.NOT_ALL), ("any", Result.SUCCEEDED, ipw.WARN_SOME)],
)
@pytest.mark.parametrize("silent", [{"icmp": NAT2}, DNS], ids=lambda target: next(iter(target)))
def test_one_of_two_is_silent(silent: dict[str, str], require: str, result: Result, message: Message) -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        outcome = await node.check(SHORT_MS)
        says(outcome, result, message)
        assert outcome.said is not None
        way = next(iter(silent))
        assert f"{way} {silent[way]}" in outcome.said.en
        assert NAT1 not in outcome.said.en
        assert "no answer" in outcome.detail

    look(story, NAT1, targets=[*icmp(NAT1), silent], require=require)


@pytest.mark.parametrize("require", ["all", "any"])
def test_none_answers(require: str) -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.FAILED, ipw.NONE)
        assert outcome.said is not None
        assert outcome.said.en == (
            "Detected an error in monitoring m1. (5 : None of the targets answers: icmp 10.0.10.10, icmp 10.0.20.10.)"
        )

    look(story, targets=icmp(NAT1, NAT2), require=require)


def test_a_lost_request_is_no_silence() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        answers = ["lost", "lost", ""]

        async def at_last(address: str, timeout_ms: int) -> str:
            return answers.pop(0)

        pinger.ping = at_last  # type: ignore[method-assign]
        assert await node.check(SHORT_MS) == SUCCEEDED

    look(story, targets=icmp(NAT1))


def test_a_name_server_that_refuses_is_silent() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        resolver.trouble[SERVER] = ConnectionRefusedError(111, "Connection refused")
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.FAILED, ipw.NONE)
        assert outcome.detail == f"{SERVER}: Connection refused"

    look(story, targets=[DNS])


def test_a_node_that_cannot_ask_does_not_know() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        pinger.refused = "Operation not permitted"
        resolver.trouble[SERVER] = PermissionError(1, "Operation not permitted")
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.UNKNOWN, ipw.NOT_TRIED)
        assert "not permitted" in outcome.detail

    look(story, targets=[*icmp(NAT1), DNS])


def test_without_anything_to_ask_with_it_does_not_know() -> None:
    async def story(node: Node) -> None:
        outcome = await node.check(SHORT_MS)
        says(outcome, Result.UNKNOWN, ipw.NOT_TRIED)
        assert outcome.detail.count("nothing to") == 2

    play(IPW, story, targets=[*icmp(NAT1), DNS])


def test_who_could_not_be_asked_is_not_silent_when_all_are_needed() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        pinger.refused = "Operation not permitted"
        says(await node.check(SHORT_MS), Result.UNKNOWN, ipw.NOT_TRIED)

    look(story, SERVER, targets=[*icmp(NAT1), DNS])


def test_one_answer_is_enough_also_where_another_could_not_be_asked() -> None:
    async def story(node: Node, pinger: FakePinger, resolver: FakeResolver) -> None:
        pinger.refused = "Operation not permitted"
        says(await node.check(SHORT_MS), Result.SUCCEEDED, ipw.WARN_SOME)

    look(story, SERVER, targets=[*icmp(NAT1), DNS], require="any")


# --- connections


async def asked(place: str, timeout_ms: int = LONG_MS) -> Outcome:
    """On this machine, which no configuration may ask."""
    target = IpTarget.model_construct(icmp="", tcp=place, dns="", name="")
    return await Node(IPW, {"targets": (target,)}, None).check(timeout_ms)


def test_what_listens_answers_and_the_connection_is_ended_properly() -> None:
    async def story() -> None:
        heard: list[bytes] = []
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read())  # raises when the connection is reset
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert await asked(f"127.0.0.1:{port}") == SUCCEEDED
        await asyncio.wait_for(ended.wait(), 10)
        assert heard == [b""]
        assert await asked(f"localhost:{port}") == SUCCEEDED
        server.close()
        await server.wait_closed()

    asyncio.run(story())


def test_what_refuses_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = asyncio.run(asked(f"127.0.0.1:{port}"))
    says(outcome, Result.FAILED, ipw.NONE)
    assert outcome.detail == f"127.0.0.1:{port}: Connection refused"


# --- what may be written


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, ip_target.NOT_ONE),
        ({"icmp": NAT1, "tcp": "10.0.0.1:1"}, ip_target.NOT_ONE),
        ({"icmp": "nat.example"}, reach.BAD_PING),
        ({"icmp": "127.0.0.1"}, reach.THIS_MACHINE),
        ({"tcp": "10.0.0.1"}, reach.BAD_LISTEN),
        ({"tcp": "localhost:443"}, reach.THIS_MACHINE),
        ({"dns": "ns.example", "name": EC2}, ip_target.BAD_DNS),
        ({"dns": "169.254.169.253", "name": EC2}, reach.THIS_MACHINE),
        ({"dns": SERVER}, ip_target.NAME_BESIDE),
        ({"icmp": NAT1, "name": EC2}, ip_target.NAME_BESIDE),
        ({"dns": SERVER, "name": "a..b"}, ip_target.BAD_NAME),
        ({"dns": SERVER, "name": "a" * 64}, ip_target.BAD_NAME),
        ({"dns": SERVER, "name": "a" * 60 + "!"}, ip_target.BAD_NAME),
    ],
)
def test_what_can_be_no_target_is_refused(target: dict[str, str], message: Message) -> None:
    assert refusal(IPW, targets=[target]) == message.code


def test_no_target_at_all_is_refused() -> None:
    assert refusal(IPW, targets=[]) == ipw.NO_TARGET.code
