"""Times of detection and start-up that are unsafe are refused; the region is looked at."""

import pytest

from komainu.adapters.corosync.conf import ConfRefusedError, timing
from komainu.config.rules import safety
from komainu.model.config import Arbitration, Cluster, Node
from tests.unit.config.sample import changed, only, said

TIMES = "arbitration: operator"
THIRD = ("          node2: {port: port-2}", "          node2: {port: port-2}\n          node3: {port: port-3}")


def times(text: str) -> str:
    return changed((TIMES, f"{TIMES}\n  {text}"))


def test_detection_faster_than_corosync_can_is_refused() -> None:
    text = changed(
        (TIMES, f"{TIMES}\n  detect_within_ms: 285"),
        ("groups:", "  - {name: node3, links: [10.0.130.100]}\ngroups:"),
        THIRD,
    )
    assert said(text) == [(5, "cluster.detect_within_ms", safety.DETECT_TOO_FAST.code)]
    assert "286" in only(text).said.en
    assert said(text.replace("285", "286")) == []
    assert said(times("detect_within_ms: 200")) == []


@pytest.mark.parametrize("nodes", [1, 2, 3, 5, 32])
def test_the_bound_is_the_one_below_which_corosync_is_not_configured(nodes: int) -> None:
    least = max(200, safety.least_detection_ms(nodes))
    cluster = Cluster(
        name="c",
        environment="onprem",
        detect_within_ms=least,
        arbitration=Arbitration(kind="none"),
        nodes=tuple(Node(name=f"n{number}", id=number, links=(f"10.0.0.{number}",)) for number in range(1, nodes + 1)),
    )
    timing(cluster)
    if least > 200:
        with pytest.raises(ConfRefusedError):
            timing(cluster.model_copy(update={"detect_within_ms": least - 1}))


def test_detection_faster_than_a_virtual_machine_pauses_is_warned_of_on_aws() -> None:
    assert said(times("preset: fast"), "warning") == [(2, "cluster.detect_within_ms", safety.DETECT_EAGER.code)]
    assert said(times("detect_within_ms: 1000"), "warning") == []


def test_a_start_up_wait_that_ends_before_nodes_see_each_other_is_refused() -> None:
    assert said(times("startup_sync_wait_ms: 6999")) == [
        (5, "cluster.startup_sync_wait_ms", safety.SYNC_WAIT_SHORT.code)
    ]
    assert said(times("startup_sync_wait_ms: 7000")) == []


def test_a_region_is_looked_at() -> None:
    assert said(times("aws: {region: ap-northeast1}"), "warning") == [
        (5, "cluster.aws.region", safety.REGION_UNUSUAL.code)
    ]
    for region in ("ap-northeast-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"):
        assert said(times(f"aws: {{region: {region}}}"), "warning") == []


def test_a_region_means_nothing_on_premises() -> None:
    text = times("aws: {region: ap-northeast-1}").replace("environment: aws", "environment: onprem")
    assert (5, "cluster.aws", safety.AWS_ON_PREMISES.code) in said(text)
