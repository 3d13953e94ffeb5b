"""The alert log of a real cluster: after a power loss both nodes tell the same story, each part of it once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.lab.stage import Stage, until

pytestmark = pytest.mark.lab

LOST = "KM7101"


def alerts(stage: Stage, node: str, *options: str) -> list[dict[str, Any]]:
    """What `komainu alerts` says there."""
    said = stage.cluster.product(node).komainu("alerts", "--json", *options)
    return [json.loads(line) for line in said.splitlines()]


def test_a_node_that_lost_its_power_reads_afterwards_what_it_missed(stage: Stage) -> None:
    cluster = stage.cluster
    active, survivor = stage.pair()
    since = datetime.now(UTC).isoformat()
    cluster.lab.power_off(active)
    until(
        lambda: {"status": "Online", "node": survivor}.items() <= stage.group(survivor).items(),
        "the group is online elsewhere",
    )
    lost = [each for each in alerts(stage, survivor, "--since", since) if each["code"] == LOST]
    assert [(each["module"], each["level"]) for each in lost] == [("core", "error")]
    assert active in lost[0]["en"]

    cluster.lab.power_on(active)
    assert cluster.wait_settled() == survivor
    until(
        lambda: [each["id"] for each in alerts(stage, active)] == [each["id"] for each in alerts(stage, survivor)],
        "both nodes have the same alerts",
    )
    told = alerts(stage, active, "--since", since)
    assert [each["id"] for each in told if each["code"] == LOST] == [lost[0]["id"]]
    assert {each["node"] for each in told if each["module"] == "agent"} >= {active}
