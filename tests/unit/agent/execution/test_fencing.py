"""A node is fenced by what the configuration in force names, and there is an outcome in time whatever happens."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from komainu.agent.execution import fencing
from komainu.agent.execution.fencing import NO_FENCES, Fences, Fencing
from komainu.core.state import NodeFacts, Presence, State
from komainu.model.actions import FenceNode
from komainu.model.config import Arbitration, Cluster, Fence
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import FenceHost, FenceType
from tests.doubles.daemons import cluster
from tests.doubles.virtual_time import run

FENCE = Fence(type="gun", params={"socket": 1}, per_node={"n2": {"socket": 2}}, timeout_ms=5_000)


class GunParams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    socket: int


class Gun:
    """A device that does as told."""

    def __init__(self, shoot: Callable[[], Coroutine[Any, Any, Outcome]]) -> None:
        self.shoot = shoot
        self.made: list[tuple[int, FenceHost]] = []
        self.times: list[int] = []
        self.findings: tuple[Said, ...] = ()

    def type(self) -> FenceType:
        text = Message("TEST8", "a gun", "銃")
        return FenceType("gun", text, text, GunParams, (), ("aws", "onprem"), (), self.make)

    def make(self, params: GunParams, host: FenceHost) -> "Gun":
        self.made.append((params.socket, host))
        return self

    async def fence(self, timeout_ms: int) -> Outcome:
        self.times.append(timeout_ms)
        return await self.shoot()

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        return self.findings


async def hits() -> Outcome:
    return SUCCEEDED


async def hangs() -> Outcome:
    await asyncio.Event().wait()
    return SUCCEEDED


async def breaks() -> Outcome:
    raise KeyError("no such gun")


def configured(fence: Fence | None) -> Cluster:
    return cluster().model_copy(update={"arbitration": Arbitration(kind="majority", fence=fence)})


def host(name: str, target: str) -> FenceHost:
    return FenceHost("n1", name, target, None)


def state(fence: Fence | None = FENCE, nodes: dict[str, NodeFacts] | None = None) -> State:
    """The members wait for attempt 7 on n2, and this side has the majority, unless it is said otherwise."""
    member = replace(NodeFacts(), presence=Presence.MEMBER)
    known = {"n1": member, "n2": replace(NodeFacts(), presence=Presence.LOST, fence="7"), "n3": member}
    return State(configured(fence), nodes={**known, **(nodes or {})})


def order(target: str = "n2") -> FenceNode:
    return FenceNode("7", "n1", target)


def made(gun: Gun, told: Callable[[], State]) -> Fencing:
    return Fencing("n1", Fences({"gun": gun.type()}, host), told)


def fenced(gun: Gun, fence: Fence | None = FENCE, target: str = "n2") -> Outcome:
    return run(made(gun, lambda: state(fence)).fence(order(target)))


def code(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.said.code if outcome.said is not None else ""


def test_the_device_gets_what_is_configured_for_its_target() -> None:
    gun = Gun(hits)
    assert fenced(gun) == SUCCEEDED
    ((socket, seen),) = gun.made
    assert (socket, seen.node, seen.cluster, seen.target) == (2, "n1", cluster().name, "n2")
    assert gun.times == [5_000]
    fenced(gun, target="n1")
    assert gun.made[-1][0] == 1


def test_without_a_fence_it_fails() -> None:
    gun = Gun(hits)
    assert code(fenced(gun, None)) == (Result.FAILED, fencing.NO_FENCE.code)
    assert gun.made == []


def test_a_type_of_another_release_fails() -> None:
    other = FENCE.model_copy(update={"type": "cannon"})
    assert code(fenced(Gun(hits), other)) == (Result.FAILED, fencing.UNKNOWN_TYPE.code)


def test_parameters_that_do_not_hold_fail_and_are_named() -> None:
    outcome = fenced(Gun(hits), FENCE.model_copy(update={"per_node": {"n2": {"socket": "two", "more": 1}}}))
    assert code(outcome) == (Result.FAILED, fencing.BAD_PARAMETERS.code)
    assert outcome.said is not None
    assert "socket" in outcome.said.en
    assert "more" in outcome.said.en


def test_a_device_that_hangs_is_unknown_in_time() -> None:
    assert code(fenced(Gun(hangs))) == (Result.UNKNOWN, fencing.TIMEOUT.code)


def test_a_device_that_breaks_is_unknown() -> None:
    outcome = fenced(Gun(breaks))
    assert code(outcome) == (Result.UNKNOWN, fencing.DEFECT.code)
    assert "no such gun" in outcome.detail


def test_the_configuration_of_the_moment_counts() -> None:
    gun = Gun(hits)
    held = [state(None)]
    fencing = made(gun, lambda: held[-1])
    assert not run(fencing.fence(order())).succeeded
    held.append(state(FENCE))
    assert run(fencing.fence(order())).succeeded


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, True),
        ({"n2": replace(NodeFacts(), presence=Presence.MEMBER)}, False),
        ({"n2": replace(NodeFacts(), presence=Presence.LOST, fence="8")}, False),
        ({"n1": replace(NodeFacts(), presence=Presence.MEMBER, powerless=True)}, False),
        ({"n3": replace(NodeFacts(), presence=Presence.LOST)}, False),
    ],
    ids=["as it was", "the node is back", "another attempt", "this node has no right", "no majority any more"],
)
def test_a_device_can_see_whether_it_is_still_wanted(change: dict[str, NodeFacts], wanted: bool) -> None:
    gun = Gun(hits)
    held = [state()]
    run(made(gun, lambda: held[-1]).fence(order()))
    ((_, seen),) = gun.made
    assert seen.wanted()
    held.append(state(nodes=change))
    assert seen.wanted() is wanted


def test_a_daemon_without_fences_has_none() -> None:
    outcome = run(Fencing("n1", NO_FENCES, state).fence(order()))
    assert code(outcome) == (Result.FAILED, fencing.UNKNOWN_TYPE.code)
    assert NO_FENCES.host("c", "n2").cloud is None


def test_one_node_is_fenced_by_one_attempt_at_a_time() -> None:
    under_way: list[int] = []
    most: list[int] = []

    async def slowly() -> Outcome:
        under_way.append(1)
        most.append(len(under_way))
        await asyncio.sleep(2)
        under_way.pop()
        return SUCCEEDED

    async def story() -> None:
        fencing = made(Gun(slowly), state)
        outcomes = await asyncio.gather(*(fencing.fence(order(target)) for target in ("n2", "n2", "n1")))
        assert all(outcome.succeeded for outcome in outcomes)

    run(story())
    assert most == [1, 2, 1], "n2 once, n1 beside it, then n2 again"


# --- examined before it is needed -------------------------------------------------------------------------------------


def test_each_other_node_is_examined_and_nobody_is_shot() -> None:
    gun = Gun(hits)
    gun.findings = (Message("TEST8", "no powder", "火薬なし", "error").said(),)
    device = made(gun, state)
    assert run(device.examine()) == {"n2": gun.findings}
    assert gun.times == []
    assert not gun.made[0][1].wanted()  # it could shoot nobody if it tried


def test_where_no_fence_is_configured_nothing_is_examined() -> None:
    assert run(made(Gun(hits), lambda: state(None)).examine()) == {}


def test_what_cannot_be_made_is_a_finding() -> None:
    found = run(Fencing("n1", NO_FENCES, state).examine())
    assert [said.code for said in found["n2"]] == [fencing.UNKNOWN_TYPE.code]


def test_a_device_that_does_not_answer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(timeout_ms: int) -> tuple[Said, ...]:
        await asyncio.Event().wait()
        return ()

    gun = Gun(hits)
    monkeypatch.setattr(gun, "examine", silent)
    found = run(made(gun, state).examine())
    assert [said.code for said in found["n2"]] == [fencing.SILENT.code]
