"""Releases side by side: an older one reads what uses nothing new, and stays out of what it cannot read (ADR 0010)."""

from komainu.agent.members.replica import Replica
from komainu.agent.members.snapshot import decode, digest
from komainu.core.state import Presence, State
from komainu.model import actions as a, commands as c, events as e
from tests.unit.agent.order import Order, assert_together, replica, split, together
from tests.unit.core.clusters import cluster

CLUSTER = cluster("a b c")


def outdated(name: str, life: int = 2) -> Replica:
    """A daemon of a release that knows no maintenance switch: what it does not know it refuses, as the real one."""

    def read(data: bytes) -> State:
        return decode(data.replace(b'"maintenance":', b'"not_known_here":'))

    numbers = iter(range(1, 1_000))
    return Replica(name, CLUSTER, 0, lambda: f"{name}{life}.{next(numbers)}", rules=1, read=read)


def under_maintenance() -> Order:
    """Members a and b use what an outdated daemon does not know; c is off."""
    order = together(CLUSTER)
    order.take("c")
    order.view()
    order.settle()
    order.propose("a", e.CommandGiven("c1", "a", c.SetMaintenance(True)))
    order.settle()
    assert assert_together(order).maintenance
    return order


def test_an_older_release_reads_a_state_in_which_nothing_new_is_used() -> None:
    order = together(CLUSTER)
    order.take("c")
    order.view()
    order.settle()
    order.add(outdated("c"))
    order.view()
    order.settle()
    assert_together(order)
    assert not order.replicas["c"].mute


def test_a_state_that_cannot_be_read_is_told_with_the_remedy_and_ends_nothing() -> None:
    order = under_maintenance()
    order.add(outdated("c"))
    order.view()
    order.settle()
    mute = order.replicas["c"]
    assert (mute.mute, mute.synced) == (True, False)
    (said,) = [act.said for act in order.asked["c"] if isinstance(act, a.RaiseAlert) and act.said.code == "KM7904"]
    assert "not_known_here" in said.en
    assert "Install the release of the other nodes on c" in said.en
    assert order.work("c") == []
    assert order.replicas["a"].state.nodes["c"].presence is Presence.AGENT_LOST
    assert order.replicas["a"].silent == ("c",)
    assert digests_of(order, "ab") == {digest(order.replicas["b"].state)}


def test_a_daemon_that_cannot_read_the_state_does_nothing_and_holds_nobody_up() -> None:
    order = under_maintenance()
    order.add(outdated("c"))
    order.view()
    order.settle()
    mute, state = order.replicas["c"], order.replicas["c"].state
    assert mute.propose(e.TimerFired("formation")) == mute.unheard() == []

    order.take("b")
    order.view("a b c")
    order.settle()
    order.add(replica("b", CLUSTER, life=2))
    order.view()
    order.settle()

    assert all(order.replicas[name].synced for name in "ab")
    assert digests_of(order, "ab") == {digest(order.replicas["a"].state)}
    assert order.replicas["b"].silent == ("c",), "a newcomer is told that nobody is to wait for it"
    assert mute.state is state
    assert [act for act in order.asked["c"] if not isinstance(act, a.RaiseAlert | a.ArmTimer)] == []


def test_one_that_cannot_read_the_state_and_comes_first_is_not_waited_for_when_sides_meet() -> None:
    order = together(CLUSTER)
    order.take("a")
    order.view()
    order.settle()
    order.propose("b", e.CommandGiven("c1", "b", c.SetMaintenance(True)))
    order.settle()
    order.add(outdated("a"))
    order.view()
    order.settle()
    assert order.replicas["a"].mute
    alone = split(order, "a")
    assert not alone.waiting, "it says nothing"
    order.add(alone.take("a"))
    order.view()
    order.settle()
    assert all(order.replicas[name].synced for name in "bc")
    assert order.replicas["b"].silent == ("a",)


def test_with_the_right_release_it_takes_part_again() -> None:
    order = under_maintenance()
    order.add(outdated("c"))
    order.view()
    order.settle()
    order.take("c")
    order.view("a b c")
    order.settle()
    order.add(replica("c", CLUSTER, life=3))
    order.view()
    order.settle()
    assert assert_together(order).maintenance


def test_what_is_no_snapshot_at_all_ends_nothing_either() -> None:
    order = together(CLUSTER)
    one = order.replicas["b"]
    one._read = lambda data: decode(b"{}")
    order.take("c")
    order.view()
    order.add(replica("c", CLUSTER, life=2))
    order.view()
    order.settle()
    assert one.mute
    assert "KM7904" in order.alerts("b")


def digests_of(order: Order, names: str) -> set[str]:
    """The digests of these members' states."""
    return {digest(order.replicas[name].state) for name in names}
