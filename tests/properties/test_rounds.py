"""A round of putting states together may be interrupted at each of its messages, by whatever can happen then."""

import pytest

from komainu.agent.members import wire
from komainu.core.state import Presence
from komainu.model import commands as c, events as e
from tests.unit.agent.order import Order, assert_together, digests, replica, silent, split, together
from tests.unit.core.clusters import cluster

CLUSTER = cluster("a b c")


def messages_of_a_round() -> int:
    """How many messages it takes three fresh daemons to come together, probes not counted."""
    order = together(CLUSTER, settled=False)
    count = 0
    while not all(each.synced for each in order.replicas.values()):
        order.deliver_next()
        count += 1
    return count


@pytest.mark.parametrize("after", range(messages_of_a_round() + 1))
@pytest.mark.parametrize("lost", ["a", "b", "c"])
def test_a_round_interrupted_by_a_loss_is_begun_anew(after: int, lost: str) -> None:
    """Whatever was under way: those who stay come together, and so does the lost one when it returns."""
    order = together(CLUSTER, settled=False)
    for _ in range(after):
        order.deliver_next()
    alone = split(order, lost)
    order.settle()
    alone.settle()
    assert_together(order)
    assert_together(alone)
    order.add(alone.take(lost))
    order.view()
    order.settle()
    assert assert_together(order).formed


@pytest.mark.parametrize("after", range(messages_of_a_round() + 1))
def test_a_round_interrupted_by_a_newcomer_is_begun_anew(after: int) -> None:
    order = Order()
    order.add(replica("b", CLUSTER), replica("c", CLUSTER))
    order.view()
    for _ in range(min(after, len(order.waiting))):
        order.deliver_next()
    order.add(replica("a", CLUSTER))
    order.view()
    order.settle()
    assert assert_together(order).formed


@pytest.mark.parametrize("after", range(messages_of_a_round() + 1))
def test_what_was_proposed_during_a_round_is_not_lost_with_it(after: int) -> None:
    """A round that ends half-way gives back what it had kept."""
    order = together(CLUSTER, settled=False)
    order.propose("c", e.CommandGiven("c1", "c", c.StopGroup("db")))
    for _ in range(after):
        order.deliver_next()
    order.take("a")
    order.view()
    order.deliver()
    order.settle()
    for name in "bc":
        commands = [each.event for each in order.decided[name] if isinstance(each.event, e.CommandGiven)]
        assert len(commands) == 1
    assert_together(order)


@pytest.mark.parametrize("hanging", ["a", "b", "c"])
@pytest.mark.parametrize("after", range(messages_of_a_round() + 1))
def test_a_member_that_falls_silent_in_a_round_stops_nobody(after: int, hanging: str) -> None:
    """Whether it was to open the round, to say Hello or to give the state; and it comes in when it wakes."""
    order = together(CLUSTER, settled=False)
    for _ in range(after):
        order.deliver_next()
    sleeper = order.take(hanging)
    missed: list[tuple[str, wire.Message]] = []
    others = [name for name in "abc" if name != hanging]
    order.propose(others[0], silent(order, hanging))
    while order.waiting:
        missed.append(order.waiting[0])
        order.deliver_next()
    assert all(order.replicas[name].synced for name in others)
    assert order.replicas[others[0]].state.nodes[hanging].presence is Presence.AGENT_LOST
    assert len(digests(order)) == 1

    order.add(sleeper)
    for sender, message in missed:
        order.keep(sleeper, sleeper.delivered(sender, message))
    order.settle()
    assert assert_together(order).formed
    assert sleeper.incarnation != f"{hanging}1.1"


@pytest.mark.parametrize("after", range(messages_of_a_round() + 1))
def test_all_can_call_each_other_silent(after: int) -> None:
    """Daemons that stood still for a while and woke together. Nobody is left to speak, and that is no crash."""
    order = together(CLUSTER)
    order.take("c")
    order.view()
    order.settle()
    order.add(replica("c", CLUSTER, life=2))
    order.view()
    for _ in range(after):
        if order.waiting:
            order.deliver_next()
    began = len(order.waiting)
    for accuser, accused in (("a", "b"), ("b", "c"), ("c", "a")):
        order.propose(accuser, silent(order, accused))
    order.waiting.rotate(-began)
    order.settle()
    assert_together(order)
