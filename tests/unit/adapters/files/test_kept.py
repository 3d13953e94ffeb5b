"""What the daemon keeps: the store's refusals become answers, and a renewed node keeps what it had aside."""

from pathlib import Path

import pytest

from komainu.adapters.files import configuration
from komainu.adapters.files.configuration import ConfigurationStore, StoreError
from komainu.adapters.files.kept import Committing, Kept
from komainu.model.facts import Noted
from tests.doubles.daemons import cluster

TEXT = b"# text\n"


@pytest.fixture
def store(tmp_path: Path) -> ConfigurationStore:
    store = ConfigurationStore(tmp_path / "var")
    store.init(cluster(), TEXT, "n1")
    return store


def test_epochs_and_newer_configurations_are_kept(store: ConfigurationStore) -> None:
    kept = Kept(store)
    newer = cluster(version=2)

    assert kept.save_epoch(5) is None
    assert kept.save(newer) is None
    assert (store.epoch(), store.load()) == (5, newer)
    assert b"Version 2 was taken over" in store.text()


def test_the_maintenance_switch_is_kept_or_it_is_answered_why_not(store: ConfigurationStore) -> None:
    kept = Kept(store)

    assert kept.save_maintenance(on=True) is None
    assert store.maintenance()
    assert kept.save_maintenance(on=False) is None
    (store.root / ".maintenance.new").mkdir()
    unwritten = kept.save_maintenance(on=True)
    assert unwritten is not None
    assert unwritten.code == configuration.NOT_WRITTEN.code


def test_why_something_was_not_kept_is_answered(store: ConfigurationStore) -> None:
    kept = Kept(store)
    kept.save_epoch(5)
    older = kept.save_epoch(4)
    (store.folder / ".current.new").mkdir()  # nothing can be written there
    unwritten = kept.save(cluster(version=2))

    assert older is not None
    assert older.code == configuration.EPOCH_BACK.code
    assert unwritten is not None
    assert unwritten.code == configuration.NOT_WRITTEN.code
    assert store.version() == 1


def test_the_version_that_the_cluster_goes_on_with_is_kept_even_when_it_is_older(store: ConfigurationStore) -> None:
    kept = Kept(store)
    kept.save(cluster(version=3))
    other = cluster(version=2, language="ja")

    assert kept.save(other) is None
    assert store.load() == other


def test_what_holds_is_told_or_why_there_is_nothing(store: ConfigurationStore, tmp_path: Path) -> None:
    assert Committing(store).in_force() == store.load()
    with pytest.raises(StoreError, match="init"):
        Committing(ConfigurationStore(tmp_path / "empty")).in_force()


def test_the_next_version_is_that_of_the_same_cluster(store: ConfigurationStore, tmp_path: Path) -> None:
    assert Committing(store).next_version("test") == 2
    assert Committing(store).next_version("other") == 1
    assert Committing(ConfigurationStore(tmp_path / "empty")).next_version("test") == 1


def test_a_damaged_store_is_moved_aside_by_renewal(store: ConfigurationStore) -> None:
    (store.folder / "cluster-1.json").write_text("{")
    committing = Committing(store)
    with pytest.raises(StoreError):
        committing.init(cluster(), TEXT, "n1")
    assert committing.next_version("test") == 1
    committing.renew(cluster(), TEXT, "n1")
    committing.renew(cluster(), TEXT, "n2")

    assert store.node() == "n2"
    aside = sorted(path.name for path in store.root.iterdir() if path.name.startswith("config."))
    assert aside == ["config.before-1", "config.before-2"]


def marked(store: ConfigurationStore) -> None:
    store.save_suspended(Noted.IN_FORCE)
    store.save_undecided(True)
    store.save_maintenance(True)
    store.save_vote_epoch(7)


def test_marks_of_another_cluster_do_not_bind_the_new_one(store: ConfigurationStore) -> None:
    marked(store)
    Committing(store).renew(cluster(name="other"), TEXT, "n1")

    assert store.suspended() is Noted.NOT
    assert (store.undecided(), store.maintenance(), store.vote_epoch()) == (False, False, 0)
    assert (store.root / "config.before-1" / "suspended").exists()


@pytest.mark.parametrize("damaged", [False, True])
def test_marks_of_the_same_cluster_or_of_one_nobody_can_read_still_bind(
    store: ConfigurationStore, damaged: bool
) -> None:
    marked(store)
    if damaged:
        (store.folder / "cluster-1.json").write_text("{")
    Committing(store).renew(cluster(), TEXT, "n2")

    assert store.suspended() is Noted.IN_FORCE
    assert (store.undecided(), store.maintenance(), store.vote_epoch()) == (True, True, 7)


def test_renewal_of_a_node_that_belongs_to_none_is_its_first_day(tmp_path: Path) -> None:
    store = ConfigurationStore(tmp_path / "var")
    Committing(store).renew(cluster(), TEXT, "n1")

    assert store.node() == "n1"


def test_what_cannot_be_moved_aside_is_said(store: ConfigurationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError) as error:
        Committing(store).renew(cluster(), TEXT, "n2")
    assert "not permitted" in error.value.said.en
