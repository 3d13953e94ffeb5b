"""What a calm cluster asks of the AWS API: the daemons' own schedule, at the intervals of the examples (V6).

Slow because calm takes its time: every few preparations and checks one asks for more than the others, so the window
holds a whole such turn of a minute each.
"""

import os
import time
from collections import Counter

import pytest

from komainu_lab.clock import boottime_ns
from komainu_lab.cluster import LabCluster
from tests.lab.stage import NS

pytestmark = [pytest.mark.lab, pytest.mark.slow]

BEGIN_S = 90.0
"By then what is asked once, after a start, has been asked."
WINDOW_MIN = 5
MOST_PER_MINUTE = 3


@pytest.mark.parametrize("example", ["vip", "eip"])
def test_a_calm_node_makes_three_calls_a_minute_at_most(example: str) -> None:
    with LabCluster(example, f"test-{os.getpid()}-calm-{example}", print) as cluster:
        cluster.wait_settled()
        pass_until(boottime_ns() + int(BEGIN_S * NS))
        begun = len(cluster.cloud.calls(0))
        pass_until(boottime_ns() + WINDOW_MIN * 60 * NS)
        made = cluster.cloud.calls(0)[begun:]
        active = cluster.wait_settled()

    calls = Counter(call["source"] for call in made)
    for node in ("node1", "node2"):
        role = "active" if node == active else "standby"
        kinds = Counter(call["action"] for call in made if call["source"] == node)
        print(f"{example}: {role} {calls[node] / WINDOW_MIN:.1f} calls a minute: {dict(kinds)}")
        assert 0 < calls[node] <= MOST_PER_MINUTE * WINDOW_MIN, kinds


def pass_until(end_ns: int) -> None:
    """Nothing is waited for but the time: it is what is measured."""
    while (left_ns := end_ns - boottime_ns()) > 0:
        time.sleep(min(1.0, left_ns / NS))
