"""The corosync daemon kept by us, for real: two nodes whose station starts, restarts and stops it, as komainud does."""

import asyncio
import contextlib
import os
import signal
import stat
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from komainu.adapters.corosync.bus import LOST
from komainu.adapters.corosync.conf import corosync_conf
from komainu.adapters.corosync.daemon import DIED, RESTARTED
from komainu.model.config import Cluster
from tests.ports.bus_worlds import DEADLINE_S, StationProcess
from tests.ports.corosync_nodes import CAN_RUN, WHY_NOT, Nodes

pytestmark = [pytest.mark.lab, pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)]

BOTH = (1, 2)


class Site:
    """Nodes, each with a station; corosync does not run yet and its files are not there."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.at: dict[int, StationProcess] = {}

    async def station(self, number: int) -> StationProcess:
        """A new process on the node."""
        self.at[number] = await StationProcess.start(self.nodes.by_number[number])
        return self.at[number]

    async def start_corosync(self, number: int, cluster: Cluster | None = None) -> None:
        """By the station's daemon."""
        given = (cluster or self.nodes.cluster).model_dump(mode="json")
        await self.at[number].order("daemon start", cluster=given, authkey=self.nodes.authkey.hex())

    async def together(self) -> None:
        """Both nodes' corosyncs and buses run and see each other."""
        for number in BOTH:
            await self.station(number)
            await self.start_corosync(number)
            await self.at[number].order("bus start")
        for number in BOTH:
            await self.at[number].log.until_view(BOTH, BOTH)

    def pid(self, number: int) -> int:
        """Of the node's corosync."""
        return self.nodes.by_number[number].corosync_pid()


@contextlib.asynccontextmanager
async def site(count: int, ipv6: bool, links: int) -> AsyncIterator[Site]:
    """A site for the time of a story."""
    nodes = Nodes(count, links=links, ipv6=ipv6)
    its_site = Site(nodes)
    try:
        for node in nodes.by_number.values():
            for name in ("corosync.conf", "authkey"):
                node.path(f"/etc/corosync/{name}").unlink()
        yield its_site
    finally:
        for station in its_site.at.values():
            with contextlib.suppress(ProcessLookupError):
                await station.kill()
        nodes.close()


def play(story: Callable[[Site], Awaitable[None]], count: int = 2, ipv6: bool = False, links: int = 1) -> None:
    """Run a story on a fresh site."""

    async def run() -> None:
        async with site(count, ipv6, links) as its_site, asyncio.timeout(4 * DEADLINE_S):
            await story(its_site)

    asyncio.run(run())


def test_files_start_adoption_change_and_stop() -> None:
    async def story(s: Site) -> None:
        await s.together()
        key = s.nodes.by_number[1].path("/etc/corosync/authkey")
        assert key.read_bytes() == s.nodes.authkey
        assert stat.S_IMODE(key.stat().st_mode) == 0o400

        first = s.pid(1)
        await s.at[1].kill()
        station = await s.station(1)
        await s.start_corosync(1)
        assert s.pid(1) == first, "the restart of our process is none of corosync's business"
        await station.order("bus start")
        await s.at[2].log.until_view(BOTH, BOTH)

        slower = s.nodes.cluster.model_copy(update={"detect_within_ms": 600})
        await s.start_corosync(1, slower)
        assert s.pid(1) == first, "times are taken over by the one that runs"
        s.nodes.authkey = bytes(reversed(s.nodes.authkey))
        await s.start_corosync(1, slower)
        assert s.pid(1) != first
        await station.log.until(lambda log: log.losses != [], "the loss of the old connection")
        await station.log.until(lambda log: log.views[-1].agents[:1] == (1,), "a view of the new one")

        await s.at[2].order("daemon stop")
        await station.log.until(lambda log: log.views[-1].nodes == (1,), "node 2 gone")
        assert station.said == []
        with pytest.raises((ProcessLookupError, FileNotFoundError)):
            s.pid(2)

    play(story)


def test_death_is_noticed_reported_and_mended() -> None:
    async def story(s: Site) -> None:
        await s.together()
        first = s.pid(2)
        os.kill(first, signal.SIGKILL)
        log = s.at[2].log
        await log.until(lambda log: [loss.code for loss in log.losses] == [LOST.code], "the loss of the connection")
        await log.until_view(BOTH, BOTH)
        await s.at[1].log.until_view(BOTH, BOTH)
        assert [code for code, _ in s.at[2].said] == [DIED.code, RESTARTED.code]
        assert s.pid(2) != first

    play(story)


def test_a_stall_is_mended_when_we_are_told() -> None:
    async def story(s: Site) -> None:
        await s.together()
        first = s.pid(2)
        os.kill(first, signal.SIGSTOP)
        await s.at[1].log.until_view((1,), (1,))
        assert s.at[2].log.losses == [], "a stopped corosync is silent: only the missing delivery tells"
        await s.at[2].order("send", payload=b"into the void".hex())
        await s.at[2].order("daemon restart")
        await s.at[2].log.until(lambda log: len(log.losses) == 1, "the loss of the connection")
        for number in BOTH:
            await s.at[number].log.until_view(BOTH, BOTH)
        assert [code for code, _ in s.at[2].said] == [RESTARTED.code]
        assert s.at[1].log.heard == []

    play(story)


def test_our_bus_stops_while_corosync_stands_still() -> None:
    async def story(s: Site) -> None:
        await s.together()
        pid = s.pid(2)
        os.kill(pid, signal.SIGSTOP)
        await s.at[2].order("bus stop")
        await s.at[2].close()
        os.kill(pid, signal.SIGCONT)
        await s.at[1].log.until_view((1,), BOTH)

    play(story)


def test_ipv6_links() -> None:
    play(Site.together, ipv6=True)


def test_the_loss_of_one_of_two_links_is_no_loss_of_a_node() -> None:
    async def story(s: Site) -> None:
        await s.together()
        await asyncio.gather(*(s.at[n].log.until_view(BOTH, BOTH) for n in BOTH))
        before = {number: len(s.at[number].log.views) for number in BOTH}
        s.nodes.cut(2, link=0)
        count = 300
        for number in range(count):  # for 1.5 s, three times the detection
            await s.at[1].order("send", payload=number.to_bytes(4, "big").hex())
            await asyncio.sleep(0.005)
        for number in BOTH:
            log = s.at[number].log
            await log.until(lambda log: len(log.heard) == count, "all messages")
            assert [int.from_bytes(h.payload, "big") for h in log.heard] == list(range(count))
            assert len(log.views) == before[number]

    play(story, links=2)


def test_a_node_is_known_by_its_address_whatever_its_host_name() -> None:
    async def story(s: Site) -> None:
        s.nodes.by_number[1].run("hostname", "n2")
        s.nodes.by_number[2].run("hostname", "n1")
        await s.together()
        await s.at[1].order("send", payload=b"from the first".hex())
        await s.at[2].log.until(lambda log: [h.sender for h in log.heard] == [1], "a message of node 1")

    play(story)


def test_one_node_alone_is_a_cluster() -> None:
    async def story(s: Site) -> None:
        station = await s.station(1)
        await s.start_corosync(1)
        await station.order("bus start")
        await station.log.until_view((1,), (1,))

    play(story, count=1)


def test_a_file_that_cannot_be_written_is_an_error_and_nothing_runs() -> None:
    async def story(s: Site) -> None:
        await s.station(1)
        s.nodes.by_number[1].path("/etc/corosync/corosync.conf").mkdir()
        with pytest.raises(RuntimeError, match=r"corosync\.conf"):
            await s.start_corosync(1)
        with pytest.raises((ProcessLookupError, FileNotFoundError)):
            s.pid(1)

    play(story, count=1)


def test_a_machine_without_the_configured_address_is_told_why() -> None:
    async def story(s: Site) -> None:
        await s.station(1)
        nodes = tuple(node.model_copy(update={"links": (f"192.0.2.{node.id}",)}) for node in s.nodes.cluster.nodes)
        with pytest.raises(RuntimeError, match="No valid name found for local host"):
            await s.start_corosync(1, s.nodes.cluster.model_copy(update={"nodes": nodes}))

    play(story, count=1)


def test_times_links_and_nodes_change_without_the_loss_of_a_node() -> None:
    async def story(s: Site) -> None:
        whole = s.nodes.cluster
        narrow = whole.model_copy(
            update={"nodes": tuple(node.model_copy(update={"links": node.links[:1]}) for node in whole.nodes[:2])}
        )
        for number in BOTH:
            await s.station(number)
            await s.start_corosync(number, narrow)
            await s.at[number].order("bus start")
        for number in BOTH:
            await s.at[number].log.until_view(BOTH, BOTH)
        pids, views = [s.pid(n) for n in BOTH], [len(s.at[n].log.views) for n in BOTH]
        slow = narrow.model_copy(update={"detect_within_ms": 3_000})
        wide = whole.model_copy(update={"nodes": whole.nodes[:2], "detect_within_ms": 3_000})
        three = whole.model_copy(update={"detect_within_ms": 3_000})
        for change in (slow, wide, three):
            for number in BOTH:
                await s.at[number].order("daemon reload", cluster=change.model_dump(mode="json"))
        await s.at[1].order("send", payload=b"still here".hex())
        await s.at[2].log.until(lambda log: [h.sender for h in log.heard] == [1], "a message of node 1")

        assert [s.pid(n) for n in BOTH] == pids
        assert [len(s.at[n].log.views) for n in BOTH] == views
        assert [s.at[n].log.losses for n in BOTH] == [[], []]
        told = s.nodes.by_number[1].run("corosync-cmapctl", "runtime.config.totem.token", "nodelist.node.2.nodeid")
        assert "token (u32) = 1363" in told
        assert "nodelist.node.2.nodeid (u32) = 3" in told

        await s.station(3)
        await s.start_corosync(3, three)
        await s.at[3].order("bus start")
        for number in (1, 2, 3):
            await s.at[number].log.until_view((1, 2, 3), (1, 2, 3))
        await s.at[3].order("bus stop")
        await s.at[3].order("daemon stop")
        for number in BOTH:
            await s.at[number].log.until_view(BOTH, BOTH)
        views = [len(s.at[n].log.views) for n in BOTH]
        for number in BOTH:
            await s.at[number].order("daemon reload", cluster=slow.model_dump(mode="json"))
        await s.at[2].order("send", payload=b"and here".hex())
        await s.at[1].log.until(lambda log: [h.sender for h in log.heard] == [1, 2], "a message of node 2")
        assert [len(s.at[n].log.views) for n in BOTH] == views
        assert not s.nodes.by_number[1].path("/etc/corosync/corosync.conf.unread").exists()

    play(story, count=3, links=2)


def test_what_was_written_and_not_yet_read_is_read_by_the_next_daemon() -> None:
    async def story(s: Site) -> None:
        await s.together()
        first, node = s.pid(1), s.nodes.by_number[1]
        slow = s.nodes.cluster.model_copy(update={"detect_within_ms": 900})
        node.path("/etc/corosync/corosync.conf.unread").write_bytes(b"")
        node.path("/etc/corosync/corosync.conf").write_text(corosync_conf(slow))
        await s.at[1].kill()
        await s.station(1)
        await s.start_corosync(1, slow)

        assert s.pid(1) == first
        assert "token (u32) = 600" in node.run("corosync-cmapctl", "runtime.config.totem.token")
        assert not node.path("/etc/corosync/corosync.conf.unread").exists()

    play(story)
