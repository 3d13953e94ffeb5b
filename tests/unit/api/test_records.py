"""Journals are read from their files; what cannot be read is said with its remedy."""

import json
import shutil
from pathlib import Path

import pytest

from komainu.agent.members import wire
from komainu.agent.members.snapshot import encode as encode_state
from komainu.agent.records import recorder
from komainu.agent.records.journal import encode
from komainu.api import records
from komainu.api.records import RecordsTrouble
from komainu.core.state import RULES, initial
from komainu.core.step import step
from komainu.model import events as e
from komainu.model.actions import RaiseAlert
from tests.doubles.daemons import cluster

RECORDED = Path(__file__).parents[1] / "agent" / "records" / "recorded"


def a_journal(folder: Path, rules: int = RULES) -> Path:
    """One event of today's core, as the recorder writes it."""
    state = initial(cluster(language="ja"))
    event = e.ViewChanged("1", ("n1",), ("n1",))
    done = step(state, event, rules)
    snapshot = {
        "kind": "snapshot", "seq": 0, "at": "2026-01-01T00:00:00.000Z", "boottime_ms": 1, "node": "n1", "why": "start",
        "format": recorder.FORMAT, "release": recorder.__version__, "rules": RULES, "digest": None,
        "state": "".join(wire.pack(encode_state(state))),
    }  # fmt: skip
    actions = [recorder.action_to_json(each) for each in done.actions if not isinstance(each, RaiseAlert)]
    alerts = [{**each.said.as_json(), "detail": each.detail} for each in done.actions if isinstance(each, RaiseAlert)]
    entry = {
        "seq": 1, "at": "2026-01-01T00:00:01.000Z", "boottime_ms": 1_001, "node": "n1", "rules": rules,
        "text": {"code": "X", "level": "info", "en": "x", "ja": "x"}, "event": wire.event_to_json(event),
        "actions": actions, "alerts": alerts, "changes": [],
    }  # fmt: skip
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(encode(snapshot) + encode(entry))
    return folder


def test_a_replay_is_plain_values_with_a_summary_in_the_end(tmp_path: Path) -> None:
    place = a_journal(tmp_path / "journal")
    told = list(records.replay(place))

    assert [each["what"] for each in told] == ["decision", "summary"]
    assert json.loads(json.dumps(told)) == told
    assert (told[1]["replayed"], told[1]["differences"]) == (1, 0)
    assert list(records.replay(place / "journal.jsonl")) == told
    assert [each["what"] for each in records.replay(place, first=2)] == ["summary"]
    assert records.language(place) == "ja"


def test_remarks_are_plain_values_too(tmp_path: Path) -> None:
    place = a_journal(tmp_path / "journal")
    with (place / "journal.jsonl").open("ab") as file:
        file.write(b"torn")
    told = list(records.replay(place))

    assert [each["what"] for each in told] == ["decision", "remark", "summary"]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("ask", [lambda place: list(records.replay(place)), records.failovers, records.language])
def test_a_place_that_cannot_be_read_is_said(tmp_path: Path, ask: object) -> None:
    with pytest.raises(RecordsTrouble) as trouble:
        ask(tmp_path / "missing")  # type: ignore[operator]
    assert trouble.value.said.code == records.NOT_READ.code
    assert "missing" in trouble.value.said.ja


def test_a_place_without_a_journal_is_said(tmp_path: Path) -> None:
    for ask in (lambda: list(records.replay(tmp_path)), lambda: records.failovers(tmp_path)):
        with pytest.raises(RecordsTrouble) as trouble:
            ask()
        assert trouble.value.said.code == records.EMPTY.code
    (tmp_path / "other.txt").write_text("no journal\n")
    with pytest.raises(RecordsTrouble) as trouble:
        records.failovers(tmp_path / "other.txt")
    assert trouble.value.said.code == records.EMPTY.code


def test_a_failover_by_its_number_or_the_last_one() -> None:
    place = RECORDED / "node2.jsonl"
    numbers = [each["number"] for each in records.failovers(place)]

    assert records.report(place, numbers[0])["number"] == numbers[0]
    assert records.report(place, None)["number"] == numbers[1], "the last one was ordered by an operator"
    with pytest.raises(RecordsTrouble) as trouble:
        records.report(place, 99_999)
    assert trouble.value.said.code == records.NO_SUCH.code


def test_a_journal_without_a_failover_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordsTrouble) as trouble:
        records.report(a_journal(tmp_path / "journal"), None)
    assert trouble.value.said.code == records.NONE.code


def test_journals_of_other_nodes_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "anything").mkdir()
    shutil.copy(RECORDED / "node1.jsonl", tmp_path / "anything" / "journal.jsonl")
    number = records.failovers(RECORDED / "node2.jsonl")[0]["number"]
    story = records.report(RECORDED / "node2.jsonl", number, [tmp_path / "anything"])

    assert {each["node"]: each["journal"] for each in story["nodes"]} == {"node1": "read", "node2": "own"}
    with pytest.raises(RecordsTrouble) as trouble:
        records.report(RECORDED / "node2.jsonl", number, [RECORDED / "node2.jsonl"])
    assert trouble.value.said.code == records.SAME_NODE.code


def test_the_story_in_words_is_a_document() -> None:
    story = records.report(RECORDED / "node2.jsonl", None)

    assert records.in_words(story, "en").startswith("# Recovery on the same node: failover1")
