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
    touched, related = dict.fromkeys(changed), state.cluster.related
    for name in changed if related else ():
        touched.update(dict.fromkeys(related.get(name, ())))
    order = new if related else touched
    return tuple(state.cluster.group(name) for name in order if name in touched)


def _differ_for_all(before: State, state: State) -> bool:
    return (
        before.nodes is not state.nodes
        or before.cluster is not state.cluster
        or before.change is not state.change
        or before.vote is not state.vote
        or before.rules != state.rules
        or (before.formed, before.maintenance) != (state.formed, state.maintenance)
    )
