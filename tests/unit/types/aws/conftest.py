"""The same pauses and looks as in production, a hundred times quicker."""

import pytest

from komainu.types.aws import patience, routes


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "READ_BACK_MS", (10, 50, 150))
    monkeypatch.setattr(patience, "FIRST_PAUSE_MS", 2)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_MS", 20)
