"""The configuration in force survives what disks and people do to it, or is refused by name."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from komainu.adapters.files import configuration as store, durable
from komainu.adapters.files.configuration import ConfigurationStore, StoreError
from komainu.model.config import Arbitration, Cluster, Group, Node, Resource
from komainu.model.message import Message
from komainu.model.provenance import Provenance

TEXT = "# as the administrator wrote it: 狛犬\n".encode()


def cluster(version: int = 1, name: str = "sample") -> Cluster:
    resource = Resource(
        name="move1",
        type="move",
        exclusive=False,
        params={"address": "10.1.0.20", "list": ["a", 1, True, None], "section": {"k": 0.5}},
        per_node={"node1": {"port": "p1"}},
        start_timeout_ms=1,
        stop_timeout_ms=2,
        check_interval_ms=100,
        check_timeout_ms=3,
        prepare_interval_ms=100,
    )
    return Cluster(
        name=name,
        version=version,
        environment="aws",
        detect_within_ms=5_000,
        arbitration=Arbitration(kind="none"),
        nodes=(Node(name="node1", id=1, links=("10.0.0.1",)), Node(name="node2", id=2, links=("10.0.0.2",))),
        groups=(Group(name="g", nodes=("node1", "node2"), resources=(resource,)),),
    )


@pytest.fixture
def empty(tmp_path: Path) -> ConfigurationStore:
    return ConfigurationStore(tmp_path / "komainu")


@pytest.fixture
def full(empty: ConfigurationStore) -> ConfigurationStore:
    empty.init(cluster(), TEXT, "node1")
    return empty


def refused(message: Message, call: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as caught:
        call()
    assert caught.value.said.code == message.code, caught.value.said.en
    return caught.value.said.en


def test_what_was_put_in_force_comes_back_equal(full: ConfigurationStore) -> None:
    again = ConfigurationStore(full.root)
    assert again.initialised()
    assert again.load() == cluster()
    assert again.text() == TEXT
    assert (again.node(), again.version(), again.versions(), again.epoch()) == ("node1", 1, (1,), 0)


def test_what_has_its_default_is_not_written(full: ConfigurationStore) -> None:
    """A node that goes back to an older release finds nothing there that it does not know (ADR 0010)."""
    written = json.loads((full.folder / "cluster-1.json").read_text(encoding="utf-8"))["cluster"]
    assert not {"exclusions", "monitors", "notifications", "startup_sync_wait_ms"} & written.keys()


def test_only_root_may_look(full: ConfigurationStore) -> None:
    files = [path for path in full.root.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["cluster-1.json", "cluster-1.yaml", "current", "epoch", "node"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (full.root, full.folder)} == {0o700}


def test_equal_configurations_are_equal_files(full: ConfigurationStore, tmp_path: Path) -> None:
    other = ConfigurationStore(tmp_path / "other")
    other.init(cluster(), TEXT, "node1")
    for each in (full, other):
        each.stage(cluster(2), TEXT, Provenance("2026-01-01T00:00:00Z", "root", "a test"))
    assert (other.folder / "cluster-2.json").read_bytes() == (full.folder / "cluster-2.json").read_bytes()


def test_a_new_version_holds_and_the_old_one_stays(full: ConfigurationStore) -> None:
    full.commit(cluster(2, "renamed"), b"two")
    assert (full.version(), full.versions()) == (2, (1, 2))
    assert (full.load().name, full.load(1).name) == ("renamed", "sample")
    assert (full.text(), full.text(1)) == (b"two", TEXT)


def test_an_old_or_equal_version_is_refused(full: ConfigurationStore) -> None:
    full.commit(cluster(3), b"")
    for version in (1, 2, 3):
        refused(store.NOT_NEWER, lambda number=version: full.commit(cluster(number, "x"), b""))
    assert full.load().name == "sample"


def test_a_version_that_never_was_is_refused_with_those_that_were(full: ConfigurationStore) -> None:
    full.commit(cluster(3), b"")
    assert "1, 3" in refused(store.NO_SUCH_VERSION, lambda: full.load(2))


def test_nothing_can_be_asked_before_init(empty: ConfigurationStore) -> None:
    assert not empty.initialised()
    for call in (empty.load, empty.text, empty.version, empty.versions, empty.node, empty.epoch):
        refused(store.NOT_INITIALISED, call)
    refused(store.NOT_INITIALISED, lambda: empty.commit(cluster(), b""))
    refused(store.NOT_INITIALISED, lambda: empty.save_epoch(1))
    assert not empty.root.exists()


def test_init_is_repeated_without_effect_and_refused_with_other_values(full: ConfigurationStore) -> None:
    full.save_epoch(4)
    full.init(cluster(), TEXT, "node1")
    assert full.epoch() == 4
    refused(store.ALREADY, lambda: full.init(cluster(), TEXT, "node2"))
    assert "sample" in refused(store.ALREADY, lambda: full.init(cluster(name="other"), TEXT, "node1"))
    assert (full.load(), full.node()) == (cluster(), "node1")


def test_a_machine_must_be_a_node_of_the_cluster(empty: ConfigurationStore) -> None:
    assert "node1, node2" in refused(store.NOT_A_NODE, lambda: empty.init(cluster(), TEXT, "node3"))
    assert not empty.root.exists()


@pytest.mark.parametrize("name", ["node", "epoch", "cluster-1.yaml", "cluster-1.json", "current"])
def test_a_power_loss_at_any_step_of_init_leaves_a_node_that_can_be_initialised(
    empty: ConfigurationStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = durable.replace

    def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
        if path.name == name:
            raise OSError(5, "Input/output error")
        whole(path, content, mode)

    monkeypatch.setattr(durable, "replace", cut)
    assert name in refused(store.NOT_WRITTEN, lambda: empty.init(cluster(), TEXT, "node1"))
    assert not empty.initialised()
    monkeypatch.undo()
    empty.init(cluster(), TEXT, "node1")
    assert empty.load() == cluster()


@pytest.mark.parametrize("name", ["cluster-2.yaml", "cluster-2.json", "current"])
def test_a_power_loss_at_any_step_of_a_commit_leaves_the_version_before(
    full: ConfigurationStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = durable.replace

    def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
        if path.name == name:
            raise OSError(28, "No space left on device")
        whole(path, content, mode)

    monkeypatch.setattr(durable, "replace", cut)
    assert "No space left" in refused(store.NOT_WRITTEN, lambda: full.commit(cluster(2, "two"), b"two"))
    assert (full.load(), full.versions()) == (cluster(), (1,))
    monkeypatch.undo()
    full.commit(cluster(2, "again"), b"again")
    assert full.load().name == "again"


def damage_byte(raw: bytes) -> bytes:
    return raw.replace(b"10.1.0.20", b"10.1.0.21")


def envelope(**changes: object) -> Callable[[bytes], bytes]:
    return lambda raw: json.dumps({**json.loads(raw), **changes}).encode()


@pytest.mark.parametrize(
    ("damage", "message", "part"),
    [
        (damage_byte, store.DAMAGED, "checksum"),
        (lambda raw: raw[: len(raw) // 2], store.DAMAGED, "JSONDecodeError"),
        (lambda raw: b"", store.DAMAGED, "JSONDecodeError"),
        (lambda raw: b"\0" * len(raw), store.DAMAGED, "cluster-1.json"),
        (lambda raw: b"\xff\xfe", store.DAMAGED, "cluster-1.json"),
        (lambda raw: b"[]", store.DAMAGED, "TypeError"),
        (lambda raw: b"{}", store.DAMAGED, "KeyError"),
        (lambda raw: b"[" * 100_000, store.DAMAGED, "RecursionError"),
        (lambda raw: b" " * 16_777_217, store.DAMAGED, "larger"),
        (envelope(format=2), store.TOO_NEW, "format 2"),
        (envelope(cluster={}, sha256=store._checksum({})), store.DAMAGED, "values are not possible"),
        (lambda raw: None, store.MISSING, "cluster-1.json"),
    ],
)
def test_a_damaged_configuration_is_named_and_not_used(
    full: ConfigurationStore, damage: Callable[[bytes], bytes | None], message: Message, part: str
) -> None:
    path = full.folder / "cluster-1.json"
    changed = damage(path.read_bytes())
    if changed is None:
        path.unlink()
    else:
        path.write_bytes(changed)
    said = refused(message, full.load)
    assert part in said
    assert str(path) in said


def test_a_version_under_the_name_of_another_is_damage(full: ConfigurationStore) -> None:
    full.commit(cluster(2), b"")
    (full.folder / "cluster-2.json").write_bytes((full.folder / "cluster-1.json").read_bytes())
    assert "version 1" in refused(store.DAMAGED, full.load)


@pytest.mark.parametrize(
    "content", [b"", b"x\n", b"0\n", b"01\n", b"-1\n", b"1", b"9" * 30 + b"\n", b"1\n1\n", "１\n".encode()]
)
def test_a_damaged_pointer_is_named(full: ConfigurationStore, content: bytes) -> None:
    (full.folder / "current").write_bytes(content)
    assert "current" in refused(store.DAMAGED, full.load)


def test_a_pointer_to_a_version_that_is_gone_is_named(full: ConfigurationStore) -> None:
    (full.folder / "current").write_bytes(b"7\n")
    assert "cluster-7.json" in refused(store.MISSING, full.load)


@pytest.mark.parametrize("content", [b"", b"node3\n", b"\xff\n"])
def test_a_damaged_name_of_the_node_is_refused(full: ConfigurationStore, content: bytes) -> None:
    (full.root / "node").write_bytes(content)
    refused(store.DAMAGED, full.node)


@pytest.mark.parametrize("name", ["node", "epoch"])
def test_a_missing_identity_or_epoch_is_not_made_up(full: ConfigurationStore, name: str) -> None:
    (full.root / name).unlink()
    said = refused(store.MISSING, full.node if name == "node" else full.epoch)
    assert str(full.root / name) in said


def test_an_epoch_only_grows(full: ConfigurationStore) -> None:
    full.save_epoch(5)
    full.save_epoch(5)
    refused(store.EPOCH_BACK, lambda: full.save_epoch(4))
    assert ConfigurationStore(full.root).epoch() == 5


def test_the_maintenance_switch_survives_a_restart_of_the_node(full: ConfigurationStore) -> None:
    assert not full.maintenance()
    full.save_maintenance(on=True)
    full.save_maintenance(on=True)
    assert ConfigurationStore(full.root).maintenance()
    full.save_maintenance(on=False)
    full.save_maintenance(on=False)
    assert not ConfigurationStore(full.root).maintenance()
    (full.root / "maintenance").mkdir()  # nothing can be written there, and it cannot be removed
    refused(store.NOT_WRITTEN, lambda: full.save_maintenance(on=True))
    refused(store.NOT_WRITTEN, lambda: full.save_maintenance(on=False))


def test_a_node_that_belongs_to_no_cluster_has_no_switch(tmp_path: Path) -> None:
    refused(store.NOT_INITIALISED, ConfigurationStore(tmp_path / "empty").maintenance)


def test_a_second_writer_is_turned_away(full: ConfigurationStore) -> None:
    other = os.open(full.folder, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused(store.BUSY, lambda: full.commit(cluster(2), b""))
    finally:
        os.close(other)
    full.commit(cluster(2), b"")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blocked = ConfigurationStore(tmp_path / "file" / "komainu")
    refused(store.NOT_WRITTEN, lambda: blocked.init(cluster(), TEXT, "node1"))


def test_what_cannot_be_read_is_not_taken_for_missing(full: ConfigurationStore) -> None:
    (full.folder / "cluster-1.json").unlink()
    (full.folder / "cluster-1.json").mkdir()
    assert "Is a directory" in refused(store.NOT_READ, full.load)


def test_every_message_says_something_in_both_languages() -> None:
    assert len({message.code for message in store.MESSAGES}) == len(store.MESSAGES)
    assert all(message.level == "error" and message.en != message.ja for message in store.MESSAGES)
