"""Which nodes count as gone, and when the cluster may begin."""

import pytest

from komainu.core import membership
from komainu.core.state import Presence, Proof, Status
from komainu.model import actions as a
from tests.unit.core.clusters import Life, cluster, formed


def test_the_cluster_forms_when_every_node_was_probed() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(first)
    assert not life.state.formed
    life.probed(second)
    assert life.state.formed
    assert life.codes()[0] == membership.FORMED.code


def test_a_node_whose_daemon_went_again_does_not_count() -> None:
    life = Life(cluster())
    life.view("a b")
    life.sync("a", "a b")
    first, second = life.asked(a.ProbeNode)
    life.probed(first)
    life.view("b", nodes="a b")
    life.probed(second)
    assert not life.state.formed


def test_it_forms_once() -> None:
    life = formed()
    life.view("a")
    life.view("a b")
    life.sync("a", "b", life="2")
    life.settle()
    assert membership.FORMED.code not in life.codes()
    assert life.state.formed


@pytest.mark.parametrize(
    ("arbitration", "presence"),
    [("none", Presence.GONE), ("operator", Presence.LOST), ("fence", Presence.LOST)],
)
def test_only_arbitration_none_takes_a_lost_node_as_gone(arbitration: str, presence: Presence) -> None:
    life = formed(cluster(arbitration=arbitration))
    life.view("b")
    assert life.presence("a") is presence
    assert (life.starts() == ("db.disk on b",)) is (arbitration == "none")


def test_what_is_assumed_is_named_so_and_warned_of() -> None:
    life = formed(cluster(arbitration="none"))
    life.view("b")
    assert life.node("a").proof is Proof.ASSUMED
    assert membership.ASSUMED.code in life.codes()
    assert life.statuses("a") == (Status.STOPPED, Status.STOPPED)


def test_a_node_that_was_never_seen_is_taken_as_gone_only_after_the_startup_wait() -> None:
    life = Life(cluster(arbitration="none"))
    life.view("b")
    life.sync("b", "b")
    life.settle()
    assert life.presence("a") is Presence.UNSEEN
    life.fire("startup")
    assert life.presence("a") is Presence.GONE
    assert life.starts() == ("db.disk on b",)


def test_a_lost_daemon_is_not_taken_as_gone() -> None:
    """Law 5: the node is there, and what runs on it runs."""
    life = formed(cluster(arbitration="none"))
    life.view("b", nodes="a b")
    assert life.presence("a") is Presence.AGENT_LOST
    assert life.starts() == ()
    life.fire("agent")
    assert life.presence("a") is Presence.GONE
