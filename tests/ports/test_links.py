"""The links of a real corosync: each by itself, also when one of them is cut, and when nobody answers."""

import json
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from tests.ports.corosync_nodes import CAN_RUN, WHY_NOT, Nodes

pytestmark = [pytest.mark.lab, pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)]
DEADLINE_S = 30

PROGRAM = """
import asyncio, json
from komainu.adapters.corosync.links import CorosyncLinks
seen = asyncio.run(CorosyncLinks().read([(1, 0), (2, 0), (2, 1), (3, 0)]))
print(json.dumps(seen and [(link.node, link.link, link.up, link.latency_us) for link in seen]))
"""

Seen = list[tuple[int, int, bool, int | None]] | None


@pytest.fixture(name="nodes")
def two_nodes_with_two_links() -> Iterator[Nodes]:
    nodes = Nodes(2, links=2)
    try:
        for node in nodes.by_number.values():
            node.start_corosync()
        yield nodes
    finally:
        nodes.close()


def seen_from(nodes: Nodes, number: int) -> Seen:
    told: Seen = json.loads(nodes.by_number[number].run(sys.executable, "-c", PROGRAM))
    return told


def until(nodes: Nodes, *ups: bool) -> list[tuple[int, int, bool, int | None]]:
    """Wait until node 1 sees the two links to node 2 like this."""
    deadline, seen = time.monotonic() + DEADLINE_S, seen_from(nodes, 1)
    while [link[2] for link in seen or () if link[0] == 2] != list(ups):
        assert time.monotonic() < deadline, seen
        seen = seen_from(nodes, 1)
    return seen or []


def test_each_link_is_seen_by_itself(nodes: Nodes) -> None:
    seen = until(nodes, True, True)
    assert [(link[0], link[1]) for link in seen if link[0] != 1] == [(2, 0), (2, 1)]
    nodes.cut(2, 1)
    cut = until(nodes, True, False)
    assert [link[3] for link in cut if link[:2] == [2, 1]] == [None]
    nodes.heal(2)
    until(nodes, True, True)

    nodes.by_number[1].signal_corosync(signal.SIGSTOP)
    assert seen_from(nodes, 1) is None
    nodes.by_number[1].signal_corosync(signal.SIGCONT)
    until(nodes, True, True)
