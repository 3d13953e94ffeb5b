"""Operations on nodes and on the cluster."""

from pathlib import Path
from typing import Any

import pytest

from komainu.api.client import Trouble
from komainu.core.state import Presence
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


async def asked(served: Served, op: str, **args: Any) -> Any:
    return await served.ask(lambda client: client.ask(op, **args))


@pytest.mark.parametrize("op", ["node", "cluster"])
def test_suspend_and_resume(tmp_path: Path, op: str) -> None:
    args = {"node": "n2"} if op == "node" else {}

    async def story(served: Served) -> None:
        one = served.world.running["n1"]
        for verb, so in (("suspend", True), ("resume", False)):
            for sentence in ("Accepted", "Nothing was changed"):
                answer = await asked(served, f"{op}.{verb}", **args)
                assert answer["accepted"]
                assert sentence in answer["said"]["en"]
            assert one.state.nodes["n2"].suspended is so
            assert one.state.nodes["n1"].suspended is (so and op == "cluster")

    serve(tmp_path, story)


def test_the_maintenance_switch(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for on in (True, False):
            answer = await asked(served, "maintenance", on=on)
            assert answer["accepted"]
            assert (await asked(served, "status"))["cluster"]["maintenance"] is on

    serve(tmp_path, story)


def test_a_node_leaves_and_its_group_goes_elsewhere(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        one = served.world.running["n1"]
        await asked(served, "group.move", group="web")
        await served.world.online(on="n2", within_s=20)
        dry = await asked(served, "node.stop", node="n2", dry_run=True)
        assert dry["course"]["groups"][0]["after"]["node"] == "n1"
        assert (await asked(served, "node.stop", node="n2"))["accepted"]
        await served.until(lambda: one.state.nodes["n2"].presence is Presence.GONE, "gone")
        await served.until(lambda: served.world.things.on("app") == ["n1"], "moved")
        again = await asked(served, "node.stop", node="n2")
        assert (again["accepted"], "stopped already" in again["said"]["en"]) == (True, True)

    serve(tmp_path, story)


def test_a_node_that_nobody_knows(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for op in ("stop", "suspend", "resume"):
            with pytest.raises(Trouble, match="Did you mean n"):
                await asked(served, f"node.{op}", node="n9")

    serve(tmp_path, story)
