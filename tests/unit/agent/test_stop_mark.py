"""A mark that outlives the daemon, and never ends it."""

from pathlib import Path

import pytest

from komainu.agent.stop_mark import NAME, StopMark


def test_it_is_there_for_the_next_daemon_until_it_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not StopMark(folder).is_set()
    StopMark(folder).set()
    StopMark(folder).set()
    assert StopMark(folder).is_set()
    StopMark(folder).clear()
    StopMark(folder).clear()
    assert not StopMark(folder).is_set()


def test_what_cannot_be_written_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    StopMark(tmp_path / "file").set()
    (tmp_path / NAME).mkdir()
    StopMark(tmp_path).clear()

    assert ["cannot be marked" in caplog.messages[0], "cannot be removed" in caplog.messages[1]] == [True, True]
