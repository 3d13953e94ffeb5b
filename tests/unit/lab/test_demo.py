"""The figures of the demonstration, as the file holds them."""

import io
import json

import pytest
from rich.console import Console

from komainu_lab import demo
from komainu_lab.demo import Figures

VERSIONS = {"komainu": "0.1.0", "corosync": "3.1.7", "python": "3.11.2", "kernel": "6.1"}


@pytest.fixture(autouse=True)
def _versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "versions", lambda: VERSIONS)


def test_the_file_has_exactly_these_keys() -> None:
    content = json.loads(json.dumps(Figures().to_json("vip")))
    assert list(content) == [
        "example", "versions", "detect_ms", "activate_ms", "client_gap_ms", "move_gap_ms",
        "api_calls_in_takeover", "served_by_before", "served_by_after", "served",
    ]  # fmt: skip
    assert content["versions"] == VERSIONS


def test_nothing_found_is_not_a_success() -> None:
    content = Figures().to_json("vip")
    assert content["served"] is False
    assert content["client_gap_ms"] is None


def test_the_summary_shows_what_is_missing_as_missing() -> None:
    written = io.StringIO()
    figures = Figures(detect_ms=440, api_calls_in_takeover={"ReplaceRoute": 3})
    demo.summary(figures, Console(file=written, width=100))
    text = written.getvalue()
    assert "440 ms" in text
    assert "3 × ReplaceRoute" in text
    assert "Gap at the client, move by command    -" in text
