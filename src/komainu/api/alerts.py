"""The alert log and the notifications, as operations (W5)."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

from pydantic import Field

from komainu.agent.alert_record import MODULES, MOST_MS, OTHER, Record, shown
from komainu.agent.alerts.notifications import Trial
from komainu.agent.alerts.store import MOST_RECORDS, Wanted
from komainu.agent.daemon import Daemon
from komainu.api.answers import Answer, SaidAnswer
from komainu.api.operation import OPERATE, READ, Operation, OperationRefused, Request
from komainu.model.message import Level, Message
from komainu.model.names import Name

NO_MODULE = Message(
    "KM6501",
    "There is no module {module}. Modules: {modules}.",
    "モジュール {module} はありません。モジュール: {modules}",
    "error",
)
NO_NOTIFICATION = Message(
    "KM6502",
    "There is no notification {name}. Notifications of this cluster: {names}.",
    "通知 {name} はありません。このクラスタの通知: {names}",
    "error",
)
NONE_CONFIGURED = Message(
    "KM6503",
    "This cluster has no notifications: alerts are in the alert log only. They are configured under `notifications:` "
    "in cluster.yaml.",
    "このクラスタには通知が設定されていないため、アラートはアラートログにのみ記録されます。"
    "通知は cluster.yaml の `notifications:` で設定します。",
    "error",
)

WORDS = tuple(sorted({OTHER: None, **dict.fromkeys(MODULES.values())}))
"""The modules."""


class AlertsRequest(Request):
    """Which alerts; all conditions hold together."""

    since_ms: int = Field(default=0, ge=0, lt=MOST_MS)
    "Not older than this; milliseconds since 1970, UTC."
    until_ms: int | None = Field(default=None, ge=0, lt=MOST_MS)
    "Not newer than this."
    level: Level = "info"
    "From this level on."
    module: str = Field(default="", max_length=50)
    "Of this module only."
    node: str = Field(default="", max_length=100)
    "About or from this node only."
    code: str = Field(default="", max_length=20)
    "With codes that begin like this."
    last: int = Field(default=100, ge=0, le=MOST_RECORDS)
    "So many of the last ones."


class TrialRequest(Request):
    """Which notification is tested."""

    name: Name | None = None
    "By default all."


class AlertAnswer(Answer):
    """One alert."""

    id: str
    "The same on every node."
    at: str
    "Time in UTC, as the clock of the recording node had it."
    node: str
    "The node it is about or comes from; empty: the cluster as a whole."
    module: str
    code: str
    level: str
    en: str
    ja: str
    detail: str


class TrialAnswer(Answer):
    """What a test of one notification from one node came to."""

    node: str
    notification: str
    result: str
    "`succeeded`, `failed` or `unknown`."
    said: SaidAnswer | None
    detail: str


async def _alerts(daemon: Daemon, request: AlertsRequest) -> AsyncGenerator[dict[str, Any], None]:
    for each in await daemon.alerts.log.find(_wanted(request)):
        yield _told(each)


async def _follow(daemon: Daemon, request: AlertsRequest) -> AsyncGenerator[dict[str, Any], None]:
    wanted = _wanted(request)
    log = daemon.alerts.log
    seq = log.seq
    found = await log.find(wanted)
    known = {each.key: None for each in found}
    for each in found:
        yield _told(each)
    while True:
        await log.more(seq)
        for number, each in log.after(seq):
            seq = number
            if each.key not in known and wanted.fits(each):
                yield _told(each)
        known = {}


async def _test(daemon: Daemon, request: TrialRequest) -> AsyncGenerator[dict[str, Any], None]:
    """Each result as it comes."""
    notifications = daemon.alerts.notifications
    names = notifications.names
    if not names:
        raise OperationRefused(NONE_CONFIGURED.said())
    if request.name is not None and request.name not in names:
        raise OperationRefused(NO_NOTIFICATION.said(name=request.name, names=", ".join(names)))
    results: asyncio.Queue[Trial | None] = asyncio.Queue()

    async def test() -> None:
        try:
            await notifications.test(request.name, daemon.alerts.present(), results.put_nowait)
        finally:
            results.put_nowait(None)

    testing = asyncio.get_running_loop().create_task(test())
    try:
        while (tested := await results.get()) is not None:
            yield _result(tested)
        await testing
    finally:
        testing.cancel()


def _wanted(request: AlertsRequest) -> Wanted:
    if request.module and request.module not in WORDS:
        raise OperationRefused(NO_MODULE.said(module=request.module, modules=", ".join(WORDS)))
    return Wanted(**request.model_dump())


def _told(each: Record) -> dict[str, Any]:
    return asdict(shown(each))


def _result(tested: Trial) -> dict[str, Any]:
    outcome = tested.outcome
    return {
        "node": tested.node,
        "notification": tested.notification,
        "result": str(outcome.result),
        "said": outcome.said.as_json() if outcome.said is not None else None,
        "detail": outcome.detail,
    }


ROWS = (
    Operation("alerts", AlertsRequest, AlertAnswer, READ, stream_by=_alerts),
    Operation("alerts.follow", AlertsRequest, AlertAnswer, READ, stream_by=_follow),
    Operation("alerts.test", TrialRequest, TrialAnswer, OPERATE, stream_by=_test),
)
