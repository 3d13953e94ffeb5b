"""Operations on monitors."""

from pathlib import Path
from typing import Any

import pytest

from komainu.api.client import Trouble
from tests.doubles.daemons import cluster, resource
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


async def asked(served: Served, op: str, **args: Any) -> Any:
    return await served.ask(lambda client: client.ask(op, **args))


async def on(served: Served, node: str) -> dict[str, Any]:
    """The monitor of the only resource, on one node."""
    (monitor,) = (await asked(served, "monitor.list"))["monitors"]
    return dict(next(each for each in monitor["on"] if each["node"] == node))


def test_suspend_and_resume_on_one_node_or_all(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        assert (await asked(served, "monitor.suspend", monitor="thingw-app", node="n1"))["accepted"]
        assert [(await on(served, node))["suspended"] for node in ("n1", "n2")] == [True, False]
        assert (await on(served, "n1"))["status"] == "Suspend"
        again = await asked(served, "monitor.suspend", monitor="thingw-app", node="n1")
        assert (again["accepted"], "Nothing was changed" in again["said"]["en"]) == (True, True)
        assert (await asked(served, "monitor.resume", monitor="thingw-app"))["accepted"]
        assert (await on(served, "n1"))["status"] == "Normal"

    serve(tmp_path, story, cluster(resource(monitor="thingw-app")))


def test_verification_mode_leads_to_recovery_and_ends(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        dry = await asked(served, "monitor.fail", monitor="thingw-app", node="n1", dry_run=True)
        assert dry["accepted"]
        assert (await asked(served, "monitor.fail", monitor="thingw-app", node="n1"))["accepted"]
        assert (await on(served, "n1"))["simulated"]
        await served.until(lambda: ("n1", "stop", "app") in served.world.things.log, "recovered")
        assert (await asked(served, "monitor.fail", monitor="thingw-app", on=False))["accepted"]
        assert not (await on(served, "n1"))["simulated"]

    serve(tmp_path, story, cluster(resource(monitor="thingw-app")))


def test_a_monitor_that_nobody_knows(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for op in ("suspend", "resume", "fail"):
            with pytest.raises(Trouble, match="Did you mean thingw-app"):
                await asked(served, f"monitor.{op}", monitor="thingw-ap")
            with pytest.raises(Trouble, match="Did you mean n"):
                await asked(served, f"monitor.{op}", monitor="thingw-app", node="n9")

    serve(tmp_path, story, cluster(resource(monitor="thingw-app")))
