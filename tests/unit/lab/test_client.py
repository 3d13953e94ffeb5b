"""Reading the prober's records, and the gaps in them."""

from pathlib import Path

import pytest

from komainu_lab.client import Log, Record, failures, longest_gap, parse

MS = 1_000_000


def answered(sent_ms: int, after_ms: int = 1, who: str = "node1") -> Record:
    return Record(sent_ms * MS, (sent_ms + after_ms) * MS, who)


def unanswered(sent_ms: int) -> Record:
    return Record(sent_ms * MS, 0, "")


def test_parse_takes_complete_lines_only() -> None:
    assert parse("10 20 node1\n30 - -\n40 5") == [Record(10, 20, "node1"), Record(30, 0, "")]


def test_the_log_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "prober.log"
    log = Log(path)
    assert log.records() == []
    path.write_text("10 20 node1\n30 4")
    assert log.records() == [Record(10, 20, "node1")]
    with path.open("a") as file:
        file.write("0 node2\n")
    assert log.records() == [Record(10, 20, "node1"), Record(30, 40, "node2")]


def test_the_longest_gap_is_between_two_good_answers() -> None:
    records = [answered(10), answered(20), unanswered(30), unanswered(40), answered(100, who="node2"), answered(110)]
    gap = longest_gap(records, since_ns=25 * MS)
    assert gap is not None
    assert (gap.last.who, gap.next.who, gap.ms) == ("node1", "node2", 80.0)


def test_requests_are_ordered_by_their_answers() -> None:
    slow = answered(20, after_ms=55)
    gap = longest_gap([answered(10), slow, answered(80), answered(60)], since_ns=0)
    assert gap is not None
    assert (gap.last.sent_ns, gap.next.sent_ns) == (10 * MS, 60 * MS)


def test_only_gaps_in_the_window_count() -> None:
    records = [answered(10), answered(500), answered(510), answered(530), answered(2000)]
    gap = longest_gap(records, since_ns=505 * MS, until_ns=525 * MS)
    assert gap is not None
    assert gap.ms == 20.0


@pytest.mark.parametrize("records", [[], [answered(10)], [answered(10), answered(20), unanswered(30)]])
def test_without_an_answer_afterwards_there_is_no_gap(records: list[Record]) -> None:
    assert longest_gap(records, since_ns=25 * MS) is None


def test_failures_are_counted_by_the_time_of_sending() -> None:
    records = [unanswered(10), unanswered(20), answered(25), unanswered(30)]
    assert failures(records, 20 * MS, 30 * MS) == 1
