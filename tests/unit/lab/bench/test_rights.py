"""What the journal tells of rights, what the store was asked, and how both are shown."""

import io
from typing import Any, cast

import pytest
from rich.console import Console

from komainu_lab.bench.measure import Run
from komainu_lab.bench.rights import (
    Quiet,
    Result,
    address_alone,
    address_without_vote,
    at_rest,
    count,
    table,
    told,
    without_fence,
    words,
)
from komainu_lab.votes import Votes, first

MS = 1_000_000


def entry(boottime_ms: int, *codes: str) -> dict[str, Any]:
    return {"boottime_ms": boottime_ms, "alerts": [{"code": code} for code in codes]}


def document() -> dict[str, Any]:
    lease = {"type": "lease_s3", "params": {"bucket": "votes-of-us"}}
    return {
        "cluster": {"name": "db", "arbitration": {"kind": "lease", "lease": lease, "fence": {"type": "ec2_stop"}}},
        "groups": [{"name": "db", "resources": [{"type": "awsvip"}, {"type": "exec"}]}],
    }


def test_steps_of_rights_are_told_since_the_detection() -> None:
    entries = [entry(90, "KM7424"), entry(100, "KM7101"), entry(340, "KM7424"), entry(6_340, "KM7428", "KM7602")]
    entries += [entry(6_400, "KM7424"), entry(9_000, "KM7201")]
    assert told(entries, 100 * MS, 8_000 * MS) == {
        "the vote is won": 240.0,
        "the other one's right has ended": 6_240.0,
    }


def test_the_journal_is_coarser_than_the_lab() -> None:
    assert told([entry(100, "KM7424")], 100 * MS + 700_000, 200 * MS) == {"the vote is won": 0.0}


def test_requests_are_counted_by_kind_and_time() -> None:
    calls = [
        {"action": action, "received_ns": at * MS} for action, at in (("GET", 1), ("GET", 5), ("PUT", 6), ("PUT", 9))
    ]
    assert count(calls, 5 * MS, 8 * MS) == {"GET": 1, "PUT": 1}
    assert count(calls, 10 * MS, 20 * MS) == {}


def test_the_variants_of_the_example() -> None:
    bare, alone, without = document(), document(), document()
    without_fence(bare)
    address_alone(alone)
    address_without_vote(without)
    assert "fence" not in bare["cluster"]["arbitration"]
    assert len(bare["groups"][0]["resources"]) == 2
    assert alone["cluster"]["arbitration"]["kind"] == "lease"
    assert alone["groups"][0]["resources"] == without["groups"][0]["resources"] == [{"type": "awsvip"}]
    assert without["cluster"]["arbitration"] == "none"


class Store:
    """What lies in the store."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def text(self) -> str | None:
        return self._text


@pytest.mark.parametrize(("mode", "rests"), [("together", True), ("alone", False)])
def test_a_cluster_rests_when_nobody_acts_alone(mode: str, rests: bool) -> None:
    record = first(document()).model_copy(update={"mode": mode})
    assert at_rest(cast(Votes, Store(record.text()))) is rests


def test_a_cluster_without_a_vote_rests() -> None:
    assert at_rest(None)


def test_a_column_has_gap_steps_and_requests() -> None:
    run = Run(gap_ms=6_900, answered_ms=6_880, detection_ms=440, stages={"the vote is won": 320.0, "start web1": 3.0})
    one = Result("lease", ("exclusive", "lease"), [run], [{"GET": 1, "PUT": 3}])
    other = Result("vip-none", ("VIP only", "none"), failure="it burnt down")
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table([one, other]))
    shown = [line for line in console.export_text().splitlines() if line.strip()]
    lines = {line[:36].strip(): line.split()[-2:] for line in shown}
    assert lines["whole gap"] == ["6900", "–"]
    assert lines["requests to the store: writes"] == ["3", "–"]
    assert one.to_json()["runs"][0]["gap_ms"] == 6900
    assert other.to_json()["failure"] == "it burnt down"


def test_a_quiet_cluster_in_words() -> None:
    found = Quiet(10, {}, 10.2, {"GET": 2, "PUT": 12}, {"PUT": 1})
    assert words(found) == [
        "10 minutes with both nodes together: no request to the store",
        "10 s with the interconnect cut: 2 reads, 12 writes",
        "together again: 1 writes",
    ]
