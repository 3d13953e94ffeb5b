"""fip: the smallest floating IP that a segment of neighbours follows."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.message import Refused
from komainu.model.outcome import Outcome, Result
from komainu.ports import Host
from komainu.types import fip as subject
from komainu.types.fip import FIP, Fip, Params
from tests.doubles.network import FakeNetwork

ADDRESS = "192.0.2.100"


class World:
    """A node on one segment."""

    def __init__(self, **params: Any) -> None:
        self.network = FakeNetwork(lo="127.0.0.1/8", eth0="192.0.2.11/24", eth1="198.51.100.11/24")
        self.reports: list[Outcome] = []
        host = Host(
            node="node1",
            cluster="cluster1",
            group="failover1",
            resource="fip1",
            cloud=None,
            network=self.network,
            processes=None,
            report=self.reports.append,
            now_ms=lambda: 0,
        )
        made = FIP.make(Params(**{"address": ADDRESS, **params}), host)
        assert isinstance(made, Fip)
        self.fip = made

    async def announced(self) -> None:
        """Wait until the announcements have ended."""
        task = self.fip._announcing
        assert task is not None
        await asyncio.wait([task], timeout=20)
        assert task.done()


def run(body: Callable[[World], Coroutine[Any, Any, None]], **params: Any) -> None:
    async def inner() -> None:
        world = World(**params)
        await body(world)
        world.network.fails = None
        assert (await world.fip.stop(5_000)).succeeded

    asyncio.run(inner())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "AGAIN_MS", (2, 10, 20))


def test_a_start_adds_the_address_and_announces_it_at_once_and_again() -> None:
    async def body(world: World) -> None:
        assert (await world.fip.prepare()).succeeded
        assert (await world.fip.start(5_000)).succeeded
        assert (ADDRESS, 32) in world.network.devices["eth0"]
        assert world.network.announced == [("eth0", ADDRESS)]
        await world.announced()
        assert world.network.announced == [("eth0", ADDRESS)] * 4

    run(body)


def test_a_device_that_is_given_is_used() -> None:
    async def body(world: World) -> None:
        assert (await world.fip.start(5_000)).succeeded
        assert (ADDRESS, 24) in world.network.devices["eth1"]
        assert world.network.announced == [("eth1", ADDRESS)]

    run(body, device="eth1", prefix=24)


def test_start_and_stop_are_idempotent_and_nothing_is_announced_after_a_stop() -> None:
    async def body(world: World) -> None:
        await world.fip.start(5_000)
        assert (await world.fip.start(5_000)).succeeded
        assert world.network.devices["eth0"].count((ADDRESS, 32)) == 1
        task = world.fip._announcing
        assert (await world.fip.stop(5_000)).succeeded
        assert task is not None
        assert task.cancelled()
        assert await world.network.device_with(ADDRESS) is None
        assert (await world.fip.stop(5_000)).succeeded

    run(body)


def test_an_address_of_no_subnet_here_is_refused_with_the_remedy() -> None:
    async def body(world: World) -> None:
        for outcome in (await world.fip.prepare(), await world.fip.start(5_000)):
            assert outcome.result is Result.FAILED
            assert outcome.said is not None
            assert outcome.said.code == "KM3801"
            assert "Set `device`" in outcome.said.en

    run(body, address="203.0.113.1")


def test_the_check_and_the_probe_ask_the_kernel() -> None:
    async def body(world: World) -> None:
        absent = await world.fip.probe(1_000)
        assert (absent.result, absent.said and absent.said.code) == (Result.FAILED, "KM3804")
        await world.fip.start(5_000)
        assert (await world.fip.probe(1_000)).succeeded
        assert (await world.fip.check(1_000)).succeeded
        await world.network.remove_address(ADDRESS)
        gone = await world.fip.check(1_000)
        assert (gone.result, gone.said and gone.said.code) == (Result.FAILED, "KM3803")

    run(body)


def test_a_kernel_that_does_not_say_is_unknown() -> None:
    async def body(world: World) -> None:
        world.network.fails = OSError(105, "No buffer space available")
        for outcome in (await world.fip.check(1_000), await world.fip.probe(1_000), await world.fip.prepare()):
            assert (outcome.result, outcome.said and outcome.said.code) == (Result.UNKNOWN, "KM3805")
            assert "No buffer space" in outcome.detail

    run(body)


def test_what_the_kernel_refuses_is_a_failure() -> None:
    async def body(world: World) -> None:
        world.network.fails = PermissionError(1, "Operation not permitted")
        for outcome in (await world.fip.start(5_000), await world.fip.stop(5_000)):
            assert (outcome.result, outcome.said and outcome.said.code) == (Result.FAILED, "KM3802")
            assert "Operation not permitted" in outcome.detail

    run(body)


def test_an_announcement_that_cannot_be_sent_fails_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World) -> None:
        async def down(device: str, address: str) -> None:
            raise OSError(100, "Network is down")

        monkeypatch.setattr(world.network, "announce", down)
        outcome = await world.fip.start(5_000)
        assert (outcome.result, outcome.said and outcome.said.code) == (Result.FAILED, "KM3806")

    run(body)


def test_a_process_that_stood_still_does_not_announce_what_may_live_elsewhere_by_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "LATE_MS", 50)

    async def body(world: World) -> None:
        await world.fip.start(5_000)
        threading.Event().wait(0.2)
        await world.announced()
        assert world.network.announced == [("eth0", ADDRESS)]
        assert world.reports == []

    run(body)


def test_a_later_announcement_that_cannot_be_sent_is_reported() -> None:
    async def body(world: World) -> None:
        await world.fip.start(5_000)
        world.network.fails = OSError(100, "Network is down")
        await world.announced()
        (report,) = world.reports
        assert (report.result, report.said and report.said.code) == (Result.UNKNOWN, "KM3806")

    run(body)


@pytest.mark.parametrize(
    "wrong",
    [{"address": "224.0.0.1"}, {"address": "x"}, {"prefix": 33}, {"prefix": 0}, {"device": ""}, {"vpc_id": "v"}],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params(**{"address": ADDRESS, **wrong})


def test_it_belongs_on_premises_and_is_held_by_one_node() -> None:
    assert FIP.traits.environments == ("onprem",)
    assert FIP.traits.exclusive
    assert FIP.monitor_name("fip1") == "fipw1"


def test_a_refused_address_is_explained_in_both_languages() -> None:
    with pytest.raises(ValidationError) as refused:
        Params.model_validate({"address": "224.0.0.5"})
    (error,) = refused.value.errors()
    assert "224.0.0.5 cannot be a floating IP" in str(error["ctx"]["error"])
    assert isinstance(error["ctx"]["error"], Refused)


def test_it_guards_its_address_and_is_ended_with_it() -> None:
    guarded = FIP.guards(Params(address=ADDRESS).model_dump(mode="json"))
    assert (guarded.addresses, guarded.ports) == ((ADDRESS,), ())
    assert FIP.traits.ended_by == "network"
