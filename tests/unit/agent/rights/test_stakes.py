"""What has to end with the right of a node to act: what is cut off, and what nothing less than a reset ends."""

from collections.abc import Mapping
from typing import Any

import pytest

from komainu.agent.rights.stakes import Stakes, disputed, guarded
from komainu.catalogue import RESOURCE_TYPES
from komainu.core.state import Hold, NodeFacts, Presence, State, Status, initial
from komainu.model.config import Cluster, Group
from komainu.model.copies import replace
from tests.unit.core.clusters import cluster, remade, resource

FIP, DB, LOG = 0, 1, 2
COMMAND = {"command": ["/bin/db"]}


def made(nodes: str = "a b", per_node: Mapping[str, dict[str, Any]] | None = None) -> Cluster:
    """A group of an address, an application that publishes a port, and one that may run twice."""
    parts = (
        remade(resource("fip1"), type="fip", params={"address": "192.0.2.100"}, per_node=per_node or {}),
        remade(resource("db"), params={**COMMAND, "publishes": ["5432/tcp"]}),
        remade(resource("log", exclusive=False), params=COMMAND),
    )
    return cluster("a b c", "majority", (Group(name="web", nodes=tuple(nodes.split()), resources=parts),))


def undisputed(state: State) -> State:
    """All nodes are there, and nothing of the group runs on another one than a."""
    state = replace(state, nodes={name: NodeFacts(Presence.MEMBER, probed=True) for name in state.nodes})
    holds = state.groups["web"].holds
    stopped = {node: tuple(Hold(Status.STOPPED) for _ in holds[node]) for node in holds if node != "a"}
    return state.with_group("web", replace(state.groups["web"], holds={**holds, **stopped}))


def holding(state: State, part: int, status: Status, **more: Any) -> State:
    return state.with_hold("web", "a", part, Hold(status, **more))


def test_all_that_may_run_here_is_guarded() -> None:
    found = guarded("a", RESOURCE_TYPES, made(per_node={"b": {"address": "192.0.2.200"}}))
    assert found.addresses == ("192.0.2.100",)
    assert found.ports == (("tcp", 5432),)
    assert guarded("b", RESOURCE_TYPES, made(per_node={"b": {"address": "192.0.2.200"}})).addresses == ("192.0.2.200",)


def test_what_cannot_run_here_is_not_guarded() -> None:
    found = guarded("c", RESOURCE_TYPES, made())
    assert (found.addresses, found.ports) == ((), ())
    bad = guarded("a", RESOURCE_TYPES, made(per_node={"a": {"address": "nonsense"}}))
    assert (bad.addresses, bad.ports) == ((), (("tcp", 5432),)), "it has no hands there"
    assert guarded("a", {}, made()).ports == ()


@pytest.mark.parametrize(
    "status", [Status.STARTING, Status.RUNNING, Status.STOPPING, Status.FAILED, Status.STUCK, Status.UNKNOWN]
)
def test_what_is_not_confirmed_stopped_is_at_stake(status: Status) -> None:
    stakes = Stakes("a", RESOURCE_TYPES)
    state = initial(made())
    stakes.follow(holding(state, DB, Status.STARTING, action="1"))
    stakes.follow(holding(state, DB, status))
    assert stakes.named(cut=True) == ("db",)
    stakes.follow(holding(state, DB, Status.STOPPED))
    assert stakes.named(cut=True) == ()


def test_what_a_new_daemon_does_not_know_yet_is_not() -> None:
    stakes = Stakes("a", RESOURCE_TYPES)
    stakes.follow(initial(made()))
    assert stakes.named(cut=False) == ()
    assert stakes.unclear(cut=True)
    stakes.follow(holding(initial(made()), DB, Status.STOPPED))
    assert not stakes.unclear(cut=True), "an address is ended by the kernel"
    assert stakes.unclear(cut=False)
    stakes.follow(holding(initial(made()), DB, Status.UNKNOWN, wait="retry:1"))
    assert stakes.named(cut=True) == ("db",), "a start with unknown result is tried again"


def test_what_the_kernel_ends_is_at_stake_only_where_it_cannot() -> None:
    stakes = Stakes("a", RESOURCE_TYPES)
    stakes.follow(holding(initial(made()), FIP, Status.RUNNING))
    assert stakes.named(cut=True) == ()
    assert stakes.named(cut=False) == ("fip1",)
    assert Stakes("a", {}).named(cut=True) == ()


def test_what_may_run_twice_is_not_at_stake() -> None:
    stakes = Stakes("a", RESOURCE_TYPES)
    stakes.follow(holding(initial(made()), LOG, Status.STUCK))
    assert stakes.named(cut=False) == ()


def test_what_runs_elsewhere_is_not_at_stake_here() -> None:
    stakes = Stakes("b", RESOURCE_TYPES)
    stakes.follow(holding(initial(made()), DB, Status.RUNNING))
    assert stakes.named(cut=True) == ()


def test_a_type_that_nobody_knows_takes_a_reset() -> None:
    stakes = Stakes("a", {})
    stakes.follow(holding(initial(made()), FIP, Status.RUNNING))
    assert stakes.named(cut=True) == ("fip1",)


def test_what_another_node_may_run_is_disputed_unless_nothing_of_it_is_here() -> None:
    state = undisputed(initial(made()))
    assert not disputed("a", state), "whatever is here: it is on no other node"
    taken = state.with_hold("web", "b", FIP, Hold(Status.RUNNING))
    assert disputed("a", taken), "a probe has to tell what is here"
    for part in (FIP, DB, LOG):
        taken = holding(taken, part, Status.STOPPED)
    assert not disputed("a", taken)
    assert disputed("a", holding(taken, FIP, Status.STOPPING))


def test_what_a_lost_node_may_have_taken_is_disputed_until_that_node_is_proven_gone() -> None:
    state = undisputed(initial(made()))
    lost = state.with_node("b", NodeFacts(Presence.LOST))
    assert disputed("a", lost)
    assert not disputed("a", lost.with_node("b", NodeFacts(Presence.GONE)))
    alone = lost.with_node("b", NodeFacts(Presence.GONE)).with_node("c", NodeFacts(Presence.LOST))
    assert disputed("a", alone), "a minority, whatever it takes for true"


def test_nothing_is_disputed_that_may_run_twice() -> None:
    config = made()
    parts = (config.groups[0].resources[LOG],)
    config = config.model_copy(update={"groups": (Group(name="web", nodes=("a", "b"), resources=parts),)})
    assert not disputed("a", initial(config))
