"""How a version came about may be unknown, and then says so by being empty."""

from komainu.model.config import Arbitration, Cluster, Node
from komainu.model.provenance import Provenance, Version


def test_only_the_time_is_always_known() -> None:
    cluster = Cluster(
        name="c",
        environment="onprem",
        detect_within_ms=1_500,
        arbitration=Arbitration(kind="none"),
        nodes=(Node(name="n1", id=1, links=("10.0.0.1",)),),
    )
    version = Version(cluster, Provenance("2026-11-22T10:00:00Z"))

    assert (version.provenance.who, version.provenance.why, version.provenance.origin, version.text) == ("", "", "", "")
