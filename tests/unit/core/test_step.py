"""One event, one step: pure, and with nothing left over."""

import pytest

from komainu.agent.members.snapshot import digest, encode
from komainu.core.state import RULES
from komainu.core.step import step
from komainu.model import events as e
from tests.unit.core.clusters import FAILED, formed


@pytest.mark.parametrize("rules", [0, RULES + 1])
def test_rules_that_this_release_does_not_know_are_refused(rules: int) -> None:
    with pytest.raises(ValueError, match="not known here"):
        step(formed().state, e.TimerFired("x"), rules)


def test_a_step_changes_nothing_that_was_there_before() -> None:
    life = formed()
    before = life.state
    frozen = encode(before)
    life.view("b")
    life.view("a b")
    assert encode(before) == frozen


def test_the_same_state_and_event_give_the_same_step() -> None:
    state = formed().state
    event = e.ViewChanged("r9", ("b",), ("b",))
    assert step(state, event) == step(state, event)
    assert digest(step(state, event).state) == digest(step(state, event).state)


def test_what_was_said_does_not_stay_in_the_state() -> None:
    life = formed()
    life.check("a", FAILED)
    assert life.codes()
    assert life.state.notes == ()


def test_every_action_has_a_number_of_its_own() -> None:
    """Law 9: within an epoch and a ring the counter grows, and either of them changes the number."""
    life = formed()
    seen = [life.hold("a", name).run for name in ("disk", "server")]
    for _ in range(3):
        life.check("a", FAILED)
        seen += [action.id for action in life.under_way]  # type: ignore[union-attr]
        life.settle()
        life.view("a", nodes="a b")
        life.view("a b")
        life.sync("a", "b", life=str(len(seen)))
        seen += [action.id for action in life.under_way]  # type: ignore[union-attr]
        life.settle()
    assert len(set(seen)) == len(seen)
    epoch, ring, _ = seen[-1].split(".")
    assert (epoch, ring) == (str(life.state.epoch), life.state.ring)
