"""What the witnesses of a takeover tell, put together."""

from typing import Any

import pytest

from komainu_lab import timeline
from komainu_lab.client import Record
from komainu_lab.timeline import Moment

MS = 1_000_000


def entry(ms: int, what: str = "group", name: str = "g1", now: str = "Online") -> dict[str, Any]:
    return {"boottime_ms": ms, "changes": [{"what": what, "name": name, "before": "", "now": now, "node": "node2"}]}


def call(received_ms: int, action: str = "ReplaceRoute", source: str = "node2", **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "source": source,
        "received_ns": received_ms * MS,
        "answered_ns": 0,
        "details": {},
        **more,
    }


def test_the_first_change_after_a_time_is_found() -> None:
    entries = [entry(10), entry(20, now="Online Pending"), entry(30), entry(40)]
    found = timeline.changed(entries, "group", "g1", ("Online",), 15 * MS)
    assert found is entries[2]


def test_the_journal_s_coarse_clock_does_not_hide_what_follows_at_once() -> None:
    entries = [entry(20)]
    assert timeline.changed(entries, "group", "g1", ("Online",), 20 * MS + 900_000) is entries[0]
    assert timeline.changed(entries, "group", "g1", ("Online",), 21 * MS) is None


@pytest.mark.parametrize(("what", "name"), [("node", "g1"), ("group", "g2")])
def test_changes_of_others_do_not_count(what: str, name: str) -> None:
    assert timeline.changed([entry(20)], what, name, ("Online",), 0) is None


@pytest.mark.parametrize(("since", "until", "ms"), [(0, 435_600_000, 436), (5, 4, 0), (900_000, 0, 0)])
def test_milliseconds_are_rounded_and_never_negative(since: int, until: int, ms: int) -> None:
    assert timeline.ms_between(since, until) == ms


def test_calls_are_those_of_one_machine_in_the_window() -> None:
    calls = [call(5), call(10), call(11, source="node1"), call(12, "DescribeVpcs"), call(21)]
    mine = timeline.calls_by(calls, "node2", 10 * MS, 20 * MS)
    assert timeline.count(mine) == {"ReplaceRoute": 1, "DescribeVpcs": 1}


def test_route_moments_are_those_that_were_answered() -> None:
    calls = [
        call(10, answered_ns=12 * MS, details={"RouteTableId": "rtb-1"}),
        call(11, details={"RouteTableId": "rtb-2"}),
        call(11, "DescribeVpcs", answered_ns=12 * MS),
    ]
    moments = timeline.route_moments(calls, 5 * MS, {"rtb-1": "Private-A"})
    assert moments == [Moment(7.0, "route replaced in Private-A, the API took 2 ms", "node2")]


def test_an_unnamed_table_is_shown_by_its_id() -> None:
    calls = [call(10, answered_ns=12 * MS, details={"RouteTableId": "rtb-1"})]
    assert timeline.route_moments(calls, 0, {})[0].what.startswith("route replaced in rtb-1,")


def test_the_gap_has_both_its_ends_and_what_was_lost_in_it() -> None:
    records = [
        Record(10 * MS, 11 * MS, "node1"),
        Record(20 * MS, 21 * MS, "node1"),
        Record(30 * MS, 0, ""),
        Record(40 * MS, 0, ""),
        Record(500 * MS, 501 * MS, "node2"),
        Record(600 * MS, 0, ""),
    ]
    gap = timeline.gap_of(records, 25 * MS)
    assert gap == timeline.Gap(480.0, "node1", "node2", 2)


def test_without_an_answer_there_is_no_gap() -> None:
    assert timeline.gap_of([Record(10 * MS, 11 * MS, "node1")], 20 * MS) is None


def test_an_elastic_ip_is_a_moment_as_well() -> None:
    call = {
        "action": "AssociateAddress",
        "source": "node2",
        "details": {"AllocationId": "eipalloc-1"},
        "received_ns": 3_000_000,
        "answered_ns": 12_000_000,
    }
    (moment,) = timeline.route_moments([call], 2_000_000, {})
    assert (moment.ms, moment.what, moment.where) == (10, "Elastic IP associated, the API took 9 ms", "node2")
