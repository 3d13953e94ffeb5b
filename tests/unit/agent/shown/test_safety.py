"""The safety statement says what the configuration protects from, and names the weak as weak (N5)."""

from komainu.agent.shown.safety import (
    AFTER_THE_VOTE,
    BY_LEASE,
    BY_MAJORITY,
    BY_NOTHING,
    BY_OPERATOR,
    NOT_EXCLUSIVE,
    statement,
    strength,
)
from komainu.model.config import Arbitration, Lease
from tests.doubles.daemons import cluster, resource

LEASE = Arbitration(kind="lease", lease=Lease(type="lease_s3", params={}), right_ms=5_000, wait_ms=6_000)


def test_none_is_named_weakest() -> None:
    config = cluster()

    assert strength(config) == "weakest"
    assert statement(config) == (BY_NOTHING.said(),)
    assert "Two actives are possible" in statement(config)[0].en


def test_the_operators_word_is_strong_for_exclusive_groups_and_only_for_them() -> None:
    config = cluster(resource(exclusive=False), arbitration="operator")

    assert strength(config) == "strong"
    assert statement(config) == (BY_OPERATOR.said(), NOT_EXCLUSIVE.said(group="web"))
    assert statement(cluster(arbitration="operator")) == (BY_OPERATOR.said(),)


def test_a_vote_and_a_majority_are_strong_unless_nothing_ends_what_runs_here() -> None:
    for config in (cluster().model_copy(update={"arbitration": LEASE}), cluster(nodes=3, arbitration="majority")):
        assert strength(config) == "strong"
        assert strength(config, ended_surely=False) == "weak"
    # Where nobody needs a right nothing has to be ended.
    assert strength(cluster(arbitration="operator"), ended_surely=False) == "strong"


def test_the_vote_and_the_majority_are_named() -> None:
    config = cluster(resource(exclusive=False)).model_copy(update={"arbitration": LEASE})

    assert statement(config) == (BY_LEASE.said(type="lease_s3"), AFTER_THE_VOTE.said(group="web"))
    assert statement(cluster(nodes=5, arbitration="majority")) == (BY_MAJORITY.said(nodes=5),)
