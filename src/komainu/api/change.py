"""Operations on the configuration: what a change would mean, and the change itself (C11)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Any

from pydantic import Field

from komainu.agent.daemon import Daemon
from komainu.agent.members.requests import Answer
from komainu.agent.shown.what_if import Ordered
from komainu.api.answers import Answer as Shape, CourseAnswer, SaidAnswer
from komainu.api.command import COMMAND_TIMEOUT_MS, together
from komainu.api.foresight import foresee
from komainu.api.operation import OPERATE, Operation, OperationRefused, Request
from komainu.api.settling import SettleRequest, standing
from komainu.api.versions import DISK_MS, DifferenceAnswer, differences, kept
from komainu.config import diff, read
from komainu.config.problem import Problem
from komainu.core.state import Change
from komainu.model import commands as c
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.signature import NOT_SAID
from komainu.types.aside import Aside

READ_MS = 60_000
"How long the largest file may take to be read."
OBJECTIONS_MS = 3_000
"How long the objections of further nodes are waited for, once one node has refused."
LOOK_MS = 500
LONGEST_MS = 86_400_000

ERRORS = Message(
    "KM6701",
    "The configuration has {count} error(s) and cannot be applied; nothing was changed. `komainu config check FILE` "
    "lists them.",
    "構成情報に {count} 件のエラーがあるため適用できません。変更はありません。一覧は `komainu config check FILE` で"
    "確認できます。",
    "error",
)
NO_CHANGE = Message(
    "KM6702",
    "This configuration is in force already (version {version}). Nothing was changed.",
    "この構成情報は既に有効です (第 {version} 版)。変更はありません。",
)
NOT_GIVEN = Message(
    "KM6704",
    "The cluster did not take up the change: the members are being put together, or this node is cut off. Nothing was "
    "changed. Look at `komainu status`, then apply it again.",
    "メンバーの調整中、またはこのノードが切断されているため、変更は受け付けられませんでした。変更はありません。"
    "`komainu status` を確認し、もう一度適用してください。",
    "error",
)
ONE_OF_BOTH = Message(
    "KM6705",
    "Give either the text of a configuration or the number of a version.",
    "構成情報のテキストか版の番号のどちらか一方を指定してください。",
    "error",
)
UNKNOWN_END = Message(
    "KM6706",
    "The change is no longer under way and no answer came: this node was put together with the others meanwhile. "
    "`komainu config history` shows which version is in force.",
    "変更の処理は終了しましたが、メンバーの調整により応答が失われました。有効な版は `komainu config history` で"
    "確認できます。",
    "warning",
)

Json = dict[str, Any]


class PlanRequest(Request):
    """A configuration that might be applied: a text, or a version that was in force once."""

    text: str | None = Field(default=None, max_length=1_048_577)
    version: int | None = Field(default=None, ge=1)
    course: bool = False
    "Tell as well what the core would do."
    who: str = Field(default="", max_length=100)
    why: str = Field(default="", max_length=1_000)


class ApplyRequest(Request):
    """A configuration to put in force."""

    text: str | None = Field(default=None, max_length=1_048_577)
    version: int | None = Field(default=None, ge=1)
    base: int = Field(ge=1)
    "The version in force when its meaning was looked at: another change meanwhile is a reason to look again."
    who: str = Field(default="", max_length=100)
    why: str = Field(default="", max_length=1_000)
    wait: bool = True
    "Go on telling until the groups are at rest under it."


class ProblemAnswer(SaidAnswer):
    """Something wrong with the text."""

    line: int
    column: int
    path: str


class PlanAnswer(Shape):
    """What applying it would mean. Nothing was changed."""

    base: int
    "The version in force."
    version: int
    "The one it would be."
    usable: bool
    "False when it has errors."
    problems: list[ProblemAnswer]
    differences: list[DifferenceAnswer]
    consequences: list[SaidAnswer]
    interrupts: bool
    "Something that may be running has to stop, if only for a moment."
    course: CourseAnswer | None


class ApplyingAnswer(Shape):
    """How far it is."""

    phase: str
    "`asked`, `judging`, `stopping`, `settling` or `done`."
    version: int
    agreed: list[str]
    "Nodes that found it right and wrote it down."
    awaited: list[str]
    pending: list[SaidAnswer]
    "What is under way."
    accepted: bool | None
    "With the phase `done`: whether it is in force."
    said: SaidAnswer | None
    objections: list[SaidAnswer]
    "Why it was refused, from every node that objected."


# --- what it would mean ----------------------------------------------------------------------------------------------


async def _plan(daemon: Daemon, request: PlanRequest) -> Json:
    now = daemon.state.cluster
    wanted, _, problems = await _wanted(daemon, request.text, request.version)
    answer: Json = {
        "base": now.version,
        "version": now.version + 1,
        "usable": wanted is not None,
        "problems": problems,
        "differences": [],
        "consequences": [],
        "interrupts": False,
        "course": None,
    }
    if wanted is None:
        return answer
    follows = diff.consequences(now, wanted)
    answer["differences"] = differences(now, wanted)
    answer["consequences"] = [said.as_json() for said in follows.said()]
    answer["interrupts"] = follows.interrupts
    if request.course and answer["differences"]:
        await together(daemon)
        command = c.ChangeConfiguration(wanted, request.who or NOT_SAID, request.why or NOT_SAID)
        answer["course"] = await foresee(daemon.state, Ordered(command, daemon.around.me))
    return answer


async def _wanted(daemon: Daemon, text: str | None, number: int | None) -> tuple[Cluster | None, str, list[Json]]:
    """The configuration that is meant, as the next version, and its text; None with the problems of a bad text."""
    version = daemon.state.cluster.version + 1
    if (text is None) is (number is None):
        raise OperationRefused(ONE_OF_BOTH.said())
    if number is not None:
        known = await kept(daemon, number)
        return known.cluster.model_copy(update={"version": version}), known.text, []
    assert text is not None
    around = daemon.around
    work = partial(
        read.read,
        text.encode(errors="replace"),
        around.types,
        version,
        monitors=around.monitor_types,
        notifiers=around.notifiers,
    )
    reading = await Aside[read.Reading]("read").do(work, READ_MS)
    return reading.cluster, text, [_problem(each) for each in reading.problems]


# --- the change ------------------------------------------------------------------------------------------------------


async def _apply(daemon: Daemon, request: ApplyRequest) -> AsyncGenerator[Json, None]:
    """Have it put in force, and tell how far it is; the last item says what became of it."""
    wanted, text, problems = await _wanted(daemon, request.text, request.version)
    if wanted is None:
        count = len([each for each in problems if each["level"] == "error"])
        raise OperationRefused(ERRORS.said(count=count))
    wanted = wanted.model_copy(update={"version": request.base + 1})
    now = daemon.state.cluster
    if request.base == now.version and not diff.differences(now, wanted):
        yield _item("done", wanted, accepted=True, said=NO_CHANGE.said(version=now.version))
        return
    await together(daemon)
    command = c.ChangeConfiguration(wanted, request.who or NOT_SAID, request.why or NOT_SAID, text)
    applying = _Applying(daemon, wanted)
    asked = asyncio.get_running_loop().create_task(daemon.parts.requests.ask(command, LONGEST_MS))
    try:
        async for item in applying.follow(asked):
            yield item
    finally:
        asked.cancel()
    answer = asked.result() if asked.done() and not asked.cancelled() else applying.given_up
    if answer.accepted:
        await _on_disk(daemon)
        if request.wait:
            async for item in _to_rest(daemon, wanted):
                yield item
    objections = [] if answer.accepted else await applying.objections()
    yield _item("done", wanted, accepted=answer.accepted, said=answer.said, objections=objections)


class _Applying:
    """One change on its way."""

    def __init__(self, daemon: Daemon, cluster: Cluster) -> None:
        self.given_up = Answer(False, NOT_GIVEN.said())
        "The answer where none came."
        self._daemon = daemon
        self._cluster = cluster
        self._seen: Change | None = None

    async def follow(self, asked: "asyncio.Task[Answer]") -> AsyncGenerator[Json, None]:
        """How far it is, after each change, until there is an answer or none can come."""
        loop, daemon = asyncio.get_running_loop(), self._daemon
        patience = loop.time() + COMMAND_TIMEOUT_MS / 1000
        told: Json = {}
        while not asked.done():
            changed = daemon.loop.changed()
            change = daemon.state.change
            if change is not None and change.origin == daemon.around.me and change.cluster == self._cluster:
                self._seen = change
                patience = loop.time() + COMMAND_TIMEOUT_MS / 1000
            elif loop.time() > patience:
                if self._seen is not None:
                    self.given_up = Answer(False, UNKNOWN_END.said())
                return
            item = self._progress()
            if item != told:
                told = item
                yield item
            waiting = loop.create_task(changed.wait())
            await asyncio.wait({waiting, asked}, timeout=LOOK_MS / 1000, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def objections(self) -> list[Said]:
        """What every node has against it. The first one ended the attempt; the others may be a little later."""
        daemon = self._daemon
        told = daemon.parts.judging.told_of(self._cluster)
        with suppress(TimeoutError):
            async with asyncio.timeout(OBJECTIONS_MS / 1000):
                while any(told.values()) and any(node not in told for node in daemon.state.members()):
                    await daemon.loop.changed().wait()
                    told = daemon.parts.judging.told_of(self._cluster)
        return [said for refusals in told.values() for said in refusals]

    def _progress(self) -> Json:
        change = self._daemon.state.change
        if change is None or change.cluster != self._cluster:
            return _item("asked", self._cluster)
        awaited = [node for node in self._daemon.state.members() if node not in change.agreed]
        status = self._daemon.status()
        pending = [] if awaited else [each["text"] for each in status["pending"]]
        return {
            **_item("judging" if awaited else "stopping", self._cluster),
            "agreed": list(change.agreed),
            "awaited": awaited,
            "pending": pending,
        }


async def _to_rest(daemon: Daemon, wanted: Cluster) -> AsyncGenerator[Json, None]:
    """What happens under the new configuration, until nothing is under way any more."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 300
    told: Json = {}
    while loop.time() < end and daemon.state.cluster == wanted:
        changed = daemon.loop.changed()
        status = daemon.status()
        names = [group.name for group in wanted.groups]
        at_rest = all(
            standing(status, SettleRequest(kind="group", name=name, want="Online"))["settled"] for name in names
        )
        item = {**_item("settling", wanted), "pending": [each["text"] for each in status["pending"]]}
        if item != told and item["pending"]:
            told = item
            yield item
        if at_rest and not item["pending"]:
            return
        try:
            async with asyncio.timeout(LOOK_MS / 1000):
                await changed.wait()
        except TimeoutError:
            continue


async def _on_disk(daemon: Daemon) -> None:
    """Wait until this node has written down that it holds: an answer must outlive a loss of power here."""
    done = asyncio.Event()
    background = daemon.background
    if background.do(lambda: background.hand_over(done.set), lambda error: None):
        try:
            async with asyncio.timeout(DISK_MS / 1000):
                await done.wait()
        except TimeoutError:
            return  # the keeper tells of a disk that hangs


def _item(
    phase: str, cluster: Cluster, accepted: bool | None = None, said: Said | None = None, objections: Any = ()
) -> Json:
    return {
        "phase": phase,
        "version": cluster.version,
        "agreed": [],
        "awaited": [],
        "pending": [],
        "accepted": accepted,
        "said": said.as_json() if said is not None else None,
        "objections": [each.as_json() for each in objections],
    }


def _problem(problem: Problem) -> Json:
    return {
        **problem.said.as_json(),
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
    }


ROWS = (
    Operation("config.plan", PlanRequest, PlanAnswer, OPERATE, answer_by=_plan),
    Operation("config.apply", ApplyRequest, ApplyingAnswer, OPERATE, stream_by=_apply),
)
