"""What `komainu status` shows: the state all members agree on, and what this node knows besides. Pure."""

from dataclasses import dataclass
from typing import Any

from komainu import __version__
from komainu.agent import safety, words
from komainu.agent.recorder import said_to_json
from komainu.core.state import RULES, State, Status
from komainu.model.config import Group
from komainu.model.message import Said
from komainu.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Local:
    """What this node knows and the others need not."""

    node: str
    incarnation: str
    pid: int
    standing: str
    "`connected`, `waiting` or `alone` (komainu.agent.line)."
    synced: bool
    beat_interval_ms: int
    beat_round_trip_ms: int
    api_calls: dict[str, int]
    "Calls to the cloud since the daemon started, by name."
    prepared: dict[tuple[str, str], Outcome]
    "Whether a resource that does not run here could be started here, by group and resource."
    monitors: dict[tuple[str, str], str]
    "The name of each resource's own monitor."


def report(state: State, local: Local) -> dict[str, Any]:
    """The whole of it as plain JSON values."""
    cluster = state.cluster
    return {
        "cluster": {
            "name": cluster.name,
            "version": cluster.version,
            "environment": cluster.environment,
            "language": cluster.language,
            "detect_within_ms": cluster.detect_within_ms,
            "formed": state.formed,
            "epoch": state.epoch,
            "rules": RULES,
            "arbitration": {
                "kind": cluster.arbitration.kind,
                "strength": safety.strength(cluster),
                "statement": [said_to_json(said) for said in safety.statement(cluster)],
            },
        },
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
        },
        "nodes": [_node(state, node.name, node.id, node.links) for node in cluster.nodes],
        "groups": [_group(state, group, local) for group in cluster.groups],
    }


def _node(state: State, name: str, number: int, links: tuple[str, ...]) -> dict[str, Any]:
    told, facts = words.node(state, name), state.nodes[name]
    return {
        "name": name,
        "id": number,
        "links": list(links),
        "status": told.word,
        "why": _said(told.why),
        "presence": facts.presence,
        "proof": facts.proof,
        "incarnation": facts.incarnation,
    }


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
        "barred": list(facts.barred),
        "hindrance": _said(facts.hindrance),
        "because": [said_to_json(said) for said in facts.because],
        "may_run_on": [
            node for node, holds in facts.holds.items() if any(hold.status is not Status.STOPPED for hold in holds)
        ],
        "resources": [_resource(state, group, index, local) for index in range(len(group.resources))],
    }


def _resource(state: State, group: Group, index: int, local: Local) -> dict[str, Any]:
    resource, told = group.resources[index], words.resource(state, group, index)
    hold = state.groups[group.name].holds[told.node][index] if told.node is not None else None
    monitor = words.monitor(state, group, index)
    key = (group.name, resource.name)
    prepared = local.prepared.get(key)
    return {
        "name": resource.name,
        "type": resource.type,
        "status": told.word,
        "node": told.node,
        "why": _said(told.why),
        "exclusive": resource.exclusive,
        "start_failures": hold.start_failures if hold is not None else 0,
        "restarts": hold.restarts if hold is not None else 0,
        "monitor": {
            "name": local.monitors.get(key, resource.name),
            "status": monitor.word,
            "why": _said(monitor.why),
        },
        "ready_here": None
        if prepared is None
        else {"result": prepared.result, "why": _said(prepared.said), "detail": prepared.detail},
    }


def _said(said: Said | None) -> dict[str, str] | None:
    return said_to_json(said) if said is not None else None
