"""Small clusters for the tests of the core, and a way to live through events with one of them."""

from collections.abc import Iterable
from typing import Any, TypeVar

from komainu.core.state import RULES, GroupFacts, Hold, NodeFacts, Presence, State, Status, Watch, initial
from komainu.core.step import step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import (
    Cluster,
    Exclusion,
    Group,
    Monitor,
    Node,
    Part,
    Recovery,
    Resource,
)
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu_lab.sim.arbitrations import arbitration as by_name

BROKEN = Said("TEST1", "It is broken.", "壊れています。", "error")
SILENCE = Said("TEST2", "Nobody answered.", "応答がありません。", "error")
FAILED = failed(BROKEN, "exit code 1")
UNKNOWN = unknown(SILENCE, "no answer within 5 s")
AUTO = Recovery(start_retries=1, restarts=1, failovers=1, reset_after_ms=60_000, stop_final_action="none")

MOST_EVENTS = 20_000
"A life that comes to no rest is a failure, not a test that hangs."

Kind = TypeVar("Kind", bound=a.Action)
Some = TypeVar("Some", bound=Part)


def resource(name: str, exclusive: bool = True, recovery: Recovery = AUTO, after: str = "") -> Resource:
    """A resource; exclusive unless told otherwise. `after`: the names of those that it depends on."""
    return Resource(
        name=name,
        type="exec",
        exclusive=exclusive,
        params={},
        start_timeout_ms=5_000,
        stop_timeout_ms=5_000,
        check_interval_ms=1_000,
        check_timeout_ms=1_000,
        prepare_interval_ms=1_000,
        recovery=recovery,
        depends_on=tuple(after.split()),
        monitor=f"{name}w",
    )


DISK = resource("disk")
SERVER = resource("server", after="disk")
ADDRESS = resource("address", exclusive=False)


def group(
    name: str, nodes: str = "a b", parts: str = "", after: str = "", same_node: bool = False, **more: Any
) -> Group:
    """A group without exclusive resources, each part standing on the one before; `after`: it depends on that group."""
    names = (parts or f"{name}1").split()
    resources = tuple(resource(part, False, AUTO, " ".join(names[:place][-1:])) for place, part in enumerate(names))
    depends_on = [{"group": other, "same_node": same_node} for other in after.split()]
    told = {"name": name, "nodes": nodes.split(), "resources": resources, "depends_on": depends_on}
    return Group.model_validate({**told, **more})


def monitor(name: str, target: str = "node", watches: str = "", nodes: str = "a b", **more: Any) -> Monitor:
    """A monitor of its own; targets as `db`, `db.disk`, `node` or `all-groups`. `np` is its own, the rest recovery."""
    np = more.pop("np", False)
    recovery = {"target": _target(target), "restarts": 0, "failovers": 0, **more}
    times = {"first_wait_ms": 0, "interval_ms": 1_000, "timeout_ms": 1_000, "retries": 0}
    told = {"name": name, "type": "test", "nodes": nodes.split(), "params": {}, "recovery": recovery, "np": np}
    return Monitor.model_validate({**told, **times, "watches": _target(watches) if watches else None})


def exclusion(kind: str, groups: str) -> Exclusion:
    """Groups that avoid each other."""
    return Exclusion.model_validate({"name": f"{kind}1", "kind": kind, "groups": groups.split()})


def altered(configuration: Cluster, **changes: Any) -> Cluster:
    """The next version of a configuration."""
    return remade(configuration, **{"version": configuration.version + 1, **changes})


def remade(part: Some, **changes: Any) -> Some:
    """A part of the configuration with changes, made anew: a copy would keep the tables of the old one."""
    return type(part).model_validate({**{name: getattr(part, name) for name in type(part).model_fields}, **changes})


def _target(words: str) -> dict[str, str]:
    if words in ("node", "all-groups"):
        return {"kind": words}
    name, _, part = words.partition(".")
    return {"kind": "resource" if part else "group", "group": name, "resource": part}


def cluster(
    nodes: str = "a b",
    arbitration: str = "operator",
    groups: Iterable[Group] | None = None,
    monitors: Iterable[Monitor] = (),
    exclusions: Iterable[Exclusion] = (),
) -> Cluster:
    """A cluster of the named nodes, with one exclusive group `db` of `disk` and `server` unless told otherwise."""
    names = tuple(nodes.split())
    if groups is None:
        groups = (Group(name="db", nodes=names, resources=(DISK, SERVER)),)
    return Cluster(
        name="test",
        environment="onprem",
        detect_within_ms=1_000,
        arbitration=by_name(arbitration),
        nodes=tuple(Node(name=name, id=number, links=(f"10.0.0.{number}",)) for number, name in enumerate(names, 1)),
        groups=tuple(groups),
        monitors=tuple(monitors),
        exclusions=tuple(exclusions),
    )


class Life:
    """A cluster as its members see it: events go in one by one, what was asked for and said is kept."""

    def __init__(self, configuration: Cluster, epoch: int = 0) -> None:
        self.state: State = initial(configuration, epoch)
        self.actions: tuple[a.Action, ...] = ()
        "Of the last event."
        self.told: e.Event | None = None
        "The last event."
        self.under_way: list[a.Action] = []
        "Starts, stops, probes and fences that nobody has answered yet."
        self._events = 0
        self._rings = 0
        self._commands = 0

    # --- what happens ----------------------------------------------------------------------------------------------

    def happens(self, event: e.Event) -> tuple[a.Action, ...]:
        """Absorb one event."""
        self._events += 1
        assert self._events < MOST_EVENTS, "it never comes to rest"
        self.told = event
        done = step(self.state, event)
        self.state, self.actions = done.state, done.actions
        work = a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode | a.RunScript
        self.under_way += [action for action in done.actions if isinstance(action, work)]
        return done.actions

    def view(self, members: str, nodes: str | None = None) -> tuple[a.Action, ...]:
        """The members are now these; `nodes` are in the ring as well (by default the members alone)."""
        self._rings += 1
        seen = members if nodes is None else nodes
        return self.happens(e.ViewChanged(f"r{self._rings}", tuple(members.split()), tuple(seen.split())))

    def sync(self, source: str, newcomers: str = "", life: str = "1") -> tuple[a.Action, ...]:
        """States were put together; newcomers are daemons of that life, the others continue."""
        present = [node for node in self.state.nodes if self.presence(node) in (Presence.MEMBER, Presence.JOINING)]
        fresh = newcomers.split()
        members = tuple(
            e.Member(node, f"{node}.{life}", RULES, self.state.epoch, False)
            if node in fresh
            else e.Member(node, self.state.nodes[node].incarnation, RULES, self.state.epoch, True)
            for node in (*present, *(node for node in fresh if node not in present))
        )
        return self.happens(e.MembersSynced(self.state.ring, source, members))

    def finish(self, action: a.Action, outcome: Outcome = SUCCEEDED) -> tuple[a.Action, ...]:
        """A start, stop, probe or fence came to its end; a probe finds nothing running."""
        self.under_way.remove(action)
        if isinstance(action, a.ProbeNode):
            return self.probed(action)
        assert isinstance(action, a.StartResource | a.StopResource | a.FenceNode | a.RunScript)
        return self.happens(e.ActionFinished(action.id, action.node, outcome))

    def probed(self, action: a.ProbeNode, **epochs: int) -> tuple[a.Action, ...]:
        """The probe found these resources running, each started in the given epoch, and all others stopped."""
        if action in self.under_way:
            self.under_way.remove(action)
        found = tuple(
            e.Found(group.name, each.name, Result.SUCCEEDED, epochs[each.name])
            if each.name in epochs
            else e.Found(group.name, each.name, Result.FAILED, 0)
            for group in self.state.cluster.groups
            for each in group.resources
        )
        return self.happens(e.NodeProbed(action.id, action.node, found))

    def settle(self) -> None:
        """Whatever is asked for succeeds, until nothing more is asked for."""
        while self.under_way:
            self.finish(self.under_way[0])

    def form(self) -> None:
        """All nodes come at once, and everything that should run runs."""
        names = " ".join(self.state.nodes)
        self.view(names)
        self.sync(names.split()[0], names)
        self.settle()

    def command(self, command: c.Command, origin: str = "a") -> a.AnswerCommand:
        """An operator gives a command; the answer."""
        self._commands += 1
        self.happens(e.CommandGiven(f"c{self._commands}", origin, command))
        (answer,) = self.asked(a.AnswerCommand)
        return answer

    def leave(self, node: str) -> tuple[a.Action, ...]:
        """The daemon of a node is asked to end."""
        return self.happens(e.NodeLeaving(node, self.state.nodes[node].incarnation))

    def silent(self, node: str) -> tuple[a.Action, ...]:
        """The daemon of a node is not heard any more."""
        return self.happens(e.AgentSilent(node, self.state.nodes[node].incarnation))

    def fire(self, kind: str) -> tuple[a.Action, ...]:
        """The one armed timer of that kind runs out."""
        (timer,) = (timer for timer in self.state.timers if timer.partition(":")[0] == kind)
        return self.happens(e.TimerFired(timer))

    def check(self, node: str, outcome: Outcome, resource: str = "server", group: str = "db") -> tuple[a.Action, ...]:
        """The check of a running resource changed its verdict."""
        run = self.hold(node, resource, group).run
        return self.happens(e.MonitorChanged(node, group, resource, run, outcome))

    def finds(self, node: str, outcome: Outcome, monitor: str = "ping1") -> tuple[a.Action, ...]:
        """A monitor of its own changed its verdict in the round under way."""
        return self.happens(e.MonitorJudged(node, monitor, self.watch(node, monitor).round, outcome))

    def judge(self, nodes: str, *refusals: Said) -> None:
        """These members have looked at the proposed configuration."""
        assert self.state.change is not None
        change = self.state.change.id
        for node in nodes.split():
            self.happens(e.ConfigurationJudged(change, node, refusals))

    def back(self, node: str, life: str = "2", **epochs: int) -> None:
        """A node joins again, and its probe finds these resources running."""
        members = " ".join(each for each in self.state.nodes if each == node or each in self.state.members())
        self.view(members)
        self.sync(next(each for each in members.split() if each != node), node, life)
        (probe,) = (action for action in self.under_way if isinstance(action, a.ProbeNode) and action.node == node)
        self.probed(probe, **epochs)

    # --- what came of it -------------------------------------------------------------------------------------------

    def asked(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The actions of that kind that followed from the last event."""
        return tuple(action for action in self.actions if isinstance(action, kind))

    def starts(self) -> tuple[str, ...]:
        """The starts that followed from the last event: `db.disk on a`."""
        return tuple(f"{each.group}.{each.resource} on {each.node}" for each in self.asked(a.StartResource))

    def stops(self) -> tuple[str, ...]:
        """The stops that followed from the last event: `db.disk on a`."""
        return tuple(f"{each.group}.{each.resource} on {each.node}" for each in self.asked(a.StopResource))

    def codes(self) -> tuple[str, ...]:
        """The codes of the alerts that followed from the last event."""
        return tuple(alert.said.code for alert in self.asked(a.RaiseAlert))

    def presence(self, node: str) -> Presence:
        """What is known of a node."""
        return self.state.nodes[node].presence

    def node(self, node: str) -> NodeFacts:
        """All that is known of a node."""
        return self.state.nodes[node]

    def watch(self, node: str, monitor: str = "ping1") -> Watch:
        """All that is known of a monitor on a node."""
        return self.state.monitor(monitor).on.get(node) or Watch()

    def group(self, name: str = "db") -> GroupFacts:
        """All that is known of a group."""
        return self.state.groups[name]

    def hold(self, node: str, resource: str = "disk", group: str = "db") -> Hold:
        """What is known of a resource on a node."""
        names = [each.name for each in self.state.cluster.group(group).resources]
        return self.state.groups[group].holds[node][names.index(resource)]

    def statuses(self, node: str, group: str = "db") -> tuple[Status, ...]:
        """The statuses of the resources of a group on a node, in the order of starting."""
        return tuple(hold.status for hold in self.state.groups[group].holds[node])


def formed(configuration: Cluster | None = None) -> Life:
    """A cluster of which all nodes are there, and in which everything runs on the first node of its group."""
    life = Life(configuration or cluster())
    life.form()
    return life
