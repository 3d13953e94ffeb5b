"""The file of a witness: whole, durable, for one witness; nothing is told that a power loss could take back."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from komainu.adapters.files import durable, witness_state
from komainu.adapters.files.witness_state import StateTrouble, TooMany, WitnessState
from komainu.model.message import Message
from komainu.ports import Held


def opened(path: Path) -> WitnessState:
    state = WitnessState(path)
    state.open()
    return state


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def state(file: Path) -> Iterator[WitnessState]:
    with closing(opened(file)) as made:
        yield made


def test_a_record_is_written_under_its_condition(state: WitnessState) -> None:
    assert state.read("shop") is None
    assert state.write("shop", "v", "a") is None
    first = state.write("shop", None, "a")
    assert first is not None
    assert state.write("shop", None, "b") is None
    second = state.write("shop", first, "b")
    assert second is not None
    assert second != first
    assert state.write("shop", first, "c") is None
    assert state.read("shop") == Held(second, "b")
    assert state.read("bank") is None


def test_the_same_text_has_another_version(state: WitnessState) -> None:
    first = state.write("shop", None, "a")
    assert first is not None
    assert state.write("shop", first, "a") not in (None, first)


def test_what_was_told_is_there_after_a_restart(file: Path) -> None:
    with closing(opened(file)) as state:
        version = state.write("shop", None, "ノード\n\"'")
    with closing(opened(file)) as state:
        assert state.read("shop") == Held(str(version), "ノード\n\"'")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_second_witness_is_refused(state: WitnessState, file: Path) -> None:
    assert refusal(file) == witness_state.TAKEN
    state.close()
    opened(file).close()


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", '"x"', '{"format": 2, "records": {}}', '{"format": 1}', '{"format": 1, "records": {"a": 1}}'),
        *('{"format": 1, "records": {"a": {"text": "x"}}}', '{"format": 1, "records": []}'),
    ],
)
def test_what_is_no_state_is_refused_and_left_alone(file: Path, content: str) -> None:
    file.write_text(content)
    assert refusal(file) == witness_state.UNREADABLE
    assert file.read_text() == content


def test_where_nothing_can_be_written_the_witness_does_not_start(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none" / "state.json") == witness_state.NOT_OPENED
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder") == witness_state.NOT_OPENED


def test_what_is_read_at_the_start_is_made_durable_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before may have died between the renaming and the folder's sync."""
    opened(file).close()
    put: list[Path] = []
    monkeypatch.setattr(durable, "replace", lambda path, content, mode=0o600: put.append(path))
    opened(file).close()
    assert put == [file]


def test_after_a_failed_write_nothing_is_told_until_it_is_durable(
    state: WitnessState, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = state.write("shop", None, "a")
    assert first is not None
    real = durable.replace

    def fails_after_all(path: Path, content: bytes, mode: int = 0o600) -> None:
        real(path, content, mode)  # the new file is there; only nobody knows for how long
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(durable, "replace", fails_after_all)
    with pytest.raises(OSError, match="Input/output"):
        state.write("shop", first, "b")
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            state.read("shop")
        with pytest.raises(OSError, match="Input/output"):
            state.write("shop", first, "c")

    monkeypatch.undo()
    held = state.read("shop")
    assert held is not None
    assert held.text == "b"
    assert state.write("shop", first, "c") is None
    assert json.loads(file.read_text())["records"]["shop"]["text"] == "b"


def test_a_write_that_surely_failed_leaves_the_old_record(state: WitnessState, monkeypatch: pytest.MonkeyPatch) -> None:
    first = state.write("shop", None, "a")

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fails)
    with pytest.raises(OSError, match="No space"):
        state.write("shop", first, "b")
    monkeypatch.undo()
    assert state.read("shop") == Held(str(first), "a")


def test_the_number_of_records_is_bounded(state: WitnessState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_state, "MOST_RECORDS", 1)
    version = state.write("shop", None, "a")
    with pytest.raises(TooMany):
        state.write("bank", None, "a")
    assert state.write("shop", version, "b") is not None


def refusal(file: Path) -> Message:
    with pytest.raises(StateTrouble) as trouble:
        opened(file)
    (found,) = [
        each
        for each in (witness_state.TAKEN, witness_state.UNREADABLE, witness_state.NOT_OPENED)
        if each.code == trouble.value.said.code
    ]
    return found
