"""Node 2 of two as a resource sees it, all in memory. Each type's tests put their part of AWS beside it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from komainu.model.outcome import Outcome
from komainu.ports import Cloud, Host, NameService
from tests.doubles import virtual_time
from tests.doubles.network import FakeNetwork

ENI = {1: "eni-00000001", 2: "eni-00000002"}


class Station:
    """The node itself: its network, its clock, and whether it is alone."""

    resource: str
    "The name that the tests' resource has."

    def __init__(self, address: str) -> None:
        """`address` is that of eth0, with its prefix."""
        self.network = FakeNetwork(lo="127.0.0.1/8", eth0=address)
        self.now_ms = 1_000_000
        self.alone = False
        self.watching: Cloud | None = None
        "The cloud within the budget of calls, when it is another one."
        self.elsewhere: Mapping[str, Mapping[str, Any]] = {"node1": {"eni_id": ENI[1]}}
        self.reports: list[Outcome] = []

    def host(self, cloud: Cloud | None, resource: str = "", names: NameService | None = None) -> Host:
        return Host(
            node="node2",
            cluster="cluster1",
            group="failover1",
            resource=resource or self.resource,
            cloud=cloud,
            network=self.network,
            processes=None,
            report=self.reports.append,
            now_ms=lambda: self.now_ms,
            elsewhere=self.elsewhere,
            alone=lambda: self.alone,
            watching=self.watching,
            names=names,
        )

    async def end(self) -> None:
        """After a test: nothing is left running."""


S = TypeVar("S", bound=Station)
Body = Callable[[S], Coroutine[Any, Any, None]]


def run(make: Callable[[], S], body: Body[S]) -> None:
    """Run a test's body in a loop and a world of its own. Time passes in that loop only, and at once."""

    async def inner() -> None:
        world = make()
        await body(world)
        await world.end()

    virtual_time.run(inner())


def worlds(make: Callable[..., S]) -> Callable[..., Callable[[Body[S]], Callable[[], None]]]:
    """For the tests of a type: `in_world(**params)` makes a test of a body, which gets a fresh world with them."""

    def in_world(**params: Any) -> Callable[[Body[S]], Callable[[], None]]:
        def decorate(body: Body[S]) -> Callable[[], None]:
            def test() -> None:
                run(lambda: make(**params), body)

            test.__doc__ = body.__doc__
            return test

        return decorate

    return in_world


def text(outcome: Outcome) -> str:
    assert outcome.said is not None, outcome
    return outcome.said.en
