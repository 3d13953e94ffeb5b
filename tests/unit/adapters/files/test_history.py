"""The versions on a node: one is staged without touching the one that holds, and holds after one small write."""

from pathlib import Path

import pytest

from komainu.adapters.files import configuration
from komainu.adapters.files.configuration import MOST_VERSIONS, ConfigurationStore, StoreError
from komainu.adapters.files.history import History
from komainu.adapters.files.kept import Kept
from komainu.model.message import Said
from komainu.model.provenance import Version
from tests.doubles.daemons import cluster


@pytest.fixture
def store(tmp_path: Path) -> ConfigurationStore:
    store = ConfigurationStore(tmp_path / "var")
    store.init(cluster(), b"# one\n", "n1")
    return store


def versions(store: ConfigurationStore) -> list[int]:
    return [each.cluster.version for each in History(store).all() if isinstance(each, Version)]


def test_what_is_staged_does_not_hold(store: ConfigurationStore) -> None:
    assert History(store).stage(cluster(version=2), "# two\n", "mika", "a try", "n1") is None

    assert ConfigurationStore(store.root).load() == cluster()
    assert versions(store) == [1]
    with pytest.raises(StoreError) as refused:
        History(store).get(2)
    assert refused.value.said.code == configuration.NO_SUCH_VERSION.code


def test_what_was_staged_comes_into_force_with_its_text_and_story(store: ConfigurationStore) -> None:
    history, second = History(store), cluster(version=2, language="ja")
    history.stage(second, "# two\n", "mika", "Japanese, please", "n2")
    assert Kept(store).save(second) is None

    again = History(ConfigurationStore(store.root))
    assert versions(store) == [1, 2]
    version = again.get(2)
    assert (version.cluster, version.text) == (second, "# two\n")
    assert (version.provenance.who, version.provenance.why, version.provenance.origin) == (
        "mika",
        "Japanese, please",
        "n2",
    )
    assert again.get(1).text == "# one\n"


def test_another_version_than_the_staged_one_comes_into_force_whole(store: ConfigurationStore) -> None:
    History(store).stage(cluster(version=2, language="ja"), "# two\n", "mika", "", "n2")
    other = cluster(version=2, language="en", agent_return_ms=5_000)
    assert Kept(store).save(other) is None

    version = History(store).get(2)
    assert version.cluster == other
    assert "taken over" in version.text
    assert version.provenance.who == ""


def test_a_second_attempt_replaces_what_was_staged(store: ConfigurationStore) -> None:
    history = History(store)
    history.stage(cluster(version=2, language="ja"), "# two\n", "mika", "", "n2")
    assert history.stage(cluster(version=2), "# again\n", "ken", "", "n1") is None
    Kept(store).save(cluster(version=2))

    assert history.get(2).text == "# again\n"


def test_a_version_that_holds_is_never_staged_over(store: ConfigurationStore) -> None:
    refused = History(store).stage(cluster(language="ja"), "", "mika", "", "n1")

    assert refused is not None
    assert refused.code == configuration.NOT_NEWER.code
    assert store.load() == cluster()


@pytest.mark.parametrize("stale", ["cluster-2.yaml", "cluster-2.json", "current"])
def test_a_disk_that_takes_nothing_is_an_answer(store: ConfigurationStore, stale: str) -> None:
    (store.folder / f".{stale}.new").mkdir()
    history, second = History(store), cluster(version=2)
    said = history.stage(second, "", "", "", "") or Kept(store).save(second)

    assert said is not None
    assert said.code == configuration.NOT_WRITTEN.code
    assert ConfigurationStore(store.root).load() == cluster()


def test_a_damaged_version_is_one_line_of_the_history_and_hides_no_other(store: ConfigurationStore) -> None:
    for number in (2, 3):
        Kept(store).save(cluster(version=number))
    (store.folder / "cluster-2.json").write_text("{")

    first, second, third = History(store).all()
    assert isinstance(first, Version)
    assert isinstance(third, Version)
    assert isinstance(second, Said)
    assert second.code == configuration.DAMAGED.code


def test_the_history_is_bounded(store: ConfigurationStore) -> None:
    for number in range(2, MOST_VERSIONS + 4):
        Kept(store).save(cluster(version=number))

    assert versions(store) == list(range(4, MOST_VERSIONS + 4))
    assert not (store.folder / "cluster-3.yaml").exists()
