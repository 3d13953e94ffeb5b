"""`komainu cluster` and `komainu maintenance`, asked of daemons that are there."""

from pathlib import Path

import pytest

from tests.doubles.served import Served, serve
from tests.doubles.votes import MemoryVotes, lease

pytestmark = pytest.mark.sockets


def test_the_maintenance_switch_is_shown_everywhere(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        assert (await served.komainu("maintenance", "on")).code == 0
        again = await served.komainu("maintenance", "on")
        assert (again.code, "Nothing was changed" in again.out) == (0, True)
        status = await served.komainu("status")
        one = await served.komainu("status", "web")
        assert status.out.startswith("MAINTENANCE: ")
        assert one.out.startswith("MAINTENANCE: ")
        assert (await served.komainu("maintenance", "off")).code == 0
        assert "MAINTENANCE" not in (await served.komainu("status")).out

    serve(tmp_path, story)


def test_the_cluster_is_suspended_and_resumed(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        assert (await served.komainu("cluster", "suspend")).code == 0
        assert (await served.komainu("status")).out.startswith("SUSPENDED: ")
        refused = await served.komainu("group", "move", "web")
        assert (refused.code, "suspended" in refused.err) == (1, True)
        assert (await served.komainu("cluster", "resume")).code == 0
        assert (await served.komainu("group", "move", "web")).code == 0

    serve(tmp_path, story)


def test_the_cluster_is_stopped_and_started_again(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for name in ("n1", "n2"):
            (served.world.folder / name / "run").mkdir(parents=True, exist_ok=True)
        stopped = await served.komainu("cluster", "stop", "--yes")
        assert stopped.code == 0
        assert served.world.things.on("app") == []
        lines = [line.split() for line in stopped.out.splitlines()]
        assert ["○", "n1", "Offline"] in lines
        assert ["○", "n2", "Offline"] in lines
        again = await served.komainu("cluster", "stop", "--yes")
        assert (again.code, "stopped already" in again.out) == (0, True)
        started = await served.komainu("cluster", "start")
        assert started.code == 0
        assert len(served.world.things.on("app")) == 1

    serve(tmp_path, story)


@pytest.mark.parametrize("words", [("maintenance",), ("maintenance", "of"), ("cluster",), ("cluster", "stp")])
def test_what_is_not_written_out_is_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    async def story(served: Served) -> None:
        told = await served.komainu(*words)
        assert told.code == 2
        if len(words) > 1:
            assert "Did you mean" in told.err

    serve(tmp_path, story)


def test_where_rights_are_limited_a_suspension_is_waited_for(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        suspended = await served.komainu("cluster", "suspend")
        assert suspended.code == 0
        status = await served.komainu("status")
        assert status.out.startswith("SUSPENDED: ")
        assert (await served.komainu("status", "web")).out.startswith("SUSPENDED: ")
        assert (await served.komainu("monitor", "list")).out.startswith("SUSPENDED: ")
        alone = await served.komainu("node", "resume", "n1")
        assert (alone.code, "cluster resume" in alone.err) == (1, True)
        assert (await served.komainu("cluster", "resume")).code == 0
        assert "SUSPENDED" not in (await served.komainu("status")).out

    serve(tmp_path, story, lease(), votes=MemoryVotes())
