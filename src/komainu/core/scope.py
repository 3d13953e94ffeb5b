"""Which groups an event can have touched. All others are as they were when everything had been settled for them.

It spares a large cluster the planning of what has not changed, and changes no decision: the simulator gives the same
histories with and without it.
"""

from komainu.core.state import State
from komainu.model.config import Group


def stirred(before: State, state: State) -> tuple[Group, ...]:
    """The groups for which something may have to be decided that was not when `before` was settled."""
    if _differ_for_all(before, state):
        return state.cluster.groups
    old, new = before.groups, state.groups
    if old is new:
        return ()
    changed = [name for name, facts in new.items() if facts is not old[name]]
    related = state.cluster.related
    if related:
        touched = dict.fromkeys(changed)
        for name in changed:
            touched.update(dict.fromkeys(related.get(name, ())))
        changed = [name for name in new if name in touched]
    return tuple(state.cluster.group(name) for name in changed)


def _differ_for_all(before: State, state: State) -> bool:
    return (
        before.nodes is not state.nodes
        or before.cluster is not state.cluster
        or before.change is not state.change
        or before.vote is not state.vote
        or before.rules != state.rules
        or before.formed != state.formed
        or before.maintenance != state.maintenance
    )
