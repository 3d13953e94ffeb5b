"""What needs no daemon: a file is checked, and a machine becomes a node."""

from pathlib import Path

import pytest

from komainu.adapters.files.authkey import AuthKey, KeyTrouble
from komainu.adapters.files.configuration import ConfigurationStore, StoreError
from komainu.adapters.files.kept import Committing
from komainu.api.offline import Offline, OfflineTrouble
from komainu.model.witness import WitnessSettings
from tests.doubles.daemons import Things

FILE = """
cluster: {name: test, environment: onprem, arbitration: none}
nodes:
  - {name: n1, links: [10.0.0.1]}
  - {name: n2, links: [10.0.0.2]}
groups:
  - name: web
    resources:
      - {name: app, type: thing}
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.store = ConfigurationStore(folder / "var")
        self.key = AuthKey(folder / "etc" / "authkey")
        self.keys = 0
        types = {"thing": Things().type()}
        self.offline = Offline(types, Committing(self.store), self.key, self.new_key)
        self.file = folder / "cluster.yaml"
        self.file.write_text(FILE)

    def new_key(self) -> bytes:
        self.keys += 1
        return bytes([self.keys]) * 256


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_good_file_is_named_with_its_warnings(world: World) -> None:
    answer = world.offline.check(world.file)

    assert answer["cluster"] == "test"
    assert {problem["level"] for problem in answer["problems"]} == {"warning"}


def test_every_error_has_its_place(world: World) -> None:
    world.file.write_text(FILE.replace("10.0.0.2", "10.0.0.1").replace("type: thing", "type: thin"))
    answer = world.offline.check(world.file)

    assert answer["cluster"] is None
    errors = [problem for problem in answer["problems"] if problem["level"] == "error"]
    assert {problem["line"] for problem in errors} == {5, 9}
    assert all(problem["en"] and problem["ja"] and problem["path"] for problem in errors)


def test_a_file_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(OfflineTrouble) as trouble:
        world.offline.check(Path("/nonexistent/cluster.yaml"))
    assert "/nonexistent/cluster.yaml" in trouble.value.said.en


def test_a_file_of_ten_megabytes_is_refused_and_not_read_whole(world: World) -> None:
    world.file.write_bytes(b"#" * 10_000_000)

    assert world.offline.check(world.file)["cluster"] is None


def test_the_schema_names_the_types(world: World) -> None:
    assert "thing.params" in world.offline.schema()["$defs"]


def test_the_first_node_gets_a_new_key_and_the_second_takes_it(world: World, tmp_path: Path) -> None:
    answer = world.offline.init(world.file, "n1", None, force=False)
    assert (answer["cluster"], answer["version"], answer["new_key"]) == ("test", 1, True)
    assert (world.store.node(), world.store.load().name) == ("n1", "test")
    assert world.key.path.stat().st_mode & 0o777 == 0o400

    (tmp_path / "second").mkdir()
    other = World(tmp_path / "second")
    answer = other.offline.init(other.file, "n2", world.key.path, force=False)
    assert not answer["new_key"]
    assert other.key.read() == world.key.read()


def test_the_same_again_changes_nothing(world: World) -> None:
    world.offline.init(world.file, "n1", None, force=False)
    key = world.key.read()
    answer = world.offline.init(world.file, "n1", world.key.path, force=False)

    assert answer["version"] == 1
    assert not answer["new_key"]
    assert world.key.read() == key


def test_a_node_of_a_cluster_is_not_taken_into_another_one(world: World, tmp_path: Path) -> None:
    world.offline.init(world.file, "n1", None, force=False)
    key, before = world.key.read(), world.store.load()
    world.file.write_text(FILE.replace("name: test", "name: other"))
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"k" * 256)

    with pytest.raises(StoreError):
        world.offline.init(world.file, "n1", foreign, force=False)
    assert world.store.load() == before
    assert world.key.read() == key


def test_force_makes_the_next_version_of_the_same_cluster(world: World) -> None:
    world.offline.init(world.file, "n1", None, force=False)
    world.store.save_epoch(9)
    world.file.write_text(FILE.replace("10.0.0.2", "10.0.0.3"))
    answer = world.offline.init(world.file, "n1", None, force=True)

    assert answer["version"] == 2
    assert world.store.load().nodes[1].links == ("10.0.0.3",)
    assert world.store.epoch() == 9


def test_force_moves_another_cluster_aside(world: World) -> None:
    world.offline.init(world.file, "n1", None, force=False)
    world.file.write_text(FILE.replace("name: test", "name: other"))
    answer = world.offline.init(world.file, "n2", None, force=True)

    assert (answer["cluster"], answer["version"]) == ("other", 1)
    assert world.store.node() == "n2"
    assert (world.store.root / "config.before-1" / "current").exists()


def test_a_file_with_errors_changes_nothing(world: World) -> None:
    world.file.write_text("cluster: [")
    answer = world.offline.init(world.file, "n1", None, force=True)

    assert answer["cluster"] is None
    assert not world.store.initialised()
    assert not world.key.exists()


def test_a_key_that_is_none_changes_nothing(world: World, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"x" * 10)
    with pytest.raises(KeyTrouble):
        world.offline.init(world.file, "n1", short, force=False)
    with pytest.raises(KeyTrouble):
        world.offline.init(world.file, "n1", tmp_path / "missing", force=False)

    assert not world.store.initialised()


def test_a_machine_without_a_witness_says_so(world: World) -> None:
    with pytest.raises(NotImplementedError, match="no witness"):
        world.offline.witness(WitnessSettings("192.0.2.1", 1, "s", "c", "k", "t"), lambda said: None)
