"""What every bus must do (`komainu.ports.Bus`): the same suite for the fake one and for corosync between namespaces."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import pytest

from tests.ports.bus_worlds import Heard, Log, LostBus, View, World, world
from tests.ports.corosync_nodes import CAN_RUN, WHY_NOT

pytestmark = pytest.mark.parametrize(
    "kind",
    [
        "fake",
        pytest.param("corosync", marks=[pytest.mark.lab, pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)]),
    ],
)

BOTH = (1, 2)


def play(kind: str, story: Callable[[World], Awaitable[None]], count: int = 2) -> None:
    """Run a story in a fresh world."""

    async def run() -> None:
        async with world(kind, count) as its_world:
            await story(its_world)

    asyncio.run(run())


async def together(w: World) -> tuple[View, View]:
    """Both nodes' processes join and see each other."""
    await w.join(1)
    await w.join(2)
    return await w.log[1].until_view(BOTH, BOTH), await w.log[2].until_view(BOTH, BOTH)


async def delivered(w: World, *nodes: int, sender: int, payload: bytes) -> None:
    """Wait until these nodes heard the message."""
    for node in nodes:
        await w.log[node].until(
            lambda log: any((h.sender, h.payload) == (sender, payload) for h in log.heard),
            f"{payload[:20]!r} from {sender} on {node}",
        )


def after(log: Log, view: View) -> list[View]:
    """The views that came after this one."""
    return log.views[log.views.index(view) + 1 :]


def test_both_see_each_other_in_one_ring(kind: str) -> None:
    async def story(w: World) -> None:
        first, second = await together(w)
        assert first.ring == second.ring

    play(kind, story)


def test_nothing_is_heard_before_the_first_view_and_ones_own_messages_come_back(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        await w.send(1, b"hello")
        await delivered(w, 1, 2, sender=1, payload=b"hello")
        for node in BOTH:
            assert isinstance(w.log[node].seen[0], View)

    play(kind, story)


def test_an_empty_message_is_a_message(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        await w.send(2, b"")
        await delivered(w, 1, 2, sender=2, payload=b"")

    play(kind, story)


def test_all_hear_all_messages_in_one_order(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        count = 2000
        await asyncio.gather(*(w.flood(node, count, 200) for node in BOTH))
        for node in BOTH:
            await w.log[node].until(lambda log: len(log.heard) >= 2 * count, f"{2 * count} messages on {node}")
        assert w.log[1].heard == w.log[2].heard
        for node in BOTH:
            own = [int.from_bytes(h.payload[:4], "big") for h in w.log[1].heard if h.sender == node]
            assert own == list(range(count))

    play(kind, story)


def test_many_large_messages_wait_their_turn(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        count = 30
        await asyncio.gather(*(w.flood(node, count, 500_000) for node in BOTH))
        for node in BOTH:
            await w.log[node].until(lambda log: len(log.heard) >= 2 * count, f"{2 * count} large messages on {node}")
            assert {len(h.payload) for h in w.log[node].heard} == {500_000}
        assert w.log[1].heard == w.log[2].heard
        assert w.log[1].losses == w.log[2].losses == []

    play(kind, story)


def test_views_have_the_same_place_among_the_messages_for_all(kind: str) -> None:
    """A third process joins while two talk: both put the join between the same messages."""

    async def story(w: World) -> None:
        await w.join(1)
        await w.join(2)
        for node in BOTH:
            await w.log[node].until_view(BOTH, (1, 2, 3))
        talking = True

        async def chatter(node: int) -> None:
            number = 0
            while talking:
                await w.send(node, b"%d from %d" % (number, node))
                number += 1
                await asyncio.sleep(0.001)

        tasks = [asyncio.create_task(chatter(node)) for node in BOTH]
        await w.join(3)
        for node in (1, 2, 3):
            await w.log[node].until_view((1, 2, 3), (1, 2, 3))
        talking = False
        await asyncio.gather(*tasks)
        await w.send(1, b"end")
        await delivered(w, 1, 2, 3, sender=1, payload=b"end")

        def since(log: Log, view: View) -> list[object]:
            return list(log.seen[log.seen.index(view) :])

        meeting = next(v for v in w.log[1].views if v.agents == (1, 2))
        assert since(w.log[1], meeting) == since(w.log[2], meeting)
        joined = w.log[3].views[-1]
        assert since(w.log[3], joined) == since(w.log[1], joined)

    play(kind, story, count=3)


def test_a_large_message_passes_whole(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        payload = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(900_000 // 32))
        await w.send(2, payload)
        await w.send(2, b"after")
        await delivered(w, 1, 2, sender=2, payload=b"after")
        for node in BOTH:
            assert w.log[node].heard == [Heard(2, payload), Heard(2, b"after")]

    play(kind, story)


def test_a_message_of_a_million_bytes_passes_and_a_larger_one_is_refused(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        with pytest.raises(ValueError, match="1000000"):
            await w.send(1, bytes(1_000_001))
        await w.send(1, bytes(1_000_000))
        await delivered(w, 1, 2, sender=1, payload=bytes(1_000_000))
        assert len(w.log[2].heard) == 1

    play(kind, story)


def test_a_dead_process_leaves_its_node_in_the_ring(kind: str) -> None:
    async def story(w: World) -> None:
        meeting, _ = await together(w)
        await w.kill_agent(2)
        alone = await w.log[1].until_view((1,), BOTH)
        assert alone.ring == meeting.ring
        await w.join(2)
        again = await w.log[1].until_view(BOTH, BOTH)
        assert again.ring == meeting.ring
        assert (await w.log[2].until_view(BOTH, BOTH)).ring == meeting.ring
        assert w.log[1].losses == []

    play(kind, story)


def test_a_process_that_leaves_is_seen_to_leave_after_its_last_message(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        await w.send(2, b"good bye")
        await w.leave(2)
        await w.log[1].until_view((1,), BOTH)
        assert w.log[1].seen[-2:] == [Heard(2, b"good bye"), w.log[1].views[-1]]
        assert w.log[2].losses == []

    play(kind, story)


def test_loss_of_power_is_one_view_under_a_new_ring(kind: str) -> None:
    async def story(w: World) -> None:
        meeting, _ = await together(w)
        await w.power_off(2)
        alone = await w.log[1].until_view((1,), (1,))
        assert alone.ring != meeting.ring
        assert after(w.log[1], meeting) == [alone], "one change, one view: never new members under the old ring's name"
        await w.send(1, b"still here")
        await delivered(w, 1, sender=1, payload=b"still here")
        await w.power_on(2)
        await w.log[1].until_view((1,), BOTH)
        await w.join(2)
        again = await w.log[1].until_view(BOTH, BOTH)
        assert again.ring not in (meeting.ring, alone.ring)

    play(kind, story)


def test_a_dead_corosync_is_lost_once_and_found_again(kind: str) -> None:
    async def story(w: World) -> None:
        await together(w)
        before = len(w.log[2].seen)
        await w.kill_corosync(2)
        await w.log[2].until(lambda log: bool(log.losses), "the loss of the connection")
        await w.log[1].until_view((1,), (1,))
        await w.send(2, b"into the void")
        await w.start_corosync(2)
        await w.log[1].until_view(BOTH, BOTH)
        await w.log[2].until_view(BOTH, BOTH)
        await w.send(2, b"back")
        await delivered(w, 1, 2, sender=2, payload=b"back")
        since = w.log[2].seen[before:]
        assert isinstance(since[0], LostBus)
        assert isinstance(since[1], View)
        assert len(w.log[2].losses) == 1
        assert [h.payload for h in w.log[1].heard] == [b"back"], "what is sent without a connection is dropped"

    play(kind, story)


def test_a_cut_and_its_healing_each_give_new_rings(kind: str) -> None:
    async def story(w: World) -> None:
        meeting, _ = await together(w)
        await w.cut(2)
        first = await w.log[1].until_view((1,), (1,))
        second = await w.log[2].until_view((2,), (2,))
        assert len({meeting.ring, first.ring, second.ring}) == 3
        await w.send(1, b"only here")
        await delivered(w, 1, sender=1, payload=b"only here")
        await w.heal(2)
        one, two = await w.log[1].until_view(BOTH, BOTH), await w.log[2].until_view(BOTH, BOTH)
        assert one.ring == two.ring
        assert one.ring not in (meeting.ring, first.ring, second.ring)
        await w.send(1, b"for both")
        await delivered(w, 1, 2, sender=1, payload=b"for both")
        assert w.log[2].heard == [Heard(1, b"for both")], "the other side's messages never come later"

    play(kind, story)


def test_whoever_stood_still_sees_the_others_leave_and_come_back(kind: str) -> None:
    async def story(w: World) -> None:
        meeting, _ = await together(w)
        await w.freeze(2)
        await w.log[1].until_view((1,), (1,))
        await w.thaw(2)
        again = await w.log[1].until_view(BOTH, BOTH)
        await w.log[2].until(lambda log: log.views[-1] == again, "the new ring")
        *before, last = after(w.log[1], meeting)
        assert last == again
        # On a busy machine the ring may form more than once before all are back.
        assert {(view.agents, view.nodes) for view in before} == {((1,), (1,))}
        missed = after(w.log[2], meeting)
        assert [(view.agents, view.nodes) for view in missed][-1] == (BOTH, BOTH)
        assert {(view.agents, view.nodes) for view in missed[:-1]} == {((2,), (2,))}
        assert meeting.ring not in [view.ring for view in missed]

    play(kind, story)


def test_a_node_without_a_process_of_ours_is_seen_in_the_ring(kind: str) -> None:
    async def story(w: World) -> None:
        await w.join(1)
        meeting = await w.log[1].until_view((1,), BOTH)
        await w.power_off(2)
        alone = await w.log[1].until_view((1,), (1,))
        assert alone.ring != meeting.ring

    play(kind, story)


def test_a_node_alone_hears_itself(kind: str) -> None:
    async def story(w: World) -> None:
        await w.join(1)
        await w.log[1].until_view((1,), (1,))
        await w.send(1, b"to myself")
        await delivered(w, 1, sender=1, payload=b"to myself")

    play(kind, story, count=1)
