"""How long one step() of the core takes, and the digest and the snapshot of its state.

Run by `make bench-step`. It prints a table and asserts nothing: a figure of one machine is no test.
The events are those of a day: a check fails, a group moves, a daemon dies and returns, a node is lost and returns.
"""

import platform
import statistics
import time
from collections.abc import Callable

from komainu.agent.members.snapshot import digest, encode
from komainu.core.state import RULES, State, initial
from komainu.core.step import step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Arbitration, Cluster, Group, Monitor, MonitorRecovery, Node, Recovery, Resource, Target
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Result, failed

BROKEN = failed(Said("BENCH1", "It is broken.", "壊れています。", "error"))
SHAPES = ((2, 3, 2, 3), (8, 100, 10, 200), (2, 10, 3, 0), (2, 100, 3, 0), (2, 1_000, 3, 0))
"""Nodes, groups, resources in each group, monitors of their own."""
STEPS_OF_A_DAY = 300
"""At most so many steps are measured; a day of a large cluster has more of the same."""
BUDGET_NS = 3_000_000_000
"""For the measurements of one shape."""

Moment = tuple[State, e.Event]


def cluster(nodes: int, groups: int, resources: int, monitors: int) -> Cluster:
    """A cluster of that size; every group may run on every node, the first one spread evenly."""
    names = [f"node{number}" for number in range(1, nodes + 1)]
    parts = tuple(
        Resource(
            name=f"part{number}", type="exec", exclusive=True, params={}, start_timeout_ms=1, stop_timeout_ms=1,
            check_interval_ms=100, check_timeout_ms=1, prepare_interval_ms=100, recovery=Recovery(),
            depends_on=(f"part{number - 1}",) if number else (), monitor=f"check{number}",
        )
        for number in range(resources)
    )  # fmt: skip
    return Cluster(
        name="bench",
        environment="onprem",
        detect_within_ms=1_000,
        arbitration=Arbitration(kind="none"),
        nodes=tuple(Node(name=name, id=index, links=(f"10.0.0.{index}",)) for index, name in enumerate(names, 1)),
        groups=tuple(
            Group(name=f"group{number}", nodes=(*names[number % nodes :], *names[: number % nodes]), resources=parts)
            for number in range(groups)
        ),
        monitors=tuple(monitor(f"monitor{number}", names, f"group{number % groups}") for number in range(monitors)),
    )


def monitor(name: str, nodes: list[str], group: str) -> Monitor:
    """A monitor that checks everywhere and recovers that group."""
    recovery = MonitorRecovery(target=Target(kind="group", group=group))
    return Monitor(
        name=name, type="tcp", nodes=tuple(nodes), params={}, first_wait_ms=0, interval_ms=1_000, timeout_ms=1_000,
        retries=0, recovery=recovery,
    )  # fmt: skip


class Day:
    """A cluster lives through a day; the moments are kept: each event, and the state it met."""

    def __init__(self, configuration: Cluster) -> None:
        self.state = initial(configuration)
        self.moments: list[Moment] = []
        self._waiting: list[e.Event] = []

    def happens(self, event: e.Event) -> None:
        """One event, and whatever follows from it."""
        self._waiting.append(event)
        while self._waiting:
            event = self._waiting.pop(0)
            self.moments.append((self.state, event))
            done = step(self.state, event)
            self.state = done.state
            self._waiting += [answer for action in done.actions if (answer := self._answer(action)) is not None]

    def _answer(self, action: a.Action) -> e.Event | None:
        match action:
            case a.StartResource() | a.StopResource() | a.FenceNode():
                return e.ActionFinished(action.id, action.node, SUCCEEDED)
            case a.ProbeNode():
                return e.NodeProbed(action.id, action.node, self._found(action.node))
            case _:
                return None

    def _found(self, node: str) -> tuple[e.Found, ...]:
        return tuple(
            e.Found(group.name, each.name, Result.SUCCEEDED if facts.home == node else Result.FAILED, facts.since)
            for group in self.state.cluster.groups
            for facts in (self.state.groups[group.name],)
            for each in group.resources
        )

    def view(self, members: list[str], nodes: list[str], newcomers: list[str]) -> None:
        """The members change; newcomers put their state together with the others'."""
        self.happens(e.ViewChanged(f"1-{len(self.moments)}", tuple(members), tuple(nodes)))
        if newcomers:
            met = tuple(
                e.Member(name, f"{name}.{len(self.moments)}", RULES, 0, False)
                if name in newcomers
                else e.Member(name, self.state.nodes[name].incarnation, RULES, 0, True)
                for name in members
            )
            self.happens(e.MembersSynced(self.state.ring, members[0], met))


def form(day: Day) -> None:
    """All nodes come, everything starts; not part of the day."""
    names = list(day.state.nodes)
    day.view(names, names, names)
    day.moments.clear()


def live(day: Day) -> None:
    """What happens in a day."""
    names = list(day.state.nodes)
    last = names[-1]
    group = day.state.cluster.groups[0]
    for _ in range(4):
        home = day.state.groups[group.name].home or ""
        part = group.resources[-1].name
        run = day.state.groups[group.name].holds[home][-1].run
        day.happens(e.MonitorChanged(home, group.name, part, run, BROKEN))
        for timer in tuple(day.state.timers):
            day.happens(e.TimerFired(timer))
        day.happens(e.CommandGiven("c", home, c.MoveGroup(group.name, None)))
        day.happens(e.TimerFired("an old one"))
    day.view(names[:-1], names, [])
    day.view(names, names, [last])
    day.view(names[:-1], names[:-1], [])
    day.view(names, names, [last])


def nanoseconds(act: Callable[[], object], at_most: int) -> list[int]:
    """How long `act` takes, measured again and again within a budget of time."""
    found: list[int] = []
    until = time.perf_counter_ns() + at_most
    while not found or (len(found) < 50 and time.perf_counter_ns() < until):
        began = time.perf_counter_ns()
        act()
        found.append(time.perf_counter_ns() - began)
    return found


def measured(moments: list[Moment]) -> list[int]:
    """The median time of each moment's step, in nanoseconds."""
    stride = max(1, len(moments) // STEPS_OF_A_DAY)
    chosen = moments[::stride]
    budget = BUDGET_NS // len(chosen)
    return [
        round(statistics.median(nanoseconds(lambda state=state, event=event: step(state, event), budget)))  # type: ignore[misc]
        for state, event in chosen
    ]


def row(nodes: int, groups: int, resources: int, monitors: int) -> str:
    """The figures of one shape."""
    day = Day(cluster(nodes, groups, resources, monitors))
    form(day)
    live(day)
    steps = sorted(measured(day.moments))
    snapshot = statistics.median(nanoseconds(lambda: encode(day.state), BUDGET_NS // 10))
    taken = statistics.median(nanoseconds(lambda: digest(day.state), BUDGET_NS // 10))
    cells = (
        f"{nodes}x{groups}x{resources}+{monitors}",
        f"{statistics.median(steps) / 1000:.0f}",
        f"{steps[len(steps) * 95 // 100] / 1000:.0f}",
        f"{steps[-1] / 1000:.0f}",
        f"{snapshot / 1000:.0f}",
        f"{taken / 1000:.0f}",
        f"{len(encode(day.state)) / 1000:.0f}",
    )
    return "".join(cell.rjust(14) for cell in cells)


def main() -> None:
    """Print the table."""
    print(f"Python {platform.python_version()}, {platform.machine()}; times in microseconds")
    heads = ("nodes x groups", "step median", "step 95 %", "step longest", "snapshot", "digest", "snapshot kB")
    print("".join(head.rjust(14) for head in heads))
    print("x res.+mon.".rjust(14))
    for shape in SHAPES:
        print(row(*shape), flush=True)


if __name__ == "__main__":
    main()
