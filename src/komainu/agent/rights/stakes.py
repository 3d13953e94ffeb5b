"""What of this node has to end with its right to act, and by what (N2). Pure.

What a type guards is cut off by the kernel. What nothing less than a reset ends is at stake from the moment its start
is asked for until it is confirmed stopped.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from komainu.core import rights, takeover
from komainu.core.state import GroupFacts, Hold, State, Status
from komainu.model.config import Cluster, Resource
from komainu.ports import Guarded, ResourceType

Key = tuple[str, str]
"""Group and resource."""


def guarded(me: str, types: Mapping[str, ResourceType], cluster: Cluster) -> Guarded:
    """All that may ever run here under this configuration, whether it does or not: it is cut off before it starts."""
    addresses: dict[str, None] = {}
    ports: dict[tuple[str, int], None] = {}
    for group in cluster.groups:
        for resource in group.resources if me in group.nodes else ():
            declared = types.get(resource.type)
            if declared is None:
                continue
            try:
                params = declared.params.model_validate(resource.params_on(me))
            except ValidationError:
                continue  # it has no hands either, so it cannot start here: `agent.execution.hands` says so
            found = declared.guards(params.model_dump(mode="json"))
            addresses.update(dict.fromkeys(found.addresses))
            ports.update(dict.fromkeys(found.ports))
    return Guarded(tuple(addresses), tuple(ports))  # type: ignore[arg-type]


def disputed(me: str, state: State) -> bool:
    """Whether something of which this node may have a part may be running on another one by now.

    That is nothing to be let through anew (N2): what outlived a cut here has to be gone first, or known to be this
    node's alone.
    """
    for group in state.cluster.groups:
        holds = state.groups[group.name].holds.get(me, ()) if group.name in state.groups else ()
        here = group.exclusive and any(hold.status is not Status.STOPPED for hold in holds)
        if here and not (rights.entitled(state, me) and takeover.by_others(state, group, me) is None):
            return True
    return False


class Stakes:
    """What runs here, or may run, as far as this daemon has seen.

    What a new daemon merely does not know yet is not at stake: a node that is reset for what may be nothing would be
    reset for ever. It is what its probe finds.
    """

    def __init__(self, me: str, types: Mapping[str, ResourceType]) -> None:
        self._me = me
        self._types = types
        self._seen: tuple[Cluster, dict[str, GroupFacts]] | None = None
        self._running: dict[Key, Resource] = {}
        self._unknown: tuple[Resource, ...] = ()

    def follow(self, state: State) -> None:
        """The state as it is now."""
        if self._seen is not None and self._seen[0] is state.cluster and self._seen[1] is state.groups:
            return
        self._seen = (state.cluster, state.groups)
        running: dict[Key, Resource] = {}
        unknown: list[Resource] = []
        for group in state.cluster.groups:
            holds = state.groups[group.name].holds.get(self._me, ()) if group.name in state.groups else ()
            for resource, hold in zip(group.resources, holds, strict=False):
                key = (group.name, resource.name)
                if _has_effect(hold) or (hold.status is Status.UNKNOWN and key in self._running):
                    running[key] = resource
                elif hold.status is Status.UNKNOWN:
                    unknown.append(resource)
        self._running, self._unknown = running, tuple(unknown)

    def named(self, *, cut: bool) -> tuple[str, ...]:
        """Exclusive resources whose effects only a reset ends now; `cut`: the kernel drops what is guarded."""
        return tuple(name for (_, name), resource in self._running.items() if self._needs_reset(resource, cut))

    def unclear(self, *, cut: bool) -> bool:
        """Whether something could be at stake of which this daemon knows nothing yet."""
        return any(self._needs_reset(resource, cut) for resource in self._unknown)

    def _needs_reset(self, resource: Resource, cut: bool) -> bool:
        if not resource.exclusive:
            return False  # it may have effect on two nodes at once
        declared = self._types.get(resource.type)
        ended_by = "reset" if declared is None else declared.traits.ended_by
        return ended_by == "reset" or (ended_by == "network" and not cut)


def _has_effect(hold: Hold) -> bool:
    """Whether something was done here that is not confirmed undone."""
    if hold.status is Status.UNKNOWN:
        return bool(hold.action or hold.run or hold.wait)
    return hold.status is not Status.STOPPED
