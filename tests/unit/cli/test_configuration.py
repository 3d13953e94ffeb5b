"""`komainu config` and `komainu init`."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.adapters.files.authkey import AuthKey
from komainu.adapters.files.configuration import ConfigurationStore
from komainu.adapters.files.kept import Committing
from komainu.api.offline import Offline
from tests.doubles.daemons import Things
from tests.doubles.served import Said, Served, komainu, serve

FILE = """
cluster: {name: test, environment: onprem, arbitration: operator}
nodes:
  - {name: n1, links: [10.0.0.1]}
groups:
  - name: web
    resources:
      - {name: app, type: thing}
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "cluster.yaml"
        self.file.write_text(FILE)
        self.store = ConfigurationStore(folder / "var")
        key = AuthKey(folder / "etc" / "authkey")
        types = {"thing": Things().type()}
        self.offline = Offline(types, Committing(self.store), key, lambda: b"k" * 256)

    def komainu(self, *words: str) -> Said:
        return komainu(*words, socket=self.folder / "nobody", offline=lambda: self.offline)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_good_file(world: World) -> None:
    told = world.komainu("config", "check", str(world.file))

    assert told.code == 0
    assert told.out.strip() == f"{world.file}: cluster test can be used."


def test_every_error_with_place_path_and_code(world: World) -> None:
    world.file.write_text(FILE.replace("links", "linkz").replace("name: app", "nam: app"))
    told = world.komainu("config", "check", str(world.file))
    programs = world.komainu("config", "check", str(world.file), "--json")
    japanese = world.komainu("config", "check", str(world.file), "--lang", "ja")

    assert told.code == programs.code == 1
    assert f"{world.file}:4:" in told.err
    assert "error: nodes[0]" in told.err
    assert "links" in told.err
    assert "エラー" in japanese.err
    answer = json.loads(programs.out)
    assert answer["cluster"] is None
    assert len(answer["problems"]) == len(told.err.splitlines())


def test_a_file_that_is_not_there(world: World) -> None:
    told = world.komainu("config", "check", str(world.folder / "nothing.yaml"))

    assert told.code == 1
    assert "cannot be read" in told.err


def test_the_schema_is_json(world: World) -> None:
    assert "$defs" in json.loads(world.komainu("config", "schema").out)


@pytest.mark.sockets
def test_init_says_what_comes_next(world: World) -> None:
    told = world.komainu("init", str(world.file), "--node", "n1")
    again = world.komainu("init", str(world.file), "--node", "n1")

    assert told.code == again.code == 0
    assert "node n1 of cluster test (configuration 1)" in told.out
    assert "scp -p /etc/komainu/authkey" in told.out
    assert "systemctl enable --now komainud" in told.out
    assert "scp" not in again.out
    assert world.store.node() == "n1"


@pytest.mark.sockets
def test_init_refuses_in_one_sentence_and_takes_another_cluster_by_force(world: World) -> None:
    world.komainu("init", str(world.file), "--node", "n1")
    world.file.write_text(FILE.replace("name: test", "name: other"))
    refused = world.komainu("init", str(world.file), "--node", "n1")
    stranger = world.komainu("init", str(world.file), "--node", "n7", "--force")
    forced = world.komainu("init", str(world.file), "--node", "n1", "--force")

    assert (refused.code, stranger.code, forced.code) == (1, 1, 0)
    assert "belongs to the cluster test already" in refused.err
    assert "no node n7" in stranger.err
    assert world.store.load().name == "other"


def test_init_with_errors_changes_nothing(world: World) -> None:
    world.file.write_text("cluster:")
    told = world.komainu("init", str(world.file), "--node", "n1")

    assert told.code == 1
    assert not world.store.initialised()


@pytest.mark.sockets
def test_the_host_name_is_the_node_when_none_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "n1.example.com")

    assert world.komainu("init", str(world.file)).code == 0
    assert world.store.node() == "n1"


@pytest.mark.sockets
def test_show_is_what_holds(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        told = await served.komainu("config", "show")
        assert json.loads(told.out) == served.world.cluster.model_dump(mode="json")

    serve(tmp_path, story)


@pytest.mark.sockets
def test_init_beside_a_daemon_says_that_it_needs_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def story(served: Served) -> None:
        told = await asyncio.to_thread(
            komainu, "init", str(world.file), "--node", "n1", socket=served.socket, offline=lambda: world.offline
        )
        assert "when it is restarted" in told.out
        await served.komainu("status")  # by now the server has taken leave of the one before

    serve(tmp_path / "served", story)
