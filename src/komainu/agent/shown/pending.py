"""What is under way and what is waited for, read from the state. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from komainu.agent.shown.deadlines import concerns, deadline
from komainu.agent.shown.deeds import deed
from komainu.core.state import Presence, State, Status
from komainu.model.message import Said


@dataclass(frozen=True, slots=True)
class Pending:
    """An action that was ordered and has no outcome yet."""

    kind: str
    "The name of the action."
    id: str
    "Empty for the order to leave."
    node: str
    "Who carries it out."
    text: Said
    group: str | None = None
    resource: str | None = None
    monitor: str | None = None
    target: str | None = None
    "Whom it fences."


@dataclass(frozen=True, slots=True)
class Waiting:
    """An armed timer."""

    timer: str
    after_ms: int
    "Its whole length."
    text: Said
    about: dict[str, str]
    "Names by `node`, `group`, `other`, `resource`, `monitor`."


def pending(state: State) -> tuple[Pending, ...]:
    """Every action under way, in the order of the configuration."""
    return (*_of_nodes(state), *_of_groups(state), *_of_monitors(state))


def asked(state: State, node: str, action: str) -> bool:
    """True while the state waits for that start or stop on that node."""
    return any(hold.action == action for facts in state.groups.values() for hold in facts.holds.get(node, ()))


def waiting(state: State) -> tuple[Waiting, ...]:
    """Every armed timer."""
    return tuple(Waiting(timer, ms, deadline(timer), concerns(timer)) for timer, ms in state.timers.items())


def _of_nodes(state: State) -> Iterator[Pending]:
    for name, facts in state.nodes.items():
        if facts.probe and not facts.probed:
            yield _pending("ProbeNode", facts.probe, name)
        if facts.fence:
            yield _pending("FenceNode", facts.fence, facts.fence_by, target=name)
        if facts.dismissed and facts.presence is Presence.MEMBER:
            yield Pending("LeaveCluster", "", name, deed("LeaveCluster", {"node": name, "then": facts.then}))
    change = state.change
    for name in state.members() if change is not None else ():
        if change is not None and name not in change.agreed:
            yield _pending("JudgeConfiguration", change.id, name)


def _of_groups(state: State) -> Iterator[Pending]:
    for group in state.cluster.groups:
        for node, holds in state.groups[group.name].holds.items():
            for resource, hold in zip(group.resources, holds, strict=True):
                if hold.action:
                    kind = "StartResource" if hold.status is Status.STARTING else "StopResource"
                    yield _pending(kind, hold.action, node, group=group.name, resource=resource.name)


def _of_monitors(state: State) -> Iterator[Pending]:
    for name, facts in state.monitors.items():
        for node, watch in facts.on.items():
            if watch.script:
                yield _pending("RunScript", watch.script, node, monitor=name)


def _pending(kind: str, number: str, node: str, **names: str) -> Pending:
    return Pending(kind, number, node, deed(kind, {"node": node, **names}), **names)
