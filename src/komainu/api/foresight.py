"""What would happen: courses of the real core on imagined events, for `what-if` and for dry runs of every command."""

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.agent.shown import what_if, words
from komainu.agent.shown.deeds import deeds
from komainu.agent.shown.what_if import MOST_EVENTS, Moment, Question
from komainu.api import answers, nearest
from komainu.api.operation import READ, Operation, OperationRefused, Request
from komainu.core.state import State
from komainu.model.actions import Action, AnswerCommand, RaiseAlert
from komainu.model.config import Cluster
from komainu.model.message import Message
from komainu.model.names import Name

INCOMPLETE = Message(
    "KM6060",
    "`what-if {what}` asks for {needed}.",
    "`what-if {what}` には {needed} が必要です。",
    "error",
)

What = Literal["node-lost", "daemon-lost", "node-returns", "resource-failed", "monitor-failed"]


class WhatIfRequest(Request):
    """What is imagined."""

    what: What
    nodes: tuple[Name, ...] = ()
    "Of `node-lost` and `daemon-lost`: at least one; of `node-returns`: one; of `monitor-failed`: one, or none for all."
    group: Name | None = None
    "Of `resource-failed`; it may be left out, names of resources are unique."
    resource: Name | None = None
    monitor: Name | None = None
    "A resource's own, or one of its own."
    times: int = Field(default=1, ge=1, le=100)
    "How often in a row the resource or the monitor is in error."


async def foresee(state: State, question: Question) -> dict[str, Any]:
    """The whole course as plain JSON values. The daemon has its turn between any two steps. Raises OperationRefused."""
    moments: list[Moment] = []
    try:
        for moment in what_if.course(state, question):
            moments.append(moment)
            await asyncio.sleep(0)
    except what_if.Unanswerable as refused:
        raise OperationRefused(refused.said) from None
    return to_json(state, moments)


def imagine(cluster: Cluster, asked: dict[str, Any]) -> dict[str, Any]:
    """The course in a formed cluster in which everything runs. Raises OperationRefused."""
    request = WhatIfRequest.model_validate(asked)
    state = what_if.formed(cluster)
    return asyncio.run(foresee(state, question(cluster, request)))


def question(cluster: Cluster, request: WhatIfRequest) -> Question:
    """What a request imagines. Raises OperationRefused for names that nobody knows."""
    nodes = tuple(nearest.node(cluster, name) for name in request.nodes)
    match request.what:
        case "node-lost" | "daemon-lost" if nodes:
            return (what_if.NodesLost if request.what == "node-lost" else what_if.DaemonsLost)(nodes)
        case "node-returns" if len(nodes) == 1:
            return what_if.NodeReturns(nodes[0])
        case "resource-failed" if request.resource is not None:
            if request.group is not None:
                nearest.group(cluster, request.group)
            group, resource = nearest.resource(cluster, request.resource)
            return what_if.ResourceFails(group.name, resource.name, request.times)
        case "monitor-failed" if request.monitor is not None and len(nodes) <= 1:
            found = nearest.monitor(cluster, request.monitor)
            if isinstance(found, tuple):
                return what_if.ResourceFails(found[0].name, found[1].name, request.times)
            return what_if.MonitorFails(found.name, nodes[0] if nodes else None, request.times)
    needed = {"resource-failed": "RESOURCE", "monitor-failed": "MONITOR [NODE]"}.get(request.what, "NODE")
    raise OperationRefused(INCOMPLETE.said(what=request.what, needed=needed))


def to_json(state: State, moments: Iterable[Moment]) -> dict[str, Any]:
    """A course as plain JSON values, and what it makes of every node and group."""
    told = list(moments)
    after = told[-1].state if told else state
    answer = next((each for moment in told for each in moment.actions if isinstance(each, AnswerCommand)), None)
    return {
        "accepted": answer.accepted if answer is not None else None,
        "said": answer.said.as_json() if answer is not None else None,
        "complete": len(told) < MOST_EVENTS,
        "moments": [_moment(moment) for moment in told],
        "nodes": _standings(words.summary(state), words.summary(after), "node"),
        "groups": _standings(words.summary(state), words.summary(after), "group"),
    }


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "at_ms": moment.at_ms,
        "event": type(moment.event).__name__,
        "text": moment.told.as_json(),
        "assumed": moment.assumed,
        "actions": [_action(action) | {"text": text.as_json()} for action, text in deeds(moment.actions)],
        "alerts": [each.said.as_json() for each in moment.actions if isinstance(each, RaiseAlert)],
        "changes": [dataclasses.asdict(change) for change in moment.changes],
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "action": type(action).__name__,
        "id": getattr(action, "id", ""),
        "node": getattr(action, "node", ""),
        "group": getattr(action, "group", None),
        "resource": getattr(action, "resource", None),
        "monitor": getattr(action, "monitor", None),
        "target": getattr(action, "target", None),
        "because": [said.as_json() for said in getattr(action, "because", ())],
    }


def _standings(before: words.Summary, after: words.Summary, kind: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "before": _standing(before[kind, name]) if (kind, name) in before else None,
            "after": _standing(told),
        }
        for (what, name), told in after.items()
        if what == kind
    ]


def _standing(told: words.Told) -> dict[str, Any]:
    return {
        "status": told.word,
        "node": told.node,
        "why": told.why.as_json() if told.why is not None else None,
    }


async def _what_if(daemon: Daemon, request: WhatIfRequest) -> dict[str, Any]:
    state = daemon.state
    return await foresee(state, question(state.cluster, request))


ROWS = (Operation("what-if", WhatIfRequest, answers.CourseAnswer, READ, answer_by=_what_if),)
