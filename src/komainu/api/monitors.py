"""Operations on monitors: those of resources, and those of their own (C6, C10)."""

from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api import nearest
from komainu.api.answers import CommandAnswer, MonitorsAnswer
from komainu.api.command import Changing, command
from komainu.api.operation import OPERATE, READ, Nothing, Operation
from komainu.model import commands as c
from komainu.model.names import Name


class MonitorRequest(Changing):
    """One monitor, on one node or on all."""

    monitor: Name
    node: Name | None = None


class FailRequest(MonitorRequest):
    """Verification mode of one monitor."""

    on: bool = True
    "It is to find an error; or no longer."


async def _list(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    status = daemon.status()
    cluster = status["cluster"]
    return {
        "maintenance": cluster["maintenance"],
        "suspended": cluster["suspended"],
        "monitors": status["monitors"],
    }


async def _suspend(daemon: Daemon, request: MonitorRequest) -> dict[str, Any]:
    _check(daemon, request)
    return await command(daemon, c.SuspendMonitor(request.monitor, request.node), dry_run=request.dry_run)


async def _resume(daemon: Daemon, request: MonitorRequest) -> dict[str, Any]:
    _check(daemon, request)
    return await command(daemon, c.ResumeMonitor(request.monitor, request.node), dry_run=request.dry_run)


async def _fail(daemon: Daemon, request: FailRequest) -> dict[str, Any]:
    _check(daemon, request)
    asked = c.SimulateFailure(request.monitor, request.node, request.on)
    return await command(daemon, asked, dry_run=request.dry_run)


def _check(daemon: Daemon, request: MonitorRequest) -> None:
    nearest.monitor(daemon.state.cluster, request.monitor)
    if request.node is not None:
        nearest.node(daemon.state.cluster, request.node)


ROWS = (
    Operation("monitor.list", Nothing, MonitorsAnswer, READ, answer_by=_list),
    Operation("monitor.suspend", MonitorRequest, CommandAnswer, OPERATE, answer_by=_suspend),
    Operation("monitor.resume", MonitorRequest, CommandAnswer, OPERATE, answer_by=_resume),
    Operation("monitor.fail", FailRequest, CommandAnswer, OPERATE, answer_by=_fail),
)
