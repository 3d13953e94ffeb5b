"""Clusters and changes of them, drawn by chance."""

from __future__ import annotations

from random import Random
from typing import Any

from komainu.model.config import (
    Cluster,
    Exclusion,
    Group,
    GroupDependency,
    Monitor,
    MonitorRecovery,
    Node,
    Recovery,
    Resource,
    Target,
)
from komainu_lab.sim.arbitrations import RIGHT_MS, WAIT_MS, arbitration

END_MS = 4_000
WINDOW_MS = 20_000


def _sizes(kind: str) -> tuple[int, ...]:
    """Between how many nodes a kind of arbitration decides."""
    return (2,) if kind.startswith("lease") else (3, 3, 4, 5) if kind.startswith("majority") else (2, 2, 3, 4)


def cluster(rng: Random, kind: str) -> Cluster:
    """2 to 4 nodes with an exclusive group, one without exclusive resources, and some of all else there is."""
    names = tuple(f"n{number}" for number in range(1, rng.choice(_sizes(kind)) + 1))
    nodes = tuple(Node(name=name, id=index + 1, links=(f"10.0.0.{index + 1}",)) for index, name in enumerate(names))
    db = _group(rng, names, "db", (_resource(rng, "disk", True), _resource(rng, "postgres", True, "disk")))
    web = _group(
        rng,
        names,
        "web",
        (
            _resource(rng, "vip", False),
            _resource(rng, "eip", False),
            _resource(rng, "http", False, "vip", "eip"),
        ),
    )
    if rng.random() < 0.3:
        needs = GroupDependency(group="db", same_node=rng.random() < 0.5, start_wait_ms=9_000, stop_wait_ms=3_000)
        nodes_of = db.nodes if needs.same_node else web.nodes
        web = web.model_copy(update={"depends_on": (needs,), "nodes": nodes_of})
    groups = [db, web]
    if rng.random() < 0.5:
        groups.append(_batch(rng, names))
    return Cluster(
        name="sim",
        environment="onprem",
        detect_within_ms=450,
        startup_sync_wait_ms=3_000,
        agent_return_ms=2_000,
        end_timeout_ms=END_MS,
        arbitration=arbitration(kind),
        nodes=nodes,
        groups=tuple(groups),
        exclusions=_exclusions(rng, web, groups),
        monitors=_monitors(rng, names, db, web),
    )


def changed(rng: Random, old: Cluster) -> Cluster:
    """Another configuration, made from that one."""
    if old.arbitration.limited and rng.random() < 0.2:
        return _judged_otherwise(rng, old)
    groups = list(old.groups)
    place = rng.randrange(len(groups))
    group = groups[place]
    match rng.choice(("params", "params", "settings", "add", "remove", "monitors", "nodes")):
        case "params":
            resources = list(group.resources)
            which = rng.randrange(len(resources))
            resources[which] = resources[which].model_copy(update={"params": {"port": rng.randint(1, 9)}})
            groups[place] = group.model_copy(update={"resources": tuple(resources)})
        case "settings":
            groups[place] = group.model_copy(update={"failback": rng.choice(("auto", "manual"))})
        case "add" if len(groups) < 4:
            extra = _resource(rng, f"extra{old.version}", rng.random() < 0.5)
            groups.append(_group(rng, tuple(node.name for node in old.nodes), f"extra{old.version}", (extra,)))
        case "remove" if groups[-1].name not in ("db", "web"):
            groups.pop()
        case "monitors":
            return old.model_copy(update={"version": old.version + 1, "monitors": old.monitors[1:]})
        case "nodes" if len(group.nodes) > 2 and not old.exclusions and not group.depends_on and group.name == "db":
            groups[place] = group.model_copy(update={"nodes": group.nodes[:-1]})
        case _:
            pass
    kept = tuple(each.name for each in groups)
    exclusions = tuple(rule for rule in old.exclusions if all(name in kept for name in rule.groups))
    update: dict[str, Any] = {"version": old.version + 1, "groups": tuple(groups), "exclusions": exclusions}
    return Cluster.model_validate(old.model_copy(update=update).model_dump())


def _judged_otherwise(rng: Random, old: Cluster) -> Cluster:
    """Other times of rights, or another third vote."""
    arbitration = old.arbitration
    if arbitration.lease is not None and rng.random() < 0.4:
        lease = arbitration.lease.model_copy(update={"params": {"key": rng.choice("abc")}})
        wanted = arbitration.model_copy(update={"lease": lease})
    else:
        right_ms, wait_ms = rng.choice(((RIGHT_MS, WAIT_MS), (2_600, 3_200), (6_000, 6_700)))
        wanted = arbitration.model_copy(update={"right_ms": right_ms, "wait_ms": wait_ms})
    return old.model_copy(update={"version": old.version + 1, "arbitration": wanted})


def _batch(rng: Random, names: tuple[str, ...]) -> Group:
    batch = _group(rng, names, "batch", (_resource(rng, "job", True),))
    start, failover = rng.choice(("auto", "manual")), rng.choice(("auto", "manual"))
    some = batch.nodes[: max(2, len(names) - 1)]
    return batch.model_copy(update={"start": start, "failover": failover, "failback": "manual", "nodes": some})


def _exclusions(rng: Random, web: Group, groups: list[Group]) -> tuple[Exclusion, ...]:
    if web.depends_on or rng.random() < 0.6:
        return ()
    members = tuple(group.name for group in groups[: rng.choice((2, 3))])
    return (Exclusion(name="apart", kind=rng.choice(("normal", "absolute")), groups=members),)


def _group(rng: Random, names: tuple[str, ...], name: str, resources: tuple[Resource, ...]) -> Group:
    order = list(names)
    rng.shuffle(order)
    return Group(
        name=name,
        nodes=tuple(order),
        resources=resources,
        failback=rng.choice(("manual", "manual", "auto")),
        failback_after_ms=1_500,
        destination=rng.choice(("priority", "priority", "healthiest")),
        failover_limit=4,
        failover_window_ms=WINDOW_MS,
    )


def _resource(rng: Random, name: str, exclusive: bool, *needs: str) -> Resource:
    actions = ("none", "none", "none", "stop-resource", "stop-group", "stop-service", "shutdown", "reboot", "reset")
    recovery = Recovery(
        start_retries=1,
        start_failovers=rng.choice((0, 1, 2, 3)),
        start_final_action=rng.choice(actions),
        restarts=2,
        failovers=rng.choice((0, 1, 2, 3)),
        final_action=rng.choice(actions),
        reset_after_ms=5_000,
        stop_retries=rng.choice((0, 0, 1)),
        stop_final_action=rng.choice(("none", "none", "shutdown", "reboot", "reset", "stop-service")),
    )
    return Resource(
        name=name, type="sim", exclusive=exclusive, params={}, start_timeout_ms=5_000, stop_timeout_ms=5_000,
        check_interval_ms=1_000, check_timeout_ms=1_000, prepare_interval_ms=1_000, recovery=recovery,
        depends_on=needs, monitor=f"{name}w",
    )  # fmt: skip


def _monitors(rng: Random, names: tuple[str, ...], db: Group, web: Group) -> tuple[Monitor, ...]:
    def monitor(name: str, target: Target, watches: Target | None, **recovery: Any) -> Monitor:
        policy = MonitorRecovery(target=target, reset_after_ms=4_000, **recovery)
        return Monitor(
            name=name, type="sim", nodes=names, watches=watches, params={}, first_wait_ms=0, interval_ms=1_000,
            timeout_ms=1_000, retries=0, recovery=policy, np=rng.random() < 0.3,
        )  # fmt: skip

    chosen = []
    if rng.random() < 0.6:
        final = rng.choice(("none", "shutdown", "reboot", "stop-service", "reset"))
        chosen.append(monitor("ping", Target(kind="node"), None, restarts=0, failovers=0, final_action=final))
    if rng.random() < 0.6:
        target = rng.choice(
            (Target(kind="group", group="db"), Target(kind="resource", group="db", resource="postgres"))
        )
        watches = rng.choice((None, target))
        final = rng.choice(("none", "stop-group", "shutdown"))
        script = rng.choice(("", "/script"))
        steps = {"restarts": rng.choice((0, 1, 2)), "failovers": rng.choice((0, 1, 2))}
        chosen.append(monitor("query", target, watches, final_action=final, script=script, **steps))
    if rng.random() < 0.3:
        chosen.append(monitor("site", Target(kind="all-groups"), None, restarts=1, failovers=1, final_action="none"))
    return tuple(chosen)
