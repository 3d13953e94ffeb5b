"""One run: what it waits for, and what it makes of what it saw."""

import pytest

from komainu_lab.bench import measure
from komainu_lab.bench.measure import Run
from komainu_lab.client import Gap, Record
from komainu_lab.errors import LabError
from tests.unit.lab.bench.stand_in import MS, AtOnce, Contender


def served(since_ms: int, until_ms: int, who: str = "node1") -> list[Record]:
    return [Record(at * MS, at * MS + MS, who) for at in range(since_ms, until_ms, 10)]


def test_a_client_is_calm_when_one_node_answered_everything_lately() -> None:
    assert measure.calm_since(served(0, 1000), "node1", 1000 * MS)


@pytest.mark.parametrize(
    "records",
    [
        [],
        served(0, 1000, "node2"),
        [*served(0, 900), *served(900, 1000, "node2")],
        [*served(0, 700), Record(700 * MS, 0, ""), *served(710, 1000)],
        served(0, 800),
        served(850, 1000),
    ],
    ids=["no answers", "other node", "two nodes", "one unanswered", "answers stopped", "too short"],
)
def test_a_client_is_not_calm(records: list[Record]) -> None:
    assert not measure.calm_since(records, "node1", 1000 * MS)


def test_the_figures_of_a_run() -> None:
    gap = Gap(Record(95 * MS, 96 * MS, "node1"), Record(535 * MS, 536 * MS, "node2"))
    run = measure.found(100 * MS, gap, 520 * MS, 1.5, {"start": 3.0})
    assert run == Run(gap_ms=440, answered_ms=436, detection_ms=420, load=1.5, stages={"start": 3.0})
    assert run.after_ms == 16
    assert run.to_json()["after_ms"] == 16


def test_without_detection_there_is_no_time_after_it() -> None:
    gap = Gap(Record(95 * MS, 96 * MS, "node1"), Record(135 * MS, 136 * MS, "node1"))
    run = measure.found(100 * MS, gap, None, 1.5, {})
    assert run.after_ms is None
    assert run.to_json()["detection_ms"] is None


def test_a_power_loss_is_measured_and_mended() -> None:
    contender = Contender(gap_ms=80, detected_after_ms=20)
    run = measure.once(contender, "power-loss", AtOnce())
    assert run.detection_ms == 20
    # The client asks every 10 ms: so much the gap may be longer than the script says.
    assert 80 <= run.gap_ms <= 100
    assert run.stages == {"whole": pytest.approx(run.after_ms)}
    assert contender.lab.done == ["off node1", "off node1", "heal", "on node1"]


def test_an_application_comes_back_where_it_was() -> None:
    contender = Contender(gap_ms=30, after="node1")
    run = measure.once(contender, "application-kill", AtOnce())
    assert run.detection_ms is None
    assert 30 <= run.gap_ms <= 50
    assert contender.done == ["kill on node1"]


def test_a_witness_that_says_nothing_is_no_figure() -> None:
    with pytest.raises(LabError, match="node2 did not tell of the loss of node1"):
        measure.once(Contender(detected_after_ms=None), "power-loss", AtOnce())
