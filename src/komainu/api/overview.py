"""How things stand: status, once or at every change, and the configuration that holds."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from komainu.agent.daemon import Daemon
from komainu.api import answers
from komainu.api.operation import READ, Nothing, Operation

STATUS_PAUSE_MS = 100
"A stream of status says no more than so often."


async def _status(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    return daemon.status()


async def _watch_status(daemon: Daemon, _: Nothing) -> AsyncGenerator[dict[str, Any], None]:
    while True:
        changed = daemon.loop.changed()
        yield daemon.status()
        await changed.wait()
        await asyncio.sleep(STATUS_PAUSE_MS / 1000)


async def _show_config(daemon: Daemon, _: Nothing) -> dict[str, Any]:
    cluster = daemon.state.cluster
    return {"version": cluster.version, "cluster": cluster.model_dump(mode="json")}


ROWS = (
    Operation("status", Nothing, answers.StatusAnswer, READ, answer_by=_status),
    Operation("status.watch", Nothing, answers.StatusAnswer, READ, stream_by=_watch_status),
    Operation("config.show", Nothing, answers.ConfigAnswer, READ, answer_by=_show_config),
)
