"""The end of a node's effects: put off while the right lasts, by nobody renewed afterwards, and a reset behind it."""

import errno

from komainu.agent.rights import clock_speed, isolation as subject
from komainu.agent.rights.isolation import Isolation
from komainu.catalogue import RESOURCE_TYPES
from komainu.core.state import Hold, NodeFacts, Presence, State, Status, initial
from komainu.ports import WatchdogMeans
from tests.unit.agent.rights.isolation_stage import E_MS, VIP, Node, play
from tests.unit.agent.rights.test_stakes import DB, FIP, holding, made


def test_it_is_cut_off_before_anything_starts_and_held_while_the_right_lasts() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        assert not node.kernel.passes(VIP), "at once: not after the thread has had its turn"
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.kernel.until_ms == node.ms + E_MS
        node.ms += 4_000
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.ms += E_MS - 1
        assert node.kernel.passes(VIP)
        node.ms += 1
        assert not node.kernel.passes(VIP)
        node.isolation.ended()
        await node.rest()
        assert not node.kernel.passes(VIP)

    node = play(story)
    assert node.alerts == []
    assert node.power.asked == [], "nothing ran that only a reset ends"
    assert node.device.asked == []


def test_nothing_is_cut_off_where_no_right_is_needed() -> None:
    async def story(node: Node) -> None:
        node.kernel.guard(subject.Guarded((VIP,)))  # an earlier daemon, under another configuration
        node.isolation.follow(node.state, bound=False)
        node.runs(DB)
        node.isolation.follow(node.state, bound=False)
        assert node.kernel.passes(VIP)
        node.isolation.look()
        node.isolation.ended()
        await node.rest()
        assert node.kernel.passes(VIP)

    node = play(story)
    assert node.power.asked == []


def test_a_new_daemon_leaves_what_is_held_as_it_is() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        until_ms = node.kernel.until_ms
        await node.isolation.close()
        node.isolation = node.begun()
        node.isolation.follow(node.state, bound=True)
        node.runs(DB)
        node.isolation.look()
        await node.rest()
        assert node.kernel.until_ms == until_ms, "neither cut nor prolonged"
        assert "hold 0" not in node.kernel.asked

    play(story)


def test_time_that_passed_between_the_clock_and_the_kernel_is_counted_anew() -> None:
    """A process that stood still would hold the node for longer than its right lasts."""

    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        hold = node.kernel.hold
        stalls = [3_000, 2_000, 0, 0]

        def late(for_ms: int, *, afresh: bool = True) -> None:
            node.ms += stalls.pop(0)
            hold(for_ms, afresh=afresh)

        node.kernel.hold = late  # type: ignore[method-assign]
        until_ms = node.ms + 2 * E_MS
        node.isolation.lasts_until(until_ms)
        await node.rest()
        assert until_ms - 5_000 <= node.kernel.until_ms <= until_ms

        stalls[:] = [60_000, 0]
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert not node.kernel.passes(VIP), "the right was over before the kernel was asked"

    play(story)


def test_what_only_a_reset_ends_is_reset_at_the_end_of_the_right() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        node.runs(DB)
        await node.rest()
        node.ms += E_MS
        node.isolation.ended()
        await node.until_ended()

    node = play(story)
    assert node.power.asked[0] == "reset"
    assert node.alerts[:2] == ["KM8904", "KM5530"]


def test_a_node_on_which_all_was_stopped_is_not_reset() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        node.runs(DB)
        node.runs(FIP)
        await node.rest()
        node.runs(DB, Status.STOPPED)
        node.ms += E_MS
        node.isolation.ended()
        await node.rest()

    node = play(story)
    assert node.power.asked == []
    assert node.device.asked[-1] == "disarm"


def test_the_watchdog_fires_at_the_end_of_the_right_when_nobody_is_there_any_more() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS - 300)
        node.runs(FIP)
        await node.rest()
        assert node.device.asked == [], "the kernel ends that"
        node.runs(DB, Status.STARTING)
        await node.rest()
        assert node.device.asked == ["arm 5000"]
        for _ in range(3):
            node.ms += 800
            node.isolation.lasts_until(node.ms + E_MS - 300)
            await node.rest()
        assert node.device.asked[1:] == ["pat"] * 3
        node.ms += E_MS
        node.isolation.follow(node.state, bound=True)
        node.isolation.look()
        await node.rest()
        assert node.device.asked[1:] == ["pat"] * 3, "without a right nobody keeps the machine alive"

    play(story)


def test_a_missing_watchdog_is_told_once() -> None:
    async def story(node: Node) -> None:
        node.device.absent = True
        node.isolation.follow(node.state, bound=True)
        node.runs(DB)
        for _ in range(3):
            node.isolation.lasts_until(node.ms + E_MS)
            await node.rest()
        assert node.alerts == ["KM8905"]
        node.device.absent = False
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.device.armed_ms == E_MS

    play(story)


def test_where_the_kernel_cannot_cut_it_off_an_address_takes_a_reset_as_well() -> None:
    async def story(node: Node) -> None:
        node.kernel.trouble = OSError(errno.EPROTONOSUPPORT, "Protocol not supported")
        node.isolation.follow(node.state, bound=True)
        node.runs(DB, Status.STOPPED)
        node.runs(FIP)
        for _ in range(3):
            node.isolation.lasts_until(node.ms + E_MS)
            await node.rest()
        assert node.alerts == ["KM8901"]
        assert node.isolation.trouble is not None
        assert node.device.armed_ms == E_MS

        node.kernel.trouble = None
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        await node.rest()
        assert node.isolation.trouble is None
        assert node.alerts[1:] == ["KM8903", "KM8902"]
        assert node.kernel.passes(VIP)
        assert node.device.armed_ms is None

        node.kernel.trouble = OSError(errno.EPERM, "Operation not permitted")
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.ms += E_MS
        node.isolation.ended()
        await node.until_ended()

    node = play(story)
    assert node.power.asked[0] == "reset"


def test_rules_that_somebody_removed_are_put_back() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.kernel.lose()
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.kernel.guarded is not None
        assert node.kernel.passes(VIP)

        node.ms += E_MS
        node.isolation.ended()
        await node.rest()
        node.kernel.lose()
        assert node.kernel.passes(VIP)
        node.isolation.look()
        await node.rest()
        assert not node.kernel.passes(VIP)

    assert play(story).alerts == ["KM8903", "KM8903"]


def test_before_it_had_a_right_a_daemon_puts_them_back_too() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.kernel.lose()
        node.isolation.look()
        await node.rest()
        assert not node.kernel.passes(VIP)

    play(story)


def test_lifting_lets_everything_pass_and_takes_the_watchdog_off() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        node.runs(DB)
        await node.rest()
        node.isolation.lift()
        node.isolation.follow(node.state, bound=False)
        await node.rest()
        node.ms += 2 * E_MS
        assert node.kernel.passes(VIP)
        assert node.device.armed_ms is None
        node.isolation.follow(node.state, bound=True)
        assert not node.kernel.passes(VIP)
        await node.rest()
        assert node.device.armed_ms is None, "no right yet: the watchdog is armed with the first"

    play(story)


def test_a_kernel_without_nftables_does_not_matter_where_no_right_is_needed() -> None:
    async def story(node: Node) -> None:
        node.kernel.trouble = OSError(errno.EPROTONOSUPPORT, "Protocol not supported")
        node.isolation.follow(node.state, bound=False)
        await node.rest()

    assert play(story).alerts == []


def test_another_configuration_guards_something_else_and_loses_no_time() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.isolation.follow(initial(made(per_node={"a": {"address": "192.0.2.101"}})), bound=True)
        assert node.kernel.guarded is not None
        assert node.kernel.guarded.addresses == ("192.0.2.101",)
        assert node.kernel.passes("192.0.2.101")
        told = len(node.kernel.asked)
        node.isolation.follow(initial(made(per_node={"a": {"address": "192.0.2.101"}})), bound=True)
        await node.rest()
        assert "guard" not in node.kernel.asked[told:], "the same is not guarded again"

    play(story)


def test_it_says_how_strong_the_means_are() -> None:
    async def story(node: Node) -> None:
        told = []
        for kind in ("hardware", "software", "unclear", "taken"):
            node.device.kind = kind  # type: ignore[assignment]
            told.append(node.isolation.strength().code)
        node.device.absent = True
        told.append(node.isolation.strength().code)
        assert told == ["KM8911", "KM8912", "KM8913", "KM8914", "KM8915"]

    play(story)


def test_a_kernel_that_is_always_slow_is_counted_in() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        hold = node.kernel.hold

        def slow(for_ms: int, *, afresh: bool = True) -> None:
            node.ms += 200
            hold(for_ms, afresh=afresh)

        node.kernel.hold = slow  # type: ignore[method-assign]
        until_ms = node.ms + E_MS
        node.isolation.lasts_until(until_ms)
        await node.rest()
        assert until_ms - 200 <= node.kernel.until_ms <= until_ms

    play(story)


def test_a_reset_waits_for_no_disk_longer_than_the_others_wait() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        node.runs(DB)
        await node.rest()
        node.isolation.ended()
        assert node.device.armed_ms == subject.RESET_MS
        await node.until_ended()

    play(story)


def test_a_right_that_ends_early_is_over_at_once() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.isolation.ended()
        await node.rest()
        assert not node.kernel.passes(VIP)

    play(story)


def test_after_the_end_the_watchdog_is_left_alone() -> None:
    async def story(node: Node) -> None:
        await node.isolation.close()
        node.isolation = Isolation("a", RESOURCE_TYPES, node.kernel, node.device, node.ending, node._alert, node.now_ms)
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        node.runs(DB)
        await node.rest()
        told = list(node.device.asked)
        node.ms += E_MS
        node.isolation.look()
        await node.rest()
        assert node.device.asked == told

    play(story)


def test_a_watchdog_that_an_earlier_daemon_left_armed_is_taken_over_with_the_right() -> None:
    async def story(node: Node) -> None:
        node.device.kind = "taken"
        node.isolation.follow(node.state, bound=True)
        await node.rest()
        assert node.device.asked == [], "without a right nobody keeps the machine alive"
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.device.asked == ["arm 5000"]
        node.device.kind = "hardware"  # it is ours now
        node.ms += 1_000
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.device.asked == ["arm 5000", "pat"]
        node.runs(DB, Status.STOPPED)
        await node.rest()
        assert node.device.asked == ["arm 5000", "pat", "disarm"], "the probe has found nothing"

    assert play(story).alerts == []


def test_a_watchdog_that_nobody_has_is_not_opened_for_what_is_not_known() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.device.asked == []
        node.device.means = lambda: WatchdogMeans("taken")  # type: ignore[method-assign]
        node.device.absent = True  # by another program, which keeps it
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()

    assert play(story).alerts == []


# --- what was cut off is not let through before it is known what still runs here -----------------------------------


def taken(state: State) -> State:
    """Another node has the address by now."""
    return state.with_hold("web", "b", FIP, Hold(Status.RUNNING))


def test_what_was_cut_off_stays_so_while_another_node_may_have_it() -> None:
    async def story(node: Node) -> None:
        node.runs(FIP)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.kernel.passes(VIP)
        node.ms += 3 * E_MS  # the process stood still meanwhile
        node.state = taken(holding(node.state, FIP, Status.UNKNOWN))
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert not node.kernel.passes(VIP)
        for part in (FIP, DB, 2):
            node.runs(part, Status.STOPPED)
        await node.rest()
        assert node.kernel.until_ms == node.ms + E_MS, "as soon as nothing of it is here"

    assert play(story).alerts == []


def test_what_was_never_cut_off_goes_on_though_a_node_is_lost() -> None:
    async def story(node: Node) -> None:
        node.runs(FIP)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        node.state = node.state.with_node("b", NodeFacts(Presence.LOST))
        node.runs(FIP)
        node.ms += E_MS - 1
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        assert node.kernel.until_ms == node.ms + E_MS
        node.kernel.lose()
        node.isolation.lasts_until(node.ms + E_MS + 1)
        await node.rest()
        assert node.kernel.until_ms == node.ms + E_MS + 1, "nor is it cut because somebody has removed the rules"

    assert play(story).alerts == ["KM8903"]


def test_a_new_daemon_goes_on_with_what_passes_still_and_with_nothing_else() -> None:
    async def story(node: Node) -> None:
        node.isolation.follow(node.state, bound=True)
        node.isolation.lasts_until(node.ms + E_MS)
        await node.rest()
        for left_ms in (1, 0):
            await node.isolation.close()
            node.ms = node.kernel.until_ms - left_ms
            node.isolation = node.begun()
            node.state = taken(holding(node.state, FIP, Status.UNKNOWN))
            node.isolation.follow(node.state, bound=True)
            node.isolation.lasts_until(node.ms + E_MS)
            await node.rest()
            assert node.kernel.passes(VIP) is bool(left_ms)

    assert play(story).alerts == []


def test_the_speed_of_the_clock_matters_where_a_right_is_needed() -> None:
    async def story(node: Node) -> None:
        node.isolation._speed = node.clock_runs_fast()
        node.isolation.follow(node.state, bound=False)
        node.isolation.look()
        node.isolation.look()
        assert node.alerts == []
        node.isolation.follow(node.state, bound=True)
        node.isolation.look()
        node.isolation.look()
        assert node.alerts == [clock_speed.WRONG.code]

    play(story)
