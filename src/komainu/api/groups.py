"""Operations on groups and their resources."""

from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api import nearest
from komainu.api.answers import CommandAnswer
from komainu.api.command import Changing, command
from komainu.api.operation import OPERATE, Operation
from komainu.model import commands as c
from komainu.model.names import Name


class GroupRequest(Changing):
    """One group."""

    group: Name


class PlaceRequest(Changing):
    """One group, and where it is wanted."""

    group: Name
    node: Name | None = None
    "The node; by default the best one."


class ResourceRequest(Changing):
    """One resource; its name is unique in the cluster."""

    resource: Name


async def _move(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    _check(daemon, request)
    return await command(daemon, c.MoveGroup(request.group, request.node), dry_run=request.dry_run)


async def _start(daemon: Daemon, request: PlaceRequest) -> dict[str, Any]:
    _check(daemon, request)
    return await command(daemon, c.StartGroup(request.group, request.node), dry_run=request.dry_run)


async def _stop(daemon: Daemon, request: GroupRequest) -> dict[str, Any]:
    nearest.group(daemon.state.cluster, request.group)
    return await command(daemon, c.StopGroup(request.group), dry_run=request.dry_run)


async def _restore(daemon: Daemon, request: GroupRequest) -> dict[str, Any]:
    nearest.group(daemon.state.cluster, request.group)
    return await command(daemon, c.RestoreGroup(request.group), dry_run=request.dry_run)


async def _start_resource(daemon: Daemon, request: ResourceRequest) -> dict[str, Any]:
    group, resource = nearest.resource(daemon.state.cluster, request.resource)
    return await command(daemon, c.StartPart(group.name, resource.name), dry_run=request.dry_run)


async def _stop_resource(daemon: Daemon, request: ResourceRequest) -> dict[str, Any]:
    group, resource = nearest.resource(daemon.state.cluster, request.resource)
    return await command(daemon, c.StopPart(group.name, resource.name), dry_run=request.dry_run)


def _check(daemon: Daemon, request: PlaceRequest) -> None:
    nearest.group(daemon.state.cluster, request.group)
    if request.node is not None:
        nearest.node(daemon.state.cluster, request.node)


ROWS = (
    Operation("group.move", PlaceRequest, CommandAnswer, OPERATE, answer_by=_move),
    Operation("group.start", PlaceRequest, CommandAnswer, OPERATE, answer_by=_start),
    Operation("group.stop", GroupRequest, CommandAnswer, OPERATE, answer_by=_stop),
    Operation("group.restore", GroupRequest, CommandAnswer, OPERATE, answer_by=_restore),
    Operation("resource.start", ResourceRequest, CommandAnswer, OPERATE, answer_by=_start_resource),
    Operation("resource.stop", ResourceRequest, CommandAnswer, OPERATE, answer_by=_stop_resource),
)
