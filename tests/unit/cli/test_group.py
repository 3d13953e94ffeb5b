"""`komainu group`: what it waits for, what it says, how it ends."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.core.state import Presence
from komainu.model.outcome import failed
from tests.doubles.daemons import NOT_HERE, cluster
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets
BAD = failed(NOT_HERE.said(resource="app", node="n2"))


def test_move_start_and_stop_wait_until_it_is_done(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        moved = await served.komainu("group", "move", "web")
        assert moved.code == 0
        assert served.world.things.on("app") == ["n2"]
        assert moved.out.splitlines()[-1].split()[0] == "●"
        stopped = await served.komainu("group", "stop", "web")
        assert (stopped.code, served.world.things.on("app")) == (0, [])
        started = await served.komainu("group", "start", "web", "n2")
        assert (started.code, served.world.things.on("app")) == (0, ["n2"])
        back = await served.komainu("group", "move", "web", "n1")
        assert (back.code, served.world.things.on("app")) == (0, ["n1"])

    serve(tmp_path, story)


def test_what_is_so_already_is_no_failure(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        again = await served.komainu("group", "start", "web")
        assert again.code == 0
        assert "already on n1" in again.out
        assert again.out.splitlines()[1].split() == ["●", "web", "Online", "n1"]
        quick = await served.komainu("group", "start", "web", "--no-wait")
        assert (quick.code, len(quick.out.splitlines())) == (0, 1)

    serve(tmp_path, story)


def test_names_that_nobody_knows_are_answered_with_the_nearest(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        near = await served.komainu("group", "move", "wed")
        resource = await served.komainu("group", "stop", "app", "--lang", "ja")
        node = await served.komainu("group", "move", "web", "m2")

        assert near.err == "There is no group wed. Did you mean web?\n"
        assert resource.err == "グループ app はありません。app はリソースです。\n"
        assert node.err == "There is no node m2. Did you mean n2?\n"

    serve(tmp_path, story)


def test_a_dry_run_shows_the_course_and_changes_nothing(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        before = served.world.running["n1"].state
        dry = await served.komainu("group", "move", "web", "--dry-run")
        refused = await served.komainu("group", "move", "web", "n1", "--dry-run")
        programs = await served.komainu("group", "stop", "web", "--dry-run", "--json")

        assert dry.code == 0
        lines = [line.strip() for line in dry.out.splitlines()]
        assert lines.index("→ stop app on n1") < lines.index("→ start app on n2") < lines.index("What becomes of it")
        assert "Nothing is changed" in lines[0]
        assert (refused.code, "already on n1" in refused.out) == (0, True)
        told = json.loads(programs.out)
        assert (told["accepted"], told["settled"]) == (True, None)
        assert told["course"]["groups"][0]["after"]["status"] == "Offline"
        assert served.world.running["n1"].state == before
        assert served.world.things.on("app") == ["n1"]

    serve(tmp_path, story)


def test_for_programs_there_is_one_value_at_the_end(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        moved = await served.komainu("group", "move", "web", "--json")
        told = json.loads(moved.out)

        assert (moved.code, told["accepted"], told["settled"]["reached"]) == (0, True, True)
        assert served.world.things.on("app") == ["n2"]
        refused = await served.komainu("group", "move", "web", "n2", "--json", "--no-wait")
        assert (refused.code, json.loads(refused.out)["settled"]) == (0, None)

    serve(tmp_path, story)


def test_one_resource_is_stopped_and_started_by_itself(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        stopped = await served.komainu("resource", "stop", "app")
        assert (stopped.code, served.world.things.on("app")) == (0, [])
        again = await served.komainu("resource", "stop", "app")
        assert (again.code, "Nothing was changed" in again.out) == (0, True)
        status = await served.komainu("status", "app")
        assert "komainu resource start app" in status.out
        started = await served.komainu("resource", "start", "app")
        assert (started.code, served.world.things.on("app")) == (0, ["n1"])

    serve(tmp_path, story)


def test_a_group_that_gave_up_is_restored(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for node in ("n1", "n2"):
            served.world.things.next(node, "start", "app", *[lambda: BAD] * 20)
        assert (await served.komainu("group", "move", "web")).code == 1
        served.world.things.script.clear()
        told = await served.komainu("group", "restore", "web")
        assert told.code == 0
        assert len(served.world.things.on("app")) == 1
        again = await served.komainu("group", "restore", "web", "--no-wait")
        assert (again.code, "no failures" in again.out) == (0, True)

    serve(tmp_path, story)


def test_a_refusal_is_one(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for words in (("move", "nothing"), ("move", "web", "n9"), ("stop", "no name!")):
            told = await served.komainu("group", *words)
            assert (told.code, told.out) == (1, "")
            assert told.err.strip()

    serve(tmp_path, story)


def test_a_start_that_fails_everywhere_ends_in_failure(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for node in ("n1", "n2"):
            served.world.things.next(node, "start", "app", *[lambda: BAD] * 20)
        told = await served.komainu("group", "move", "web")
        assert told.code == 1
        assert "does not run" in told.err
        assert "Online Failure" in told.out

    serve(tmp_path, story)


def test_it_does_not_wait_when_it_is_told_so(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        release = asyncio.Event()

        async def held() -> object:
            await release.wait()
            return BAD

        served.world.things.next("n2", "start", "app", held)
        told = await served.komainu("group", "move", "web", "n2", "--no-wait")
        assert (told.code, told.out.strip()) == (0, "Accepted.")
        late = await served.komainu("group", "move", "web", "n2", "--timeout", "0")
        assert late.code == 3  # it is on its way there already, and not there
        assert "Nothing was changed" in late.out
        release.set()

    serve(tmp_path, story)


def test_it_says_when_the_time_is_over(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        release = asyncio.Event()

        async def held() -> object:
            await release.wait()
            return BAD

        served.world.things.next("n2", "start", "app", held)
        told = await served.komainu("group", "move", "web", "n2", "--timeout", "0")
        release.set()
        assert told.code == 3
        assert "it goes on by itself" in told.err

    serve(tmp_path, story)


def test_a_group_that_waits_for_a_word_is_not_waited_for(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        await world.power_off("n2")
        one = world.running["n1"]
        await world.until(lambda: one.state.nodes["n2"].presence is Presence.LOST, "lost", 20)
        await served.komainu("group", "stop", "web")
        told = await served.komainu("group", "start", "web")
        assert told.code == 3
        assert "confirm-gone n2" in told.err

    serve(tmp_path, story, cluster(arbitration="operator"))
