"""Views out of what corosync tells: the sequences are those seen with corosync 3.1."""

from komainu.adapters.corosync.libcpg import (
    REASON_LEAVE,
    REASON_NODE_DOWN,
    REASON_NODE_UP,
    GroupChanged,
    Process,
    RingChanged,
)
from komainu.adapters.corosync.membership import Membership
from komainu.ports import BusView, RingId

JOIN, PROCESS_DOWN = 1, 5


def group(*members: int, left: dict[int, int] | None = None, joined: dict[int, int] | None = None) -> GroupChanged:
    """A change of the group; `left` and `joined` map nodes to reasons."""
    return GroupChanged(
        tuple(Process(node, 20, 0) for node in members),
        tuple(Process(node, 20, reason) for node, reason in (left or {}).items()),
        tuple(Process(node, 20, reason) for node, reason in (joined or {}).items()),
    )


def view(ring: tuple[int, int], agents: tuple[int, ...], nodes: tuple[int, ...]) -> BusView:
    return BusView(RingId(*ring), agents, nodes)


def member() -> Membership:
    """Node 1, together with node 2 in ring (1, 9)."""
    membership = Membership(1)
    assert membership.group_changed(group(1, 2, joined={1: JOIN})) == ()
    assert not membership.complete
    assert membership.ring_changed(RingChanged(1, 9, (2, 1))) == (view((1, 9), (1, 2), (1, 2)),)
    assert membership.complete
    return membership


def test_the_first_view_needs_the_ring_and_our_own_join() -> None:
    member()
    other_way_round = Membership(1)
    assert other_way_round.ring_changed(RingChanged(1, 9, (1, 2))) == ()
    assert other_way_round.group_changed(group(2)) == ()
    assert other_way_round.group_changed(group(1, 2, joined={1: JOIN})) == (view((1, 9), (1, 2), (1, 2)),)


def test_a_process_that_ends_is_told_at_once_under_the_same_ring() -> None:
    for reason in (PROCESS_DOWN, REASON_LEAVE):
        membership = member()
        assert membership.group_changed(group(1, left={2: reason})) == (view((1, 9), (1,), (1, 2)),)


def test_a_node_that_goes_down_is_one_view_under_the_new_ring() -> None:
    membership = member()
    assert membership.group_changed(group(1, left={2: REASON_NODE_DOWN})) == ()
    assert membership.ring_changed(RingChanged(1, 13, (1,))) == (view((1, 13), (1,), (1,)),)


def test_a_node_without_our_process_goes_down() -> None:
    membership = member()
    membership.group_changed(group(1, left={2: PROCESS_DOWN}))
    assert membership.ring_changed(RingChanged(1, 13, (1,))) == (view((1, 13), (1,), (1,)),)


def test_a_clean_stop_of_corosync_is_first_the_process_then_the_node() -> None:
    membership = member()
    assert membership.group_changed(group(1, left={2: PROCESS_DOWN})) == (view((1, 9), (1,), (1, 2)),)
    assert membership.ring_changed(RingChanged(1, 13, (1,))) == (view((1, 13), (1,), (1,)),)


def test_a_node_that_comes_with_its_process_is_one_view() -> None:
    membership = member()
    assert membership.group_changed(group(1, 2, 3, joined={3: REASON_NODE_UP})) == ()
    assert membership.ring_changed(RingChanged(1, 13, (1, 2, 3))) == (view((1, 13), (1, 2, 3), (1, 2, 3)),)


def test_who_was_frozen_sees_the_others_leave_and_come_back_under_one_ring() -> None:
    membership = member()
    assert membership.group_changed(group(1, left={2: REASON_NODE_DOWN})) == ()
    assert membership.group_changed(group(1, 2, joined={2: REASON_NODE_UP})) == ()
    assert membership.ring_changed(RingChanged(1, 17, (1, 2))) == (
        view((1, 17), (1,), (1,)),
        view((1, 17), (1, 2), (1, 2)),
    )


def test_one_leaves_and_another_comes_in_one_change() -> None:
    membership = member()
    membership.group_changed(group(1, left={2: REASON_NODE_DOWN}))
    membership.group_changed(group(1, 3, joined={3: REASON_NODE_UP}))
    assert membership.ring_changed(RingChanged(1, 17, (1, 3))) == (view((1, 17), (1, 3), (1, 3)),)


def test_a_ring_that_forms_anew_with_the_same_members_is_told() -> None:
    membership = member()
    assert membership.ring_changed(RingChanged(1, 13, (1, 2))) == (view((1, 13), (1, 2), (1, 2)),)


def test_the_same_thing_twice_is_told_once() -> None:
    membership = member()
    assert membership.ring_changed(RingChanged(1, 9, (1, 2))) == ()
    assert membership.group_changed(group(2, 1)) == ()


def test_two_processes_of_one_node_count_once() -> None:
    membership = member()
    assert membership.group_changed(group(1, 2, 2, joined={2: JOIN})) == ()
    assert membership.group_changed(group(1, 2, left={2: PROCESS_DOWN})) == ()
    assert membership.group_changed(group(1, left={2: PROCESS_DOWN})) == (view((1, 9), (1,), (1, 2)),)


def test_our_own_leave_is_not_a_view() -> None:
    membership = member()
    assert membership.group_changed(group(2, left={1: REASON_LEAVE})) == ()
