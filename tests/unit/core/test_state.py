"""The state as a value: changes leave the original alone, its bytes are canonical, its digest tells states apart."""

import json

import pytest
from pydantic import ValidationError

from komainu.core import events as e
from komainu.core.state import Hold, Presence, State, Status, Wanted, decode, digest, encode, initial
from komainu.model.config import Group
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, cluster, formed, resource


def states() -> list[State]:
    """States with something in every field."""
    found = [initial(cluster()), formed().state]
    life = formed(cluster("a b c", arbitration="fence"))
    life.check("a", UNKNOWN)
    life.view("b c")
    life.leave("c")
    found.append(life.state)
    life.finish(life.under_way[0], FAILED)
    found.append(life.state)
    life = formed()
    life.check("a", FAILED)
    life.settle()
    life.check("a", FAILED)
    life.settle()
    life.view("b", nodes="a b")
    found.append(life.state)
    return found


def test_a_fresh_state_knows_nothing_of_anybody() -> None:
    state = initial(cluster(groups=[Group(name="m", nodes=("a",), start="manual", resources=())]), epoch=7)
    assert state.epoch == 7
    assert not state.formed
    assert [facts.presence for facts in state.nodes.values()] == [Presence.UNSEEN, Presence.UNSEEN]
    assert state.groups["m"].wanted is Wanted.IDLE
    assert initial(cluster()).groups["db"].holds == {"a": (Hold(), Hold()), "b": (Hold(), Hold())}


@pytest.mark.parametrize("state", states())
def test_a_snapshot_comes_back_equal_to_the_byte(state: State) -> None:
    assert decode(encode(state)) == state
    assert encode(decode(encode(state))) == encode(state)
    assert digest(decode(encode(state))) == digest(state)


def test_the_digest_tells_states_apart() -> None:
    digests = [digest(state) for state in states()]
    assert len(set(digests)) == len(digests)
    assert all(len(each) == 32 for each in digests)


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(ValidationError):
        decode(b'{"cluster": 1}')


def test_the_order_is_that_of_the_configuration_whatever_happened() -> None:
    groups = [Group(name=name, nodes=("c", "a"), resources=(resource("disk"),)) for name in ("web", "db")]
    life = Life(cluster("c a b", groups=groups))
    life.view("a b")
    life.sync("b", "a b")
    life.settle()
    life.view("c a b")
    life.sync("b", "c")
    life.settle()
    life.command(e.MoveGroup("web", "a"))
    document = json.loads(encode(life.state))
    assert list(document["nodes"]) == ["c", "a", "b"]
    assert list(document["groups"]) == ["web", "db"]
    assert list(document["groups"]["db"]["holds"]) == ["c", "a"]


def test_changing_a_hold_leaves_the_original_and_the_neighbours_alone() -> None:
    state = formed().state
    changed = state.with_hold("db", "a", 1, Hold(Status.STUCK))
    assert state.groups["db"].holds["a"][1].status is Status.RUNNING
    assert changed.groups["db"].holds["a"] == (state.groups["db"].holds["a"][0], Hold(Status.STUCK))
    assert changed.groups["db"].holds["b"] is state.groups["db"].holds["b"]


def test_members_are_in_the_order_of_the_configuration() -> None:
    life = formed(cluster("c a b"))
    life.view("a b")
    assert life.state.members() == ("a", "b")
