"""How long a leave may take, and how it asks. The stories of whole leaves are in test_daemon."""

from pathlib import Path

from komainu.agent.attempt import CANCEL_MS, EXTRA_MS
from komainu.agent.leaving import MARGIN_MS, UNSYNCED_MS
from tests.doubles.daemons import World, cluster, resource
from tests.doubles.virtual_time import run


def test_the_time_is_what_the_stops_may_take(tmp_path: Path) -> None:
    async def story() -> None:
        config = cluster(resource("a", stop_timeout_ms=3_000), resource("b", stop_timeout_ms=4_000))
        async with World(tmp_path, config) as world:
            one, _ = world.start_all()
            assert one.daemon.leaving.limit_ms() == UNSYNCED_MS
            await world.online("b")

            stops = 3_000 + 4_000 + 2 * (EXTRA_MS + CANCEL_MS)
            assert one.daemon.leaving.limit_ms() == stops + config.detect_within_ms + MARGIN_MS

    run(story())


def test_it_asks_again_when_the_state_that_goes_on_does_not_know(tmp_path: Path) -> None:
    """The others' history wins while the node is leaving: it must not stay for ever because of that."""

    async def story() -> None:
        async with World(tmp_path, cluster()) as world:
            one, two = world.start_all()
            await world.online(on="n1")
            world.wire.cut(1)
            await world.until(lambda: world.things.on("app") == ["n1", "n2"], "both active")
            one.daemon.leave()
            world.wire.heal(1)
            code = await one.task
            del world.running["n1"]

            assert code == 0
            assert world.things.on("app") == ["n2"]
            await world.until(lambda: two.daemon.status()["nodes"][0]["status"] == "Offline", "n1 offline")

    run(story())
