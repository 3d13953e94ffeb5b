"""Clocks that run apart by as much as is allowed for: the right of one node still ends before the other one starts.

Each daemon's clock is bent from outside, as a file that Python reads before the program; the program does not know.
The kernel's clock is true on both sides: what ends a right here is the daemon's own doing.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.watcher import WRITING
from tests.lab.rights_stage import RightsStage
from tests.lab.stage import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

BENT = """
import time
ORIGIN_NS, PERMILLE = {origin_ns}, {permille}
BENT = (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC)
true_ns = time.clock_gettime_ns

def bent_ns(clock):
    now = true_ns(clock)
    return ORIGIN_NS + (now - ORIGIN_NS) * PERMILLE // 1000 if clock in BENT else now

time.clock_gettime_ns = bent_ns
time.clock_gettime = lambda clock: bent_ns(clock) / 1e9
time.monotonic_ns = lambda: bent_ns(time.CLOCK_MONOTONIC)
time.monotonic = lambda: bent_ns(time.CLOCK_MONOTONIC) / 1e9
"""
"Python runs `sitecustomize` before anything else."
FAST, SLOW = 1_010, 990


@pytest.fixture(scope="module")
def _stage() -> Iterator[RightsStage]:
    stage = RightsStage("witness")
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture
def stage(_stage: RightsStage) -> RightsStage:
    _stage.mend()
    return _stage


def bend(stage: RightsStage, node: str, permille: int, folder: Path) -> None:
    """From its next start on, the daemon's clock runs so fast; the daemon is started again."""
    tree = folder / f"clock-of-{node}"
    tree.mkdir()
    (tree / "sitecustomize.py").write_text(BENT.format(origin_ns=boottime_ns(), permille=permille))
    product = stage.cluster.product(node)
    product.stop()
    product.put_release(tree)
    product.start()
    told = stage.cluster.lab.node(node).run(
        ["env", "PYTHONPATH=" + product.release, sys.executable, "-c", "import time; print(time.monotonic.__name__)"]
    )
    assert told.stdout.strip() == "<lambda>", "the clock is not bent"


@pytest.mark.parametrize(("of_active", "of_standby"), [(SLOW, FAST), (FAST, SLOW)])
def test_active_node_reaches_nobody_but_the_client(
    stage: RightsStage, tmp_path: Path, of_active: int, of_standby: int
) -> None:
    active, standby = stage.pair()
    for node, permille in ((standby, of_standby), (active, of_active)):
        bend(stage, node, permille, tmp_path)
        stage.mend()
    if stage.cluster.active() != active:
        stage.cluster.product(active).komainu("group", "move", stage.cluster.group, active)
        stage.mend()
    assert stage.cluster.active() == active
    cut_ns = boottime_ns()
    stage.cluster.votes.cut(active)
    faults.cut_interconnect(stage.cluster)
    stage.served(standby)
    until(lambda: stage.holders() == [standby], "who has no right any more has stopped")
    sight = stage.judge(cut_ns)
    last = max(effect.latest_ns for effect in sight.effects[WRITING][active])
    first = min(effect.earliest_ns for effect in sight.effects[WRITING][standby])
    print(f"between the last effect of {active} and the first of {standby}: {(first - last) / 1e6:.0f} ms")
    assert first > last
    after, _ = stage.settle(cut_ns)
    assert after == standby
