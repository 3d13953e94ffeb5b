"""What a calm cluster asks of the AWS API: the daemons' own schedule, at the intervals of the examples (V6).

Slow because calm takes its time: every few preparations and checks one asks for more than the others, so the window
holds a whole such turn of a minute each.
"""

import os
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from tests.lab.stage import NS

pytestmark = [pytest.mark.lab, pytest.mark.slow]

BEGIN_S = 90.0
"By then what is asked once, after a start, has been asked."
WINDOW_MIN = 5
MOST_PER_MINUTE = 3


def test_a_calm_node_makes_three_calls_a_minute_at_most() -> None:
    with ExitStack() as labs:
        clusters = {
            example: labs.enter_context(LabCluster(example, f"test-{os.getpid()}-calm-{example}", print))
            for example in ("vip", "eip")
        }
        actives = {example: cluster.wait_settled() for example, cluster in clusters.items()}
        pass_until(boottime_ns() + int(BEGIN_S * NS))
        begun = {example: cluster.cloud.last_call() for example, cluster in clusters.items()}
        pass_until(boottime_ns() + WINDOW_MIN * 60 * NS)
        made = {example: cluster.cloud.calls(begun[example]) for example, cluster in clusters.items()}
        assert actives == {example: cluster.wait_settled() for example, cluster in clusters.items()}

    for example, active in actives.items():
        for node in ("node1", "node2"):
            kinds = Counter(call["action"] for call in made[example] if call["source"] == node)
            role = "active" if node == active else "standby"
            print(f"{example}: {role} {kinds.total() / WINDOW_MIN:.1f} calls a minute: {dict(kinds)}")
            assert 0 < kinds.total() <= MOST_PER_MINUTE * WINDOW_MIN, kinds


def pass_until(end_ns: int) -> None:
    """Nothing is waited for but the time: it is what is measured."""
    while (left_ns := end_ns - boottime_ns()) > 0:
        time.sleep(min(1.0, left_ns / NS))
