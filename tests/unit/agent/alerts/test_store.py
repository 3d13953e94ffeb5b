"""The database of alerts: what it answers, how it stays within its bounds, and what it survives."""

import sqlite3
from pathlib import Path

import pytest

from komainu.agent.alerts.store import AlertStore, StoreBroken, Wanted
from tests.doubles.alerts import NOON, alert

ALERTS = (
    alert(1, node="n1", level="info", code="KM5303"),
    alert(2, node="n2", level="warning", code="KM5301"),
    alert(3, node="", level="error", code="KM7101"),
    alert(4, node="n1", level="error", code="KM3111"),
)


@pytest.fixture
def store(tmp_path: Path) -> AlertStore:
    return AlertStore(tmp_path / "lib" / "alerts.db")


def numbers(store: AlertStore, wanted: Wanted) -> list[int]:
    return [each.n for each in store.find(wanted)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [1, 2, 3, 4]),
        (Wanted(level="warning"), [2, 3, 4]),
        (Wanted(level="error", last=1), [4]),
        (Wanted(module="agent"), [1, 2]),
        (Wanted(node="n1"), [1, 4]),
        (Wanted(code="KM53"), [1, 2]),
        (Wanted(code="KM5303"), [1]),
        (Wanted(code="%"), []),
        (Wanted(since_ms=NOON + 2, until_ms=NOON + 3), [2, 3]),
        (Wanted(node="n1", level="error", module="aws"), [4]),
        (Wanted(last=0), []),
    ],
)
def test_it_answers_what_is_asked_as_memory_does(store: AlertStore, wanted: Wanted, found: list[int]) -> None:
    store.add(ALERTS)
    assert numbers(store, wanted) == found
    in_memory = [each.n for each in ALERTS if wanted.fits(each)]
    assert (in_memory[-wanted.last :] if wanted.last else []) == found
    store.close()


def test_what_was_added_is_there_for_the_next_daemon(tmp_path: Path, store: AlertStore) -> None:
    store.add(ALERTS)
    store.close()
    again = AlertStore(tmp_path / "lib" / "alerts.db")
    assert again.find(Wanted()) == list(ALERTS)
    again.close()


def test_a_loss_of_power_loses_nothing_that_was_added(tmp_path: Path, store: AlertStore) -> None:
    """The files as they are at some moment are what a machine without power leaves."""
    store.add(ALERTS[:2])
    store.add(ALERTS[2:])
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (tmp_path / "lib").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    after = AlertStore(copy / "alerts.db")
    assert after.find(Wanted()) == list(ALERTS)
    after.close()
    store.close()


def test_a_torn_end_loses_the_last_and_nothing_before(tmp_path: Path, store: AlertStore) -> None:
    store.add(ALERTS[:2])
    store.add(ALERTS[2:])
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (tmp_path / "lib").iterdir():
        data = file.read_bytes()
        (copy / file.name).write_bytes(data[:-100] if file.name.endswith("-wal") else data)
    after = AlertStore(copy / "alerts.db")
    assert after.find(Wanted()) == list(ALERTS[:2])
    after.close()
    store.close()


def test_what_is_known_is_not_new_and_stays_as_it_is(store: AlertStore) -> None:
    assert store.add(ALERTS[:2]) == list(ALERTS[:2])
    assert store.add([alert(2, en="otherwise"), ALERTS[2]]) == [ALERTS[2]]
    assert store.find(Wanted()) == list(ALERTS[:3])
    store.close()


def test_the_oldest_go_when_there_are_too_many_whatever_their_order(tmp_path: Path) -> None:
    store = AlertStore(tmp_path / "alerts.db", most=3)
    store.add([alert(5), alert(4), alert(3)])
    store.add([alert(1), alert(9)])
    assert numbers(store, Wanted()) == [4, 5, 9]
    store.close()


def test_streams_are_told_up_to_their_first_gap(store: AlertStore) -> None:
    store.add([alert(n, "whole") for n in (1, 2, 3)])
    store.add([alert(n, "gap") for n in (4, 5, 7, 8, 11)])
    store.add([alert(9, "one")])
    assert store.streams() == {"whole": (1, 3), "gap": (4, 5), "one": (9, 9)}
    assert [each.n for each in store.part("gap", 5, 8, 10)] == [5, 7, 8]
    assert [each.n for each in store.part("gap", 1, 99, 2)] == [4, 5]
    store.close()


@pytest.mark.parametrize(
    "content", [b"this is no database, and never was one" * 20, b"SQLite format 3\0" + b"\xff" * 4_000]
)
def test_what_is_no_database_is_kept_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "alerts.db"
    path.write_bytes(content)
    store = AlertStore(path)
    with pytest.raises(StoreBroken):
        store.add(ALERTS)
    assert store.set_aside
    assert store.add(ALERTS) == list(ALERTS)
    assert (tmp_path / "alerts.db.broken").read_bytes() == content
    store.close()


def test_a_database_of_a_later_release_is_kept_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "alerts.db"
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    store = AlertStore(path)
    with pytest.raises(StoreBroken, match="schema 99"):
        store.find(Wanted())
    assert store.find(Wanted()) == []
    store.close()


def test_a_full_disk_is_no_damage(tmp_path: Path, store: AlertStore) -> None:
    store.add(ALERTS[:2])
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")  # as a file system that gives no more
    with pytest.raises(StoreBroken, match="full"):
        store.add([alert(n, detail="x" * 4_000) for n in range(10, 200)])
    assert store.set_aside == ""
    assert store.find(Wanted()) == list(ALERTS[:2])
    store.close()


def test_a_place_that_cannot_be_is_told_each_time_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = AlertStore(tmp_path / "file" / "alerts.db")
    for _ in range(2):
        with pytest.raises(StoreBroken):
            store.add(ALERTS)
    (tmp_path / "file").unlink()
    assert store.add(ALERTS) == list(ALERTS)
    store.close()


def test_nobody_else_reads_along(tmp_path: Path, store: AlertStore) -> None:
    store.add(ALERTS)
    for file in (tmp_path / "lib").iterdir():
        assert file.stat().st_mode & 0o007 == 0, file.name
    store.close()
