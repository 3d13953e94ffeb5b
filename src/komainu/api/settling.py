"""Waiting for a command to be done: what happens, object by object, until nothing is under way any more."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from komainu.agent.daemon import Daemon
from komainu.api import nearest
from komainu.api.answers import SettleAnswer
from komainu.api.operation import READ, Operation, Request
from komainu.core.suspension import ABANDONED
from komainu.model.message import Message
from komainu.model.names import Name
from komainu.model.status import Presence

LOOK_MS = 500
"It is looked at so often even if no change is told: a node that leaves the cluster hears of no more changes."

AWAITED = Message(
    "KM6064",
    "Nodes that have not noted it yet: {nodes}.",
    "まだ確認していないノード: {nodes}",
    "warning",
)
NOT_RESUMED = Message(
    "KM6065",
    "The cluster is suspended, as a whole or in part: somebody else suspended it meanwhile.",
    "その後に別の操作でサスペンドされたため、クラスタの全体または一部がサスペンド中です。",
    "warning",
)

Json = dict[str, Any]


class SettleRequest(Request):
    """Who is followed, to which end."""

    kind: Literal["group", "resource", "node", "cluster"]
    name: Name | None = None
    "None for the cluster."
    want: Literal["Online", "Offline", "Suspended", "Resumed"]
    "The last two are for the cluster."
    timeout_ms: int = Field(default=300_000, ge=0, le=86_400_000)

    @model_validator(mode="after")
    def _of_the_cluster(self) -> Self:
        if self.want in ("Suspended", "Resumed") and self.kind != "cluster":
            raise ValueError(f"only the cluster is waited for until it is {self.want}")
        return self


async def _settle(daemon: Daemon, request: SettleRequest) -> AsyncGenerator[Json, None]:
    """How things stand after each change, until nothing is under way any more or the time is over."""
    _check(daemon, request)
    loop = asyncio.get_running_loop()
    end = loop.time() + request.timeout_ms / 1000
    told: Json | None = None
    while True:
        changed = daemon.loop.changed()
        now = standing(daemon.status(), request)
        if now != told:
            told = now
            yield now
        if now["settled"] or loop.time() >= end:
            return
        try:
            async with asyncio.timeout_at(min(end, loop.time() + LOOK_MS / 1000)):
                await changed.wait()
        except TimeoutError:
            continue


def _check(daemon: Daemon, request: SettleRequest) -> None:
    name, cluster = request.name or "", daemon.state.cluster
    if request.kind == "group":
        nearest.group(cluster, name)
    elif request.kind == "resource":
        nearest.resource(cluster, name)
    elif request.kind == "node":
        nearest.node(cluster, name)


def standing(status: Json, request: SettleRequest) -> Json:
    """How far it is. `status` is the whole answer of the operation of that name. Pure."""
    match request.kind:
        case "group":
            group = next(each for each in status["groups"] if each["name"] == request.name)
            return _of_group(group, group, request.want)
        case "resource":
            for group in status["groups"]:
                for resource in group["resources"]:
                    if resource["name"] == request.name:
                        return _of_group(group, resource, request.want)
            raise AssertionError("it was looked for before")
        case "node":
            return _of_nodes(status, [each for each in status["nodes"] if each["name"] == request.name], request.want)
        case "cluster" if request.want in ("Suspended", "Resumed"):
            return _of_suspension(status, on=request.want == "Suspended")
        case "cluster":
            return _of_nodes(status, status["nodes"], request.want)


def _of_group(group: Json, goal: Json, want: str) -> Json:
    hindrance, waits = group["hindrance"], _blocked(group)
    reached = goal["status"] == want
    return {
        "reached": reached,
        # Nothing is under way: it is where it should be, or failed, or waits for a proof that may never come.
        "settled": reached or waits or not goal["status"].endswith("Pending"),
        "waits": waits and not reached,
        "why": None if reached else hindrance or goal["why"] or group["why"],
        "objects": _group_lines(group),
    }


def _of_nodes(status: Json, nodes: list[Json], want: str) -> Json:
    names = [node["name"] for node in nodes]
    groups = status["groups"]
    if want == "Offline":
        # A node that nobody hears can be told nothing: it is not waited for when the others are to stop.
        passed = ("Offline", "Unknown") if len(nodes) > 1 else ("Offline",)
        behind = [node for node in nodes if node["status"] not in passed]
        parts = [part for group in groups for part in group["resources"] if part["node"] in names]
        failed = [part for part in parts if part["status"] == "Offline Failure"] if behind else []
        moving: list[Json] = []
        waits = bool(failed)  # a stop that fails is tried again and again
    else:
        behind = [node for node in nodes if node["status"] != "Online"]
        moving = [group for group in groups if group["status"].endswith("Pending") and not _blocked(group)]
        failed = [group for group in groups if group["status"].endswith("Failure") or _blocked(group)]
        failed = [] if behind else failed
        waits = any(_blocked(group) for group in failed) and not moving
    open_ = [*failed, *behind, *moving]
    why = next((each.get("hindrance") or each["why"] for each in open_), None)
    return {
        "reached": not open_,
        "settled": not open_ or (bool(failed) and not moving),
        "waits": waits,
        "why": why,
        "objects": [_line("node", node) for node in nodes] + [line for group in groups for line in _group_lines(group)],
    }


def _of_suspension(status: Json, *, on: bool) -> Json:
    """Where rights are limited it takes a moment: every node has to note it, or to be bound by its right again."""
    now, nodes = status["cluster"]["suspension"], status["nodes"]
    members = [node for node in nodes if node["presence"] == Presence.MEMBER and not node["leaving"]]
    marked = [node for node in members if node["suspended"]]
    under_way = now is not None and now["on"] is on and not (on and now["in_force"])
    reached = not under_way and (len(marked) == len(members) if on else not marked)
    why = None
    if under_way:
        why = AWAITED.said(nodes=", ".join(now["awaited"])).as_json()
    elif not reached:
        why = (ABANDONED if on else NOT_RESUMED).said().as_json()
    return {
        "reached": reached,
        "settled": not under_way,
        "waits": False,
        "why": why,
        "objects": [_line("node", node) for node in nodes],
    }


def _blocked(group: Json) -> bool:
    return group["hindrance"] is not None and group["hindrance"]["level"] != "info"


def _group_lines(group: Json) -> list[Json]:
    return [_line("group", group), *(_line("resource", each) for each in group["resources"])]


def _line(kind: str, told: Json) -> Json:
    return {"kind": kind, **{key: told[key] for key in ("name", "status", "why")}, "node": told.get("node")}


ROWS = (Operation("settle", SettleRequest, SettleAnswer, READ, stream_by=_settle),)
