"""The whole engine: a table of contents. Each line names the file that holds its idea.

`step` is pure and deterministic: the same state and event give the same result on every member (laws 1, 2 and 7).
"""

from dataclasses import dataclass

from komainu.core import (
    audit,
    change,
    endings,
    facts,
    health,
    membership,
    monitors,
    placement,
    rights,
    suspension,
    timers,
    transition,
)
from komainu.core.state import RULES, State
from komainu.model import causes
from komainu.model.actions import Action
from komainu.model.copies import replace
from komainu.model.events import Event


@dataclass(frozen=True, slots=True)
class Step:
    """What one event led to."""

    state: State
    actions: tuple[Action, ...]
    "For all members; each carries out those addressed to it."


def step(state: State, event: Event, rules: int = RULES) -> Step:
    """Absorb one delivered event, return the next state and what is now to be done.

    `rules`: the lowest rules number among the members. Raises audit.InvariantBroken, and ValueError for rules that
    this release does not know.
    """
    if not 1 <= rules <= RULES:
        raise ValueError(f"rules {rules} are not known here; this release knows 1 to {RULES}")
    before = state
    cause = causes.headline(event)
    state = state if state.rules == rules else replace(state, rules=rules)
    state = facts.absorb(state, event, cause, rules)
    state = change.settle(state)
    state = rights.settle(before, state)
    state = membership.settle(state)
    state = suspension.settle(state)
    state = health.settle(before, state, cause, rules)
    state = monitors.settle(state, cause, rules)
    state = endings.settle(state)
    state = placement.choose(before, state, cause)
    state, actions = transition.plan(before, state, cause, rules)  # asks takeover.hindrance, ADR 0001
    state = monitors.turn(before, state, rules)
    state, arms = timers.arm(before, state)
    audit.check(before, state, actions)
    notes = state.notes
    return Step(replace(state, notes=()) if notes else state, (*notes, *actions, *arms))
