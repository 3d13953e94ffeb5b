"""Where a group may go: who can take it, who must not, and who would rather not (C3)."""

from dataclasses import replace

import pytest

from komainu.core.destination import admits, at_rest, crowded, destinations, excluded, refuges, settled_on, usable
from komainu.core.state import Presence, Status
from komainu.model import commands as c
from komainu.model.outcome import Outcome, Result
from tests.unit.core.clusters import (
    BROKEN,
    FAILED,
    UNKNOWN,
    Life,
    cluster,
    exclusion,
    formed,
    group,
    monitor,
)

CAUTION = Outcome(Result.SUCCEEDED, BROKEN)


def where(life: Life, name: str = "web") -> str:
    """The destinations of a group, in one word each."""
    return " ".join(destinations(life.state, life.state.cluster.group(name)))


def flight(life: Life, name: str = "web") -> str:
    """The nodes to which a failure may drive a group."""
    return " ".join(refuges(life.state, life.state.cluster.group(name)))


@pytest.mark.parametrize("presence", list(Presence))
def test_only_a_member_can_be_used(presence: Presence) -> None:
    state = formed().state
    state = state.with_node("b", replace(state.nodes["b"], presence=presence))
    assert usable(state, "b") is (presence is Presence.MEMBER)


@pytest.mark.parametrize("change", [{"probed": False}, {"leaving": True}, {"ended": True}, {"suspended": True}])
def test_a_member_that_takes_no_starts_cannot_be_used(change: dict[str, bool]) -> None:
    state = formed().state
    assert not usable(state.with_node("b", replace(state.nodes["b"], **change)), "b")  # type: ignore[arg-type]


def test_the_order_of_the_group_decides_and_a_node_on_which_it_failed_comes_last() -> None:
    life = formed(cluster("a b c", groups=[group("web", "c a b")]))
    assert where(life) == "c a b"
    life.state = life.state.with_group("web", replace(life.group("web"), barred=("c",)))
    assert where(life) == "a b c"
    assert flight(life) == "a b"  # its home is c


def test_a_node_that_the_group_would_share_with_one_that_it_avoids_comes_later() -> None:
    groups = [group("web", "a b c"), group("db", "a b c")]
    life = formed(cluster("a b c", groups=groups, exclusions=[exclusion("normal", "web db")]))
    assert (life.group("web").home, life.group("db").home) == ("a", "b")
    assert where(life) == "a c b"
    assert where(life, "db") == "b c a"
    assert crowded(life.state, groups[0], "b")
    assert not crowded(life.state, groups[0], "a")  # its own presence does not crowd it out


def test_an_absolute_exclusion_forbids_the_node() -> None:
    groups = [group("web"), group("db"), group("job")]
    life = formed(cluster(groups=groups, exclusions=[exclusion("absolute", "web db")]))
    assert (where(life), where(life, "db"), where(life, "job")) == ("a", "b", "a b")
    assert not admits(life.state, groups[0], "b")
    assert not crowded(life.state, groups[0], "b")


def test_the_groups_of_all_exclusions_of_a_kind_count() -> None:
    rules = [exclusion("normal", "web db"), exclusion("normal", "job web"), exclusion("absolute", "db job")]
    state = formed(cluster(groups=[group("web"), group("db"), group("job")], exclusions=rules)).state
    assert excluded(state, state.cluster.group("web"), "normal") == ("db", "job")
    assert excluded(state, state.cluster.group("web"), "absolute") == ()
    assert excluded(state, state.cluster.group("db"), "absolute") == ("job",)


def test_a_group_that_has_to_be_with_another_one_goes_nowhere_else() -> None:
    groups = [group("db"), group("web", "b a", after="db", same_node=True), group("job", "b a", after="db")]
    life = formed(cluster(groups=groups))
    assert (where(life), where(life, "job")) == ("a", "b a")
    life.command(c.StopGroup("web"))
    life.command(c.StopGroup("job"))
    life.command(c.StopGroup("db"))
    assert where(life) == "b a"  # the other one is nowhere: then any node will do


def test_a_failure_drives_no_group_to_a_node_where_its_monitor_finds_an_error() -> None:
    life = formed(cluster("a b c", groups=[group("web", "a b c")], monitors=[monitor("ping1", "web", nodes="a b c")]))
    assert flight(life) == "b c"
    life.finds("b", CAUTION)
    life.finds("c", UNKNOWN)
    assert flight(life) == "b c"  # a caution is no error, and what nobody knows is none either
    life.finds("b", FAILED)
    assert flight(life) == "c"
    assert where(life) == "a c b", "a loss drives it there when nothing better is left"


def test_the_monitor_of_another_group_bars_nobody() -> None:
    groups = [group("web"), group("db")]
    life = formed(cluster(groups=groups, monitors=[monitor("ping1", "db"), monitor("nic1", "node")]))
    life.finds("b", FAILED)
    life.finds("b", FAILED, "nic1")
    assert flight(life) == "b"
    assert flight(life, "db") == ""


def test_a_monitor_of_all_groups_in_error_keeps_every_group_away() -> None:
    life = formed(cluster(groups=[group("web")], monitors=[monitor("ping1", "all-groups")]))
    life.finds("b", FAILED)
    assert flight(life) == ""


def test_the_healthiest_node_is_the_one_with_the_fewest_complaints() -> None:
    monitors = [monitor(name, nodes="a b c") for name in ("ping1", "cpu1", "disk1")]
    groups = [group("web", "a b c", destination="healthiest"), group("db", "a b c")]
    life = formed(cluster("a b c", groups=groups, monitors=monitors))
    assert where(life) == "a b c"
    life.finds("b", CAUTION, "cpu1")
    life.finds("a", FAILED, "ping1")
    life.finds("a", CAUTION, "cpu1")
    assert where(life) == "c b a"
    life.finds("c", UNKNOWN, "cpu1")
    assert where(life) == "c b a"  # no answer is no complaint
    assert where(life, "db") == "a b c"  # by priority
    life.state = life.state.with_group("web", replace(life.group("web"), barred=("c",)))
    assert where(life) == "b a c"


def test_a_new_home_begins_on_a_clean_sheet() -> None:
    life = formed(cluster(groups=[group("web", parts="vip http")]))
    facts = replace(life.group("web"), parked=("http",), overdue=("x",), given_up=True, hindrance=BROKEN)
    settled = settled_on(life.state, facts, "b", (BROKEN,))
    assert (settled.parked, settled.overdue, settled.given_up, settled.hindrance) == ((), (), False, None)
    assert (settled.home, settled.since, settled.because) == ("b", life.state.epoch, (BROKEN,))


def test_a_group_is_at_rest_when_all_runs_that_should_and_nothing_else() -> None:
    life = formed(cluster(groups=[group("web", parts="vip http log")]))
    web = life.state.cluster.group("web")
    life.command(c.StopPart("web", "http"))
    assert not at_rest(life.state, web)
    life.settle()
    assert life.statuses("a", "web") == (Status.RUNNING, Status.STOPPED, Status.STOPPED)
    assert at_rest(life.state, web)


def test_a_group_is_at_rest_when_all_runs_that_should() -> None:
    life = formed(cluster(groups=[group("web", parts="vip http")]))
    web = life.state.cluster.group("web")
    assert at_rest(life.state, web)
    life.command(c.StopPart("web", "http"))
    life.settle()
    assert at_rest(life.state, web)  # parked: nobody waits for it
    parked = replace(life.group("web"), parked=())
    assert not at_rest(life.state.with_group("web", parked), web)
    assert not at_rest(life.state.with_group("web", replace(life.group("web"), given_up=True)), web)
    assert not at_rest(life.state.with_group("web", replace(life.group("web"), home=None)), web)
