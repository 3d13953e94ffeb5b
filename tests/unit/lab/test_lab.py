"""The name of a lab: held by one, free when it is gone. (What a lab does is in tests/lab.)"""

import os
from pathlib import Path
from typing import Any

import pytest

from komainu_lab.lab import take_lock


def test_a_name_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "labs" / "main.lock"
    held = take_lock(path)
    assert held is not None
    assert take_lock(path) is None
    os.close(held)
    again = take_lock(path)
    assert again is not None
    os.close(again)


def test_the_last_lab_goes_just_when_another_one_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It removes the folder between our making it and our making a file in it."""
    path, really = tmp_path / "labs" / "main.lock", os.open
    gone: list[Path] = []

    def late(*arguments: Any) -> int:
        if not gone:
            path.parent.rmdir()
            gone.append(path.parent)
        return really(*arguments)

    monkeypatch.setattr(os, "open", late)
    held = take_lock(path)
    assert held is not None
    assert (gone, path.exists()) == ([path.parent], True)
    os.close(held)
