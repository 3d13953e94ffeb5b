"""A name that nobody knows is answered with the nearest ones, or with what there is."""

import pytest

from komainu.api import nearest
from komainu.api.operation import OperationRefused
from komainu.model.config import Cluster, Group, Monitor, MonitorRecovery, Target
from komainu.model.message import Said
from tests.doubles.daemons import cluster, resource

DISK = Monitor(
    name="diskw1",
    type="disk",
    nodes=("n1",),
    params={},
    first_wait_ms=0,
    interval_ms=1_000,
    timeout_ms=1_000,
    retries=0,
    recovery=MonitorRecovery(target=Target(kind="node")),
)
CONFIG = cluster(resource("vip", monitor="vipw1"), resource("app")).model_copy(update={"monitors": (DISK,)})


def refused(look: object, config: Cluster, name: str) -> Said:
    with pytest.raises(OperationRefused) as refusal:
        look(config, name)  # type: ignore[operator]
    return refusal.value.said


def test_what_is_known_is_found() -> None:
    assert nearest.node(CONFIG, "n1") == "n1"
    assert nearest.group(CONFIG, "web") is CONFIG.groups[0]
    assert nearest.resource(CONFIG, "app") == (CONFIG.groups[0], CONFIG.groups[0].resources[1])
    assert nearest.monitor(CONFIG, "diskw1") is DISK
    assert nearest.monitor(CONFIG, "vipw1") == (CONFIG.groups[0], CONFIG.groups[0].resources[0])
    assert nearest.kinds(CONFIG, "web") == ("group",)


@pytest.mark.parametrize(
    ("look", "name", "meant"),
    [
        (nearest.node, "n11", "n1"),
        (nearest.group, "wbe", "web"),
        (nearest.group, "WEB", "web"),
        (nearest.resource, "vpi", "vip"),
        (nearest.monitor, "diskw", "diskw1"),
        (nearest.kinds, "diskw2", "diskw1"),
    ],
)
def test_the_nearest_are_named_in_both_languages(look: object, name: str, meant: str) -> None:
    said = refused(look, CONFIG, name)

    assert said.level == "error"
    assert f"Did you mean {meant}" in said.en
    assert meant in said.ja
    assert name in said.en


def test_where_nothing_is_near_all_are_named_up_to_a_bound() -> None:
    many = CONFIG.model_copy(
        update={"groups": tuple(Group(name=f"batch{n}", nodes=("n1",), resources=()) for n in range(20))}
    )

    assert refused(nearest.group, CONFIG, "xyz").en.endswith("There is: web.")
    assert refused(nearest.group, many, "xyz").en.count("batch") == nearest.MOST_NAMED
    assert refused(nearest.group, cluster(groups=()), "xyz").en.endswith("There is none at all.")


@pytest.mark.parametrize(
    ("look", "name", "kind"),
    [(nearest.group, "app", "resource"), (nearest.resource, "web", "group"), (nearest.node, "diskw1", "monitor")],
)
def test_a_name_of_something_else_says_of_what(look: object, name: str, kind: str) -> None:
    assert refused(look, CONFIG, name).en.endswith(f"{name} is a {kind}.")
