"""The safety statement says what the configuration protects from, and names the weak as weak (N5)."""

from komainu.agent.safety import BY_NOTHING, BY_OPERATOR, NOT_EXCLUSIVE, statement, strength
from tests.doubles.daemons import cluster, resource


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
