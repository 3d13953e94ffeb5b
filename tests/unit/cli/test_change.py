"""`komainu config apply` and its kin, from the command line to a real daemon."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.adapters.files.authkey import AuthKey
from komainu.adapters.files.configuration import ConfigurationStore
from komainu.adapters.files.kept import Committing
from komainu.api.offline import Offline
from komainu.cli import change
from komainu.model.provenance import Version
from tests.doubles.daemons import Things
from tests.doubles.served import Said, Served, komainu, serve
from tests.unit.api.test_change import text, thing

pytestmark = pytest.mark.sockets


async def config(served: Served, folder: Path, *words: str) -> Said:
    """`komainu config ...`, with the files of a machine that knows things."""

    def offline() -> Offline:
        store = Committing(ConfigurationStore(folder / "var"))
        return Offline({"thing": Things().type()}, store, AuthKey(folder / "key"), bytes)

    return await asyncio.to_thread(komainu, "config", *words, socket=served.socket, offline=offline)


def test_nothing_is_done_before_the_first_node_agrees() -> None:
    assert change.look([], ["n1", "n2"]).en.endswith("write it down: waiting for n1, n2.")
    assert change.look(["n1"], ["n2"]).en.endswith("write it down: n1 done, waiting for n2.")


def test_a_change_from_its_meaning_to_its_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "mika")
    file = tmp_path / "cluster.yaml"

    async def story(served: Served) -> None:
        file.write_text(text(thing(params={"colour": "blue"}), agent_return_ms=7_000))
        dry = await config(served, tmp_path, "apply", str(file), "--dry-run")
        assert dry.code == 0
        assert "~ agent_return_ms: 10000 -> 7000" in dry.out
        assert 'groups/web/resources/app/params/colour: "blue"' in dry.out
        assert "web/app" in dry.out
        assert "Nothing is changed: this would happen." in dry.out
        assert served.world.running["n1"].state.cluster.version == 1

        nobody = await config(served, tmp_path, "apply", str(file))
        assert nobody.code == 1
        assert "version 2" in nobody.err
        assert served.world.running["n1"].state.cluster.version == 1

        done = await config(served, tmp_path, "apply", str(file), "--yes", "--why", "more patience")
        assert done.code == 0
        assert done.out.endswith("Configuration version 2 is in force (mika: more patience).\n")
        assert served.world.things.on("app") == ["n1"]

        same = await config(served, tmp_path, "apply", str(file))
        assert (same.code, same.out) == (0, change.SAME.said(version=2).en + "\n")

        back = await config(served, tmp_path, "rollback", "1", "--yes", "--json")
        answer = json.loads(back.out)
        assert (back.code, answer["result"]["accepted"], answer["plan"]["version"]) == (0, True, 3)
        assert served.world.running["n2"].state.cluster.agent_return_ms == 10_000

        told = await config(served, tmp_path, "history")
        lines = told.out.splitlines()
        assert "mika@n1  more patience" in told.out
        assert [line[:6] for line in lines if not line.startswith("      ")] == ["    1 ", "    2 ", "*   3 "]
        assert "      ~ agent_return_ms: 10000 -> 7000" in lines
        differs = await config(served, tmp_path, "diff", "1", "2")
        assert "~ agent_return_ms: 10000 -> 7000" in differs.out
        assert (
            await config(served, tmp_path, "diff", "1", "3")
        ).out.strip() == "Version 1 and version 3 do not differ."

        shown = await config(served, tmp_path, "show")
        assert json.loads(shown.out)["version"] == 3
        second = await config(served, tmp_path, "show", "2", "--yaml")
        assert second.out == file.read_text()
        assert json.loads((await config(served, tmp_path, "show", "2")).out)["agent_return_ms"] == 7_000
        missing = await config(served, tmp_path, "show", "9")
        assert (missing.code, missing.out) == (1, "")

    serve(tmp_path, story)


def test_a_bad_file_is_refused_whole_before_anybody_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"

    async def story(served: Served) -> None:
        file.write_text(text(thing(type="thong"), thing("b", params={"colour": 7}), nodes=2))
        done = await config(served, tmp_path, "apply", str(file), "--yes")
        assert done.code == 1
        assert done.err.count(": error:") == 2
        assert "groups[0].resources[0].type" in done.err
        assert served.world.versions["n1"].staged is None

    serve(tmp_path, story)


def test_a_refusal_of_the_nodes_is_said_with_all_of_its_reasons(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"

    async def story(served: Served) -> None:
        for name in ("n1", "n2"):
            served.world.machines[name].lacking = ["/opt/before"]
        file.write_text(text(thing(scripts={"before_start": "/opt/before"})))
        done = await config(served, tmp_path, "apply", str(file), "--yes")
        assert done.code == 1
        assert "Configuration version 2 was not applied, the old one stays in force" in done.err
        assert all(f"Node {name}: /opt/before" in done.err for name in ("n1", "n2"))
        japanese = await config(served, tmp_path, "apply", str(file), "--yes", "--lang", "ja")
        assert "は適用されず、以前の版が有効なままです" in japanese.err

    serve(tmp_path, story)


def test_what_this_node_only_took_over_has_no_file(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        served.world.versions["n1"].save(served.world.cluster.model_copy(update={"version": 4}))
        done = await config(served, tmp_path, "show", "4", "--yaml")
        assert (done.code, done.out) == (1, "")
        assert done.err.strip() == change.NO_TEXT.said(version=4).en

    serve(tmp_path, story)


def test_what_is_left_to_do_on_nodes_that_come_or_go_is_said(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"

    async def story(served: Served) -> None:
        file.write_text(text(nodes=3))
        added = await config(served, tmp_path, "apply", str(file), "--yes")
        assert added.code == 0
        assert change.NODE_ADDED.said(node="n3").en in added.out
        file.write_text(text())
        removed = await config(served, tmp_path, "apply", str(file), "--yes")
        assert removed.code == 0
        assert change.NODE_REMOVED.said(node="n3").en in removed.out

    serve(tmp_path, story)


def test_a_file_that_speaks_of_versions_is_still_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"

    async def story(served: Served) -> None:
        file.write_text("# Version of the winter\n" + text(agent_return_ms=7_000))
        assert (await config(served, tmp_path, "apply", str(file), "--yes")).code == 0
        assert (await config(served, tmp_path, "show", "--yaml")).out == file.read_text()
        served.world.versions["n1"].save(served.world.cluster.model_copy(update={"version": 4}))
        note = "# Version 4 was taken over from another node; the file it was made from is there.\n"
        kept = served.world.versions["n1"].held[-1]
        served.world.versions["n1"].held[-1] = Version(kept.cluster, kept.provenance, note)
        assert (await config(served, tmp_path, "show", "4", "--yaml")).code == 1

    serve(tmp_path, story)
