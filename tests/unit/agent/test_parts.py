"""When another state goes on, its configuration holds for every part."""

from pathlib import Path

from tests.doubles.daemons import World, cluster, resource
from tests.doubles.virtual_time import run


def test_an_adopted_configuration_holds_for_every_part(tmp_path: Path) -> None:
    old = cluster(resource("app"))
    new = cluster(resource("app", check_interval_ms=5_000), resource("db"), version=2, detect_within_ms=2_000)

    async def story() -> None:
        async with World(tmp_path, old) as world:
            one = world.start("n1", old)
            world.start("n2", new)
            await world.online("db", on="n1")
            parts = one.daemon.parts

            assert [hand.resource for hand in parts.hands.all()] == list(new.groups[0].resources)
            assert parts.pulse.interval_ms == 500
            checks = world.things.log.count(("n1", "check", "app"))
            await world.until(lambda: world.clock() > 20_000, "time passes")
            assert 2 <= world.things.log.count(("n1", "check", "app")) - checks <= 4

    run(story())
