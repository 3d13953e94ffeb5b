"""What `komainu status` shows: the state all members agree on, and what this node knows besides. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from komainu import __version__
from komainu.agent.members.heartbeat import Beat
from komainu.agent.rights.voting import Seen
from komainu.agent.shown import pending, rights as rights_shown, safety, words
from komainu.core.state import Hold, State, Status
from komainu.model.config import Cluster, Group, Monitor, Node, Resource, Target
from komainu.model.message import Said
from komainu.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Local:
    """What this node knows and the others need not."""

    node: str
    incarnation: str
    pid: int
    standing: str
    "`connected`, `waiting` or `alone` (komainu.agent.members.line)."
    synced: bool
    beat_interval_ms: int
    beat_round_trip_ms: int
    api_calls: dict[str, int]
    "Calls to the cloud since the daemon started, by name."
    prepared: dict[tuple[str, str], Outcome]
    "Whether a resource that does not run here could be started here, by group and resource."
    monitors: dict[tuple[str, str], str]
    "The name of each resource's own monitor."
    labels: Mapping[tuple[str, str], str] = field(default_factory=dict)
    "What people know each resource by, such as its address."
    api_calls_in_last_minute: int = 0
    heartbeat: Mapping[tuple[str, int], Beat] = field(default_factory=dict)
    "What was last seen of each link, by node and interconnect, counted from 1."
    began: Mapping[str, str] = field(default_factory=dict)
    "When an action was decided, by its id, as far as this node remembers."
    left_ms: Mapping[str, int] = field(default_factory=dict)
    "How long each timer still has to run."
    stopped: tuple[str, ...] = ()
    "Nodes whose daemon is there and takes no part: they can be started from here."
    vote: Seen | None = None
    "Its right and the vote, where rights are limited."
    isolation: tuple[Said | None, Said] | None = None
    "Why the kernel cannot cut it off, and what would reset it; None while it needs no right."


def report(state: State, local: Local) -> dict[str, Any]:
    """The whole of it as plain JSON values."""
    cluster = state.cluster
    return {
        "cluster": _cluster(state, local),
        "here": {
            "node": local.node,
            "version": __version__,
            "pid": local.pid,
            "incarnation": local.incarnation,
            "standing": local.standing,
            "synced": local.synced,
            "beat_interval_ms": local.beat_interval_ms,
            "beat_round_trip_ms": local.beat_round_trip_ms,
            "api_calls": local.api_calls,
            "api_calls_in_last_minute": local.api_calls_in_last_minute,
            "heartbeat": _heartbeat(cluster, local),
            "right_left_ms": local.vote.left_ms if local.vote is not None else None,
            "vote": rights_shown.vote(local.vote) if cluster.arbitration.kind == "lease" else None,
            "isolation": _isolation(local.isolation),
        },
        "nodes": [_node(state, node, local) for node in cluster.nodes],
        "groups": [_group(state, group, local) for group in cluster.groups],
        "monitors": monitors(state, local.monitors),
        "pending": [_pending(each, local) for each in pending.pending(state)],
        "timers": [_waiting(each, local) for each in pending.waiting(state)],
    }


def _isolation(seen: tuple[Said | None, Said] | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    trouble, strength = seen
    return {"trouble": trouble.as_json() if trouble is not None else None, "reset_by": strength.as_json()}


def monitors(state: State, names: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    """Every monitor: those of resources, in the order of the groups, then those of their own."""
    groups = state.cluster.groups
    found = [_of_resource(state, group, place, names) for group in groups for place in range(len(group.resources))]
    return found + [_of_its_own(state, monitor) for monitor in state.cluster.monitors]


def _cluster(state: State, local: Local) -> dict[str, Any]:
    cluster, change, members = state.cluster, state.change, state.members()
    return {
        "name": cluster.name,
        "version": cluster.version,
        "environment": cluster.environment,
        "language": cluster.language,
        "detect_within_ms": cluster.detect_within_ms,
        "formed": state.formed,
        "epoch": state.epoch,
        "rules": state.rules,
        "maintenance": state.maintenance,
        "suspended": bool(members) and all(state.nodes[name].suspended for name in members),
        "suspension": rights_shown.suspended(state),
        "change": None
        if change is None
        else {
            "version": change.cluster.version,
            "who": change.who,
            "why": change.why,
            "origin": change.origin,
            "agreed": list(change.agreed),
            "awaited": [name for name in members if name not in change.agreed],
        },
        "arbitration": {
            "kind": cluster.arbitration.kind,
            "strength": safety.strength(cluster),
            "statement": [said.as_json() for said in safety.statement(cluster)],
            **rights_shown.arbitration(state, local.vote),
        },
    }


def _node(state: State, node: Node, local: Local) -> dict[str, Any]:
    told, facts = words.node(state, node.name), state.nodes[node.name]
    why = words.WAS_STOPPED.said(node=node.name) if node.name in local.stopped else told.why
    return {
        "name": node.name,
        "id": node.id,
        "links": list(node.links),
        "status": told.word,
        "why": _said(why),
        "presence": facts.presence,
        "proof": facts.proof,
        "suspended": facts.suspended,
        "powerless": facts.powerless,
        "leaving": facts.leaving,
        "then": facts.then if facts.leaving else None,
        "incarnation": facts.incarnation,
        # Of a node that never took part the state has a guess.
        "rules": facts.rules if facts.incarnation else None,
    }


def _heartbeat(cluster: Cluster, local: Local) -> list[dict[str, Any]]:
    found = []
    for node in cluster.nodes:
        for link, address in enumerate(node.links if node.name != local.node else (), start=1):
            beat = local.heartbeat.get((node.name, link))
            word = "unknown" if beat is None else "up" if beat.up else "down"
            latency = beat.latency_us if beat is not None else None
            found.append({"node": node.name, "link": link, "address": address, "state": word, "latency_us": latency})
    return found


def _group(state: State, group: Group, local: Local) -> dict[str, Any]:
    told, facts = words.group(state, group), state.groups[group.name]
    return {
        "name": group.name,
        "status": told.word,
        "node": told.node,
        "why": _said(told.why),
        "nodes": list(group.nodes),
        "wanted": facts.wanted,
        "exclusive": group.exclusive,
        "failovers": facts.failovers,
        "failovers_counted": len(facts.recent),
        "failover_limit": group.failover_limit,
        "given_up": facts.given_up,
        "parked": list(facts.parked),
        "barred": list(facts.barred),
        "hindrance": _said(facts.hindrance),
        "because": [said.as_json() for said in facts.because],
        "may_run_on": [
            node for node, holds in facts.holds.items() if any(hold.status is not Status.STOPPED for hold in holds)
        ],
        "resources": [_resource(state, group, index, local) for index in range(len(group.resources))],
    }


def _resource(state: State, group: Group, index: int, local: Local) -> dict[str, Any]:
    resource, told = group.resources[index], words.resource(state, group, index)
    facts = state.groups[group.name]
    hold = facts.holds[told.node][index] if told.node is not None else None
    monitor = words.own_monitor(state, group, index)
    key = (group.name, resource.name)
    prepared = local.prepared.get(key)
    start_failures = hold.start_failures if hold is not None else 0
    restarts = _reactivations(hold) if hold is not None else 0
    policy = resource.recovery
    return {
        "name": resource.name,
        "type": resource.type,
        "label": local.labels.get(key, ""),
        "status": told.word,
        "node": told.node,
        "why": _said(told.why),
        "exclusive": resource.exclusive,
        "depends_on": list(resource.depends_on),
        "start_failures": start_failures,
        "restarts": restarts,
        "left": {
            "starts": max(0, policy.start_retries + 1 - start_failures),
            "restarts": max(0, policy.restarts - restarts),
            "failovers": max(0, policy.failovers - facts.failovers),
        },
        "monitor": {
            "name": _own_name(group, resource, local.monitors),
            "status": monitor.word,
            "why": _said(monitor.why),
        },
        "ready_here": None
        if prepared is None
        else {"result": prepared.result, "why": _said(prepared.said), "detail": prepared.detail},
    }


def _reactivations(hold: Hold) -> int:
    """How often it was reactivated. An error counts at once, also while nothing follows from it, as in maintenance."""
    return max(0, hold.restarts - 1) if hold.status is Status.FAILED else hold.restarts


def _of_resource(state: State, group: Group, index: int, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    resource, told = group.resources[index], words.own_monitor(state, group, index)
    facts, known, policy = state.groups[group.name], state.monitor(resource.monitor), resource.recovery
    return {
        "name": _own_name(group, resource, names),
        "type": resource.type,
        "status": told.word,
        "node": told.node,
        "why": _said(told.why),
        "group": group.name,
        "resource": resource.name,
        "watches": resource.name,
        "recovers": resource.name,
        "restarts": policy.restarts,
        "failovers": policy.failovers,
        "failovers_left": max(0, policy.failovers - facts.failovers),
        "final_action": policy.final_action,
        "on": [
            {
                "node": name,
                "status": told.word if name == told.node else words.Word.UNUSED,
                "why": _said(told.why) if name == told.node else None,
                "restarts_left": max(0, policy.restarts - _reactivations(facts.holds[name][index])),
                "suspended": name in known.suspended,
                "simulated": name in known.simulated,
            }
            for name in group.nodes
        ],
    }


def _of_its_own(state: State, monitor: Monitor) -> dict[str, Any]:
    told, facts, policy = words.monitor(state, monitor), state.monitor(monitor.name), monitor.recovery
    each = {name: words.monitor_on(state, monitor, name) for name in monitor.nodes}
    used = {name: facts.on[name].restarts if name in facts.on else 0 for name in monitor.nodes}
    return {
        "name": monitor.name,
        "type": monitor.type,
        "status": told.word,
        "node": told.node,
        "why": _said(told.why),
        "group": None,
        "resource": None,
        "watches": _target(monitor.watches) if monitor.watches is not None else None,
        "recovers": _target(policy.target),
        "restarts": policy.restarts,
        "failovers": policy.failovers,
        "failovers_left": max(0, policy.failovers - facts.failovers),
        "final_action": policy.final_action,
        "on": [
            {
                "node": name,
                "status": each[name].word,
                "why": _said(each[name].why),
                "restarts_left": max(0, policy.restarts - used[name]),
                "suspended": name in facts.suspended,
                "simulated": name in facts.simulated,
            }
            for name in monitor.nodes
        ],
    }


def _target(target: Target) -> str:
    """As it is written in the configuration."""
    if target.kind == "all-groups":
        return "all-groups"
    return target.resource or target.group or "local-server"


def _own_name(group: Group, resource: Resource, names: Mapping[tuple[str, str], str]) -> str:
    return resource.monitor or names.get((group.name, resource.name), resource.name)


def _pending(each: pending.Pending, local: Local) -> dict[str, Any]:
    return {
        "action": each.kind,
        "id": each.id,
        "text": each.text.as_json(),
        "since": local.began.get(each.id),
        "node": each.node,
        "group": each.group,
        "resource": each.resource,
        "monitor": each.monitor,
        "target": each.target,
    }


def _waiting(each: pending.Waiting, local: Local) -> dict[str, Any]:
    return {
        "timer": each.timer,
        "text": each.text.as_json(),
        "after_ms": each.after_ms,
        "left_ms": local.left_ms.get(each.timer),
        "node": each.about.get("node"),
        "group": each.about.get("group"),
        "resource": each.about.get("resource"),
        "monitor": each.about.get("monitor"),
    }


def _said(said: Said | None) -> dict[str, str] | None:
    return said.as_json() if said is not None else None
