"""Another configuration, asked for over the socket of a real daemon: what it means, the way, and the end."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from komainu.api import change
from komainu.api.client import Client, Trouble
from komainu.core.change import ABANDONED, IN_FORCE
from komainu.model.answers import OUTDATED
from komainu.model.outcome import failed
from tests.doubles.daemons import NOT_HERE
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets

Json = dict[str, Any]


def thing(name: str = "app", **changes: Any) -> Json:
    """As in tests.doubles.daemons."""
    times = {"start_timeout_ms": 2_000, "stop_timeout_ms": 2_000, "check_timeout_ms": 1_000}
    more = {"check_interval_ms": 1_000, "prepare_interval_ms": 10_000}
    return {"name": name, "type": "thing", "params": {}, **times, **more, **changes}


def text(*resources: Json, nodes: int = 2, **changes: Any) -> str:
    """The file of the cluster of tests.doubles.daemons."""
    cluster = {
        "name": "test",
        "environment": "onprem",
        "arbitration": "none",
        "detect_within_ms": 450,
        "startup_sync_wait_ms": 60_000,
        **changes,
    }
    links = [{"name": f"n{number}", "links": [f"10.0.0.{number}"]} for number in range(1, nodes + 1)]
    groups = [{"name": "web", "resources": list(resources) or [thing()]}]
    return yaml.safe_dump({"cluster": cluster, "nodes": links, "groups": groups}, sort_keys=False)


async def plan(served: Served, **args: Any) -> Json:
    answer = await served.ask(lambda client: client.ask("config.plan", 20, **args))
    assert isinstance(answer, dict)
    return answer


async def apply(served: Served, base: int = 1, **args: Any) -> list[Json]:
    def asked(client: Client) -> list[Json]:
        return list(client.follow("config.apply", 30, base=base, who="mika", why="a try", **args))

    answer = await served.ask(asked)
    assert isinstance(answer, list)
    return answer


def test_a_plan_names_every_difference_and_what_follows_and_changes_nothing(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        same = await plan(served, text=text())
        new = text(thing(params={"colour": "blue"}), agent_return_ms=7_000)
        other = await plan(served, text=new, course=True)

        lines = [each["line"] for each in same["differences"]]
        assert all("monitor" in line for line in lines), "the double leaves out the name of its monitor"
        assert [each["path"] for each in other["differences"] if "monitor" not in each["path"]] == [
            "agent_return_ms",
            "groups/web/resources/app/params/colour",
        ]
        assert (other["base"], other["version"], other["usable"], other["interrupts"]) == (1, 2, True, True)
        assert any("web/app" in said["en"] for said in other["consequences"])
        assert other["course"]["accepted"] is True
        assert "restart" in " ".join(str(each) for each in other["consequences"])
        assert served.world.running["n1"].state.cluster.version == 1
        assert served.world.versions["n1"].staged is None

    serve(tmp_path, story)


def test_a_plan_of_a_bad_text_names_all_its_errors(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        bad = await plan(served, text=text(thing(type="thong"), thing("b", params={"colour": 7})))
        assert (bad["usable"], bad["differences"]) == (False, [])
        assert {each["path"] for each in bad["problems"] if each["level"] == "error"} == {
            "groups[0].resources[0].type",
            "groups[0].resources[1].params.colour",
        }
        with pytest.raises(Trouble) as refused:
            await apply(served, text=text(thing(type="thong")))
        assert refused.value.said.code == change.ERRORS.code
        for args in ({}, {"text": text(), "version": 1}):
            with pytest.raises(Trouble) as unclear:
                await plan(served, **args)
            assert unclear.value.said.code == change.ONE_OF_BOTH.code

    serve(tmp_path, story)


def test_a_change_of_settings_comes_into_force_everywhere_and_restarts_nothing(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world, new = served.world, text(thing(check_interval_ms=400), agent_return_ms=7_000)
        items = await apply(served, text=new)
        last = items[-1]

        assert (last["phase"], last["accepted"], last["said"]["code"]) == ("done", True, IN_FORCE.code)
        assert "judging" in [item["phase"] for item in items]
        await served.until(lambda: [r.state.cluster.version for r in world.running.values()] == [2, 2], "version 2")
        assert [entry[1:] for entry in world.things.log if entry[1] in ("start", "stop")] == [("start", "app")]
        hand = world.running["n2"].daemon.parts.hands.get("web", "app")
        assert hand is not None
        assert hand.resource.check_interval_ms == 400
        for name in ("n1", "n2"):
            await served.until(lambda name=name: len(world.versions[name].held) == 2, "written")  # type: ignore[misc]
            kept = world.versions[name].get(2)
            assert (kept.text, kept.provenance.who, kept.provenance.why, kept.provenance.origin) == (
                new, "mika", "a try", "n1",
            )  # fmt: skip
        assert [running.transport.asked for running in world.running.values()] == [["start"], ["start"]]

        again = await apply(served, base=2, text=new)
        assert [item["said"]["code"] for item in again] == [change.NO_CHANGE.code]

    serve(tmp_path, story)


def test_what_works_otherwise_restarts_and_nothing_else(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        await apply(served, text=text(thing(), thing("b"), thing("c")))
        await served.until(lambda: all(world.things.on(name) for name in ("app", "b", "c")), "all three run")
        world.things.log.clear()
        items = await apply(served, base=2, text=text(thing(), thing("b", params={"colour": "blue"}), thing("c")))

        assert items[-1]["accepted"] is True
        done = [entry[1:] for entry in world.things.log if entry[1] in ("start", "stop")]
        assert done == [("stop", "b"), ("start", "b")]

    serve(tmp_path, story)


def test_a_removed_resource_is_stopped_first_and_a_rollback_brings_it_back(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        await apply(served, text=text(thing(), thing("b")))
        await served.until(lambda: world.things.on("b") == ["n1"], "b runs")
        await apply(served, base=2, text=text(thing()))
        assert (world.things.on("app"), world.things.on("b")) == (["n1"], [])
        back = await apply(served, base=3, version=2)
        assert back[-1]["accepted"] is True
        assert world.things.on("b") == ["n1"]
        assert world.running["n1"].state.cluster.version == 4
        assert world.versions["n1"].get(4).text == world.versions["n1"].get(2).text

        answer = await served.ask(lambda client: client.ask("config.history"))
        assert isinstance(answer, dict)
        told = [(each["version"], each["holds"], each["who"]) for each in answer["versions"]]
        assert told == [(1, False, ""), (2, False, "mika"), (3, False, "mika"), (4, True, "mika")]
        assert [each["path"] for each in answer["versions"][2]["differences"]] == ["groups/web/resources/b"]
        differs = await served.ask(lambda client: client.ask("config.diff", old=2, new=4))
        assert isinstance(differs, dict)
        assert (differs["old"], differs["new"], differs["differences"]) == (2, 4, [])
        content = await served.ask(lambda client: client.ask("config.version", version=3))
        assert isinstance(content, dict)
        assert content["text"] == text(thing())
        with pytest.raises(Trouble, match="no version 9"):
            await plan(served, version=9)

    serve(tmp_path, story)


def test_what_one_node_lacks_is_refused_by_all_with_everything_that_is_missing(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        world.machines["n1"].lacking = ["/opt/after"]
        world.machines["n2"].lacking = ["/opt/before", "/opt/after"]
        scripts = {"before_start": "/opt/before", "after_stop": "/opt/after"}
        (*_, last) = await apply(served, text=text(thing(scripts=scripts)))

        assert (last["accepted"], last["said"]["code"]) == (False, ABANDONED.code)
        told = "\n".join(each["en"] for each in last["objections"])
        assert len(last["objections"]) == 3
        assert all(word in told for word in ("Node n1: /opt/after", "Node n2: /opt/before", "Node n2: /opt/after"))
        for running in world.running.values():
            assert running.state.cluster.version == 1
            assert running.store.clusters == []
        assert [entry[1] for entry in world.things.log].count("stop") == 0

    serve(tmp_path, story)


def test_a_refusal_that_comes_later_is_waited_for_and_no_longer_than_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(served: Served) -> None:
        monkeypatch.setattr(change, "OBJECTIONS_MS", 20_000)
        world = served.world
        world.machines["n1"].lacking = world.machines["n2"].lacking = ["/opt/before"]
        gate, looked = threading.Event(), world.machines["n2"].lacks_program

        def slowly(path: str) -> str:
            gate.wait(20)
            return looked(path)

        monkeypatch.setattr(world.machines["n2"], "lacks_program", slowly)
        asked = asyncio.ensure_future(apply(served, text=text(thing(scripts={"before_start": "/opt/before"}))))
        judging = world.running["n1"].daemon.parts.judging
        told: list[str] = []
        heard = judging.heard
        monkeypatch.setattr(judging, "heard", lambda event: (told.append(event.node), heard(event)))
        await served.until(lambda: told == ["n1"], "n1 refused")
        await served.until(lambda: world.running["n1"].state.change is None, "the attempt has ended")
        assert not asked.done()
        gate.set()
        async with asyncio.timeout(10):
            (*_, last) = await asked

        assert [each["en"].split(":")[0] for each in last["objections"]] == ["Node n1", "Node n2"]

    serve(tmp_path, story)


def test_a_refusal_that_does_not_come_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(served: Served) -> None:
        monkeypatch.setattr(change, "OBJECTIONS_MS", 50)
        world, gate = served.world, threading.Event()
        world.machines["n1"].lacking = ["/opt/before"]
        monkeypatch.setattr(world.machines["n2"], "lacks_program", lambda _: "x" if gate.wait(20) else "")
        (*_, last) = await apply(served, text=text(thing(scripts={"before_start": "/opt/before"})))
        gate.set()

        assert [each["en"].split(":")[0] for each in last["objections"]] == ["Node n1"]

    serve(tmp_path, story)


def test_a_disk_that_takes_nothing_is_a_refusal(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        served.world.versions["n2"].trouble = NOT_HERE.said(resource="disk", node="n2")
        (*_, last) = await apply(served, text=text(agent_return_ms=7_000))
        assert last["accepted"] is False
        assert "disk does not run on n2" in last["said"]["en"]

    serve(tmp_path, story)


def test_a_resource_that_does_not_stop_keeps_the_old_configuration(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        world.things.next("n1", "stop", "app", *[lambda: failed(NOT_HERE.said(resource="app", node="n1"))] * 3)
        (*_, last) = await apply(
            served, text=text(thing(params={"colour": "blue"}, recovery={"stop_final_action": "none"}))
        )
        assert last["accepted"] is False
        assert world.running["n2"].state.cluster.version == 1

    serve(tmp_path, story)


def test_a_change_that_was_made_from_another_version_is_refused(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        assert (await apply(served, text=text(agent_return_ms=7_000)))[-1]["accepted"] is True
        (*_, last) = await apply(served, base=1, text=text(agent_return_ms=8_000))
        assert (last["accepted"], last["said"]["code"]) == (False, OUTDATED.code)

    serve(tmp_path, story)


def test_nodes_and_times_are_taken_over_by_the_transport(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        items = await apply(served, text=text(nodes=3, detect_within_ms=600))
        assert items[-1]["accepted"] is True
        for running in world.running.values():
            await served.until(lambda running=running: running.transport.asked == ["start", "reload 2"], "reloaded")  # type: ignore[misc]
        assert [each.name for each in world.running["n2"].state.cluster.nodes] == ["n1", "n2", "n3"]
        assert world.running["n1"].daemon.parts.pulse.interval_ms == 250
        assert served.world.things.on("app") == ["n1"]

    serve(tmp_path, story)


def test_a_change_that_nobody_takes_up_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(served: Served) -> None:
        monkeypatch.setattr(change, "COMMAND_TIMEOUT_MS", 300)
        one = served.world.running["n1"].daemon
        monkeypatch.setattr(one.loop, "propose", lambda event: None)
        monkeypatch.setattr(one.parts.requests, "_propose", lambda event: None)
        (*_, last) = await apply(served, text=text(agent_return_ms=7_000))
        assert (last["accepted"], last["said"]["code"]) == (False, change.NOT_GIVEN.code)

    serve(tmp_path, story)


def test_a_member_that_dies_meanwhile_ends_the_attempt(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        world = served.world
        versions = world.versions["n2"]
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()
        stage = versions.stage

        def slowly(*args: Any) -> Any:
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(20)
            return stage(*args)

        versions.stage = slowly  # type: ignore[method-assign,assignment]
        asked = asyncio.ensure_future(apply(served, text=text(agent_return_ms=7_000)))
        await served.until(lambda: world.running["n1"].state.change is not None, "asked")
        await served.until(lambda: world.running["n1"].state.change.agreed == ("n1",), "n1 agreed")  # type: ignore[union-attr]
        world.wire.power_off(2)
        last = (await asked)[-1]
        gate.set()
        assert (last["accepted"], last["said"]["code"]) == (False, ABANDONED.code)
        assert "came or went" in last["said"]["en"]

    serve(tmp_path, story)
