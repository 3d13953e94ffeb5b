"""The record of the third vote, as it is kept in the store."""

import json

import pytest

from komainu.model.vote import Owner, Record, record

RECORD = Record(
    cluster="shop",
    config=3,
    epoch=7,
    owner=Owner(node="a", incarnation="a.1"),
    mode="alone",
    current={"data": ("a", "b")},
    wait_ms=6_000,
    nonce="c0ffee",
)


def test_it_comes_back_from_its_text() -> None:
    assert record(RECORD.text()) == RECORD
    without = RECORD.model_copy(update={"owner": None, "mode": "together"})
    assert record(without.text()) == without


def test_the_same_record_has_the_same_text() -> None:
    told = json.loads(RECORD.text())
    assert list(told) == sorted(told)
    assert told["format"] == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format": 2}, "format"),
        ({"moved_to": "elsewhere"}, "moved_to"),
        ({"epoch": -1}, "epoch"),
        ({"wait_ms": 0}, "wait_ms"),
        ({"mode": "sole"}, "mode"),
        ({"nonce": None}, "nonce"),
    ],
)
def test_what_a_newer_release_wrote_or_nobody_is_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        record(json.dumps({**json.loads(RECORD.text()), **changes}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7"])
def test_a_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^: "):
        record(text)
