"""How things stand: status, once or at every change, of all or of one object, and the configuration that holds."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api import answers, nearest
from komainu.api.operation import READ, Nothing, Operation, Request

STATUS_PAUSE_MS = 100
"A stream of status says no more than so often."

Json = dict[str, Any]


class ObjectRequest(Request):
    """Whatever goes by that name."""

    name: str


async def _status(daemon: Daemon, _: Nothing) -> Json:
    return daemon.status()


async def _watch_status(daemon: Daemon, _: Nothing) -> AsyncGenerator[Json, None]:
    while True:
        changed = daemon.loop.changed()
        yield daemon.status()
        await changed.wait()
        await asyncio.sleep(STATUS_PAUSE_MS / 1000)


async def _object(daemon: Daemon, request: ObjectRequest) -> Json:
    kinds = nearest.kinds(daemon.state.cluster, request.name)
    status = daemon.status()
    return {"objects": [_one(status, kind, request.name) for kind in kinds]}


def _one(status: Json, kind: str, name: str) -> Json:
    """One object with what belongs to it."""
    found: Json = {"kind": kind, "node": None, "group": None, "resource": None, "monitor": None}
    if kind == "resource":
        group = next(each for each in status["groups"] if name in (part["name"] for part in each["resources"]))
        found["group"] = group
        found["resource"] = next(each for each in group["resources"] if each["name"] == name)
    else:
        found[kind] = next(each for each in status[f"{kind}s"] if each["name"] == name)
    return {
        **found,
        "monitors": _monitors(status, kind, name),
        "pending": [each for each in status["pending"] if name in (each[kind], each["target"])],
        "timers": [each for each in status["timers"] if each[kind] == name],
        "maintenance": status["cluster"]["maintenance"],
        "suspended": status["cluster"]["suspended"],
    }


def _monitors(status: Json, kind: str, name: str) -> list[Json]:
    """Those that run on the node, or that have to do with the group or the resource."""
    if kind == "node":
        here = [{**each, "on": [on for on in each["on"] if on["node"] == name]} for each in status["monitors"]]
        return [each for each in here if each["on"]]
    if kind == "monitor":
        return []
    return [each for each in status["monitors"] if name in (each[kind], each["watches"], each["recovers"])]


async def _show_config(daemon: Daemon, _: Nothing) -> Json:
    cluster = daemon.state.cluster
    return {"version": cluster.version, "cluster": cluster.model_dump(mode="json")}


ROWS = (
    Operation("status", Nothing, answers.StatusAnswer, READ, answer_by=_status),
    Operation("status.watch", Nothing, answers.StatusAnswer, READ, stream_by=_watch_status),
    Operation("status.object", ObjectRequest, answers.ObjectsAnswer, READ, answer_by=_object),
    Operation("config.show", Nothing, answers.ConfigAnswer, READ, answer_by=_show_config),
)
