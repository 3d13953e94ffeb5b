"""Which groups an event can have touched; that this changes no decision is tests/properties/test_core_scope.py."""

from dataclasses import replace
from typing import Any

import pytest

from komainu.core.scope import stirred
from komainu.core.state import State
from tests.unit.core.clusters import altered, cluster, exclusion, formed, group

GROUPS = (group("db"), group("web", after="db"), group("job"), group("log"))


def state() -> State:
    """`web` depends on `db`, `job` avoids `log`."""
    return formed(cluster(groups=GROUPS, exclusions=[exclusion("normal", "job log")])).state


def names(before: State, after: State) -> str:
    """The groups that were stirred."""
    return " ".join(each.name for each in stirred(before, after))


def test_nothing_is_stirred_by_nothing() -> None:
    before = state()
    assert names(before, before) == ""
    assert names(before, replace(before, ring="r9", epoch=before.epoch + 1)) == ""


@pytest.mark.parametrize(("name", "touched"), [("db", "db web"), ("web", "db web"), ("job", "job log")])
def test_a_group_stirs_those_that_look_at_it(name: str, touched: str) -> None:
    before = state()
    assert names(before, before.with_group(name, replace(before.groups[name], ordered=True))) == touched


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.with_node("a", replace(each.nodes["a"], leaving=True)),
        lambda each: replace(each, maintenance=True),
        lambda each: replace(each, formed=False),
        lambda each: replace(each, cluster=altered(each.cluster)),
    ],
)
def test_nodes_the_switch_and_the_configuration_stir_everybody(change: Any) -> None:
    before = state()
    assert names(before, change(before)) == "db web job log"
