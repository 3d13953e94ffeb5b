"""`exec`: an application, started by scripts or supervised by us (O2).

Supervised: `command` stays in the foreground; its death is reported at once, by the kernel's word and not by polling.
Scripts: `start` and `stop` (and `check`), which end when their work is done, as administrators know them.

Both begin clean and end certain: whatever an earlier start left is ended before a start, and a stop has succeeded only
when no process of the application is left. Only what is true is in the environment of scripts: whether a start is a
failover is not known here, so there is no CLP_EVENT.
"""

import asyncio
import signal
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.model.traits import Traits
from komainu.ports import Guarded, Host, ResourceHands, ResourceType
from komainu.types import command, exec_messages as say, published
from komainu.types.budget import own
from komainu.types.command import AbsolutePath, Command, Environment, listed, signal_name
from komainu.types.published import Published

_KILL_MS: Final = 2_000
"Kept of a timeout for the certain end of what did not end by itself."
_OBSTACLES = {
    "program": say.NO_PROGRAM,
    "directory": say.NO_DIRECTORY,
    "user": say.NO_USER,
    "record": say.NO_RECORD,
    "system": say.NOT_STARTED,
}


class ExecParams(BaseModel):
    """How an application is started, stopped and checked on a node."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: Command = Field(
        default=(),
        json_schema_extra=ja("フォアグラウンドで動くプログラムと引数。Komainu が起動し、終了を直ちに検出する。"),
    )
    "A program that stays in the foreground, with its arguments. Komainu starts it and sees its death at once."
    start: Command = Field(
        default=(),
        json_schema_extra=ja("開始スクリプト。アプリケーションを起動して終了する。`command` の代わりに使う。"),
    )
    "The start script, instead of `command`: it brings the application up and ends."
    stop: Command = Field(
        default=(), json_schema_extra=ja("終了スクリプト。その後も残っているプロセスは Komainu が終了させる。")
    )
    "The stop script. Processes of the application that are left after it are ended by Komainu."
    check: Command = Field(
        default=(), json_schema_extra=ja("監視スクリプト。正常なら正常終了コードで終わる。どちらの方式でも使える。")
    )
    "A check for either form: it ends with a normal exit code when the application is well."
    environment: Environment = Field(default={}, json_schema_extra=ja("プログラムとスクリプトに渡す環境変数。"))
    "Environment variables for the program and the scripts, besides those that Komainu sets."
    directory: AbsolutePath = Field(default="/", json_schema_extra=ja("作業ディレクトリ（絶対パス）。"))
    "The working directory, an absolute path."
    user: str = Field(
        default="", pattern=r"^([A-Za-z_][A-Za-z0-9_.@-]*\$?)?$", json_schema_extra=ja("実行ユーザ。省略時は root。")
    )
    "The user that the program and the scripts run as; root when empty."
    group: str = Field(
        default="",
        pattern=r"^([A-Za-z_][A-Za-z0-9_.@-]*\$?)?$",
        json_schema_extra=ja("実行グループ。省略時はユーザのグループ。"),
    )
    "The group that they run as; the user's own when empty."
    stop_signal: Literal["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"] = Field(
        default="TERM",
        json_schema_extra=ja("停止時に送るシグナル。まず起動したプロセスに、その終了後に残ったプロセスに送る。"),
    )
    "The signal that asks for the end: to the started process first, then to what it left behind."
    kill_after_ms: int = Field(
        default=10_000,
        ge=0,
        json_schema_extra=ja(
            "終了しないプロセスに SIGKILL を送るまでの時間。停止のタイムアウトに収まるように短縮される。"
        ),
    )
    "Processes that have not ended after this time get SIGKILL. It is cut down to fit into the stop timeout."
    startup_ms: int = Field(
        default=0,
        ge=0,
        json_schema_extra=ja("`command` がこの時間内に終了したら活性失敗とする。0 なら待たない。"),
    )
    "A `command` that ends within this time has failed to start. With 0 the start does not wait."
    normal_exit_codes: tuple[int, ...] = Field(
        default=(0,), min_length=1, json_schema_extra=ja("スクリプトの正常終了コード。")
    )
    "The exit codes by which a script says that all is well."
    publishes: tuple[Published, ...] = Field(
        default=(),
        json_schema_extra=ja(
            "公開するポート（`8080/tcp` など）。このノードの動作する権利が終わると、アプリケーションが停止して"
            "いなくても、カーネルがこのポートの通信を遮断する。"
        ),
    )
    (
        "The ports it serves, such as `8080/tcp`. When the right of this node to act ends, the kernel cuts them off "
        "from the network, even if the application does not stop in time."
    )
    log_bytes: int = Field(
        default=1_048_576,
        ge=8_192,
        le=268_435_456,
        json_schema_extra=ja("出力ログの上限（バイト）。古い部分から捨てられる。"),
    )
    "The most that is kept of the output, in bytes; the oldest goes first."

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if self.command and (self.start or self.stop):
            raise Refused(say.TWO_FORMS.said(key="start" if self.start else "stop"))
        if not self.command and not self.start and not self.stop:
            raise Refused(say.NO_FORM.said())
        if not self.command and not (self.start and self.stop):
            raise Refused(say.HALF_A_PAIR.said(key="stop" if self.start else "start"))
        if self.group and not self.user:
            raise Refused(say.GROUP_ALONE.said())
        return self


class _Exec:
    """What both forms share: one application on one node."""

    def __init__(self, params: ExecParams, host: Host) -> None:
        self._params = params
        self._host = host
        self._names = {"resource": host.resource, "node": host.node}
        self._signal = int(getattr(signal, f"SIG{params.stop_signal}"))
        self._clean = False
        "A stop or a probe of ours found for certain that nothing of it runs, and nothing was started after that."

    @property
    def _application(self) -> Any:
        host = self._host
        return host.processes.application(host.cluster, host.node, host.group, host.resource, self._params.log_bytes)

    def _program(self, words: tuple[str, ...], event: str) -> Any:
        host, params = self._host, self._params
        environment = {
            **params.environment,
            "KOMAINU_CLUSTER": host.cluster,
            "KOMAINU_NODE": host.node,
            "KOMAINU_GROUP": host.group,
            "KOMAINU_RESOURCE": host.resource,
            "KOMAINU_EVENT": event,
            "CLP_GROUPNAME": host.group,
            "CLP_RESOURCENAME": host.resource,
        }
        return host.processes.program(words, environment, params.directory, params.user, params.group)

    async def prepare(self) -> Outcome:
        """See that programs, directory and user are there."""
        for words in (self._params.command, self._params.start, self._params.stop, self._params.check):
            cannot = await self._host.processes.ready(self._program(words, "check")) if words else None
            if cannot is not None:
                return self._obstructed(cannot)
        return SUCCEEDED

    async def _begin_clean(self, application: Any, timeout_ms: int) -> Outcome | None:
        """End whatever an earlier start left. None when nothing is in the way of a start."""
        if self._clean or not await application.living():
            return None
        left = await application.end(self._signal, min(self._params.kill_after_ms, timeout_ms // 2), timeout_ms)
        return failed(say.REMAINS.said(**self._names, pids=listed(left))) if left else None

    async def _end_certain(self, application: Any, timeout_ms: int) -> Outcome:
        """End all processes, and forget the application once that is certain."""
        grace_ms = min(self._params.kill_after_ms, max(0, timeout_ms - _KILL_MS), timeout_ms * 3 // 4)
        left = await application.end(self._signal, grace_ms, timeout_ms)
        if left:
            return failed(say.REMAINS.said(**self._names, pids=listed(left)))
        cannot = application.forget()
        if cannot is not None:
            return self._obstructed(cannot)
        self._clean = True
        return SUCCEEDED

    async def _run_check(self, timeout_ms: int) -> Outcome:
        ran = await self._application.run(self._program(self._params.check, "check"), timeout_ms)
        said = (say.CHECK_CODE, say.CHECK_SIGNAL)
        if ran.timed_out:
            return failed(say.CHECK_TIMEOUT.said(**self._names, limit_ms=timeout_ms), ran.output)
        return self._obstructed(ran.cannot) if ran.cannot else self._judged(ran.ending, ran.output, *said)

    def _judged(self, ending: Any, output: str, by_code: Message, by_signal: Message) -> Outcome:
        """The outcome of a script that ended."""
        if ending.code is None:
            return failed(by_signal.said(**self._names, name=signal_name(ending.signal)), output)
        if ending.code not in self._params.normal_exit_codes:
            return failed(by_code.said(**self._names, code=ending.code), output)
        return SUCCEEDED

    def _obstructed(self, cannot: Any) -> Outcome:
        return failed(_OBSTACLES[cannot.obstacle].said(**self._names, text=cannot.text))

    def _up(self, application: Any) -> Outcome:
        """A start succeeded; said besides, if so, that the output is lost."""
        if not application.log_problem:
            return SUCCEEDED
        return Outcome(Result.SUCCEEDED, say.NO_LOG.said(**self._names, text=application.log_problem))


class Supervised(_Exec):
    """A process that we start ourselves."""

    _running = False
    "Its death would be news."

    async def start(self, timeout_ms: int) -> Outcome:
        """Start the process; SUCCEEDED at once when it runs already."""
        budget_ms = own(timeout_ms)
        application = self._followed()
        if application.alive and application.phase == "started":
            self._running = True
            return self._up(application)
        hindered = await self._begin_clean(application, budget_ms)
        if hindered is not None:
            return hindered
        self._clean = False
        cannot = await application.launch(self._program(self._params.command, "start"), started=True)
        if cannot is not None:
            return self._obstructed(cannot)
        if self._params.startup_ms:
            try:
                ending = await application.wait(min(self._params.startup_ms, budget_ms))
            except asyncio.CancelledError:
                application.kill_now()
                raise
            if ending is not None:
                return self._death(application)
        self._running = True
        return self._up(application)

    async def stop(self, timeout_ms: int) -> Outcome:
        """End the process and all that it started."""
        self._running = False
        application = self._followed()
        if self._clean and not application.phase:
            return SUCCEEDED
        application.note_stopping()  # whether it could be written changes nothing: a probe asks the process itself
        return await self._end_certain(application, own(timeout_ms))

    async def check(self, timeout_ms: int) -> Outcome:
        """The process is alive, and its check, if there is one, finds it well."""
        application = self._followed()
        if not application.alive:
            return self._death(application) if application.phase else failed(say.NOT_RUNNING.said(**self._names))
        # Hands that a change of the configuration made anew have neither started nor probed what they follow.
        self._running = self._running or application.phase == "started"
        return await self._run_check(own(timeout_ms)) if self._params.check else SUCCEEDED

    async def probe(self, timeout_ms: int) -> Outcome:
        """Adopt the process that an earlier run of the daemon started."""
        application = self._followed()
        if application.alive:
            self._running = True
            return SUCCEEDED
        living = await application.living()
        if living:
            return unknown(say.ORPHANS.said(**self._names, pids=listed(living)))
        if application.damage:
            return unknown(say.DAMAGED.said(**self._names), application.damage)
        self._clean = True
        return failed(say.NOT_RUNNING.said(**self._names))

    def _followed(self) -> Any:
        application = self._application
        application.on_end = self._died
        return application

    def _died(self, _: Any) -> None:
        if self._running:
            self._running = False
            self._host.report(self._death(self._application))

    def _death(self, application: Any) -> Outcome:
        ending, output = application.last_ending, application.output()
        if ending.code is not None:
            return failed(say.ENDED.said(**self._names, code=ending.code), output)
        if ending.signal is not None:
            return failed(say.KILLED.said(**self._names, name=signal_name(ending.signal)), output)
        return failed(say.GONE.said(**self._names), output)


class Scripted(_Exec):
    """An application that scripts start and stop."""

    async def start(self, timeout_ms: int) -> Outcome:
        """Run the start script; SUCCEEDED at once when it did its work before, and the check, if any, agrees."""
        budget_ms = own(timeout_ms)
        until_ms = self._host.now_ms() + budget_ms
        application = self._application
        if application.phase == "started" and await self._is_well(budget_ms):
            return self._up(application)
        hindered = await self._begin_clean(application, budget_ms)
        if hindered is not None:
            return hindered
        self._clean = False
        cannot = await application.launch(self._program(self._params.start, "start"), started=False)
        if cannot is not None:
            return self._obstructed(cannot)
        try:
            limit_ms = _less_kill(until_ms - self._host.now_ms())
            ending = await application.wait(limit_ms)
            if ending is None:
                return await self._broken_off(application, limit_ms)
        except asyncio.CancelledError:
            application.kill_now()
            raise
        outcome = self._judged(ending, application.output(), say.START_CODE, say.START_SIGNAL)
        if not outcome.succeeded:
            return outcome
        cannot = application.note_started()
        if cannot is not None:
            # It runs, and a daemon that restarts will not know: said, but no reason to take it down.
            return Outcome(Result.SUCCEEDED, say.NO_RECORD.said(**self._names, text=cannot.text))
        return self._up(application)

    async def stop(self, timeout_ms: int) -> Outcome:
        """Run the stop script, then end what is left. A node where it surely does not run needs no script."""
        budget_ms = own(timeout_ms)
        until_ms = self._host.now_ms() + budget_ms
        application = self._application
        if not application.phase and not application.damage and await self._is_surely_absent(budget_ms):
            return SUCCEEDED
        self._clean = False
        cannot = application.note_stopping()
        if cannot is not None:
            return self._obstructed(cannot)  # else a daemon that restarts would believe that it still runs
        # A start script that still runs (a daemon that died left it) would start again what is stopped.
        if not await application.end_launched(_KILL_MS):
            return failed(say.REMAINS.said(**self._names, pids=str(application.pid)))
        limit_ms = _less_kill(until_ms - self._host.now_ms())
        ran = await application.run(self._program(self._params.stop, "stop"), limit_ms)
        if ran.cannot is not None:
            return self._obstructed(ran.cannot)
        if ran.timed_out:
            return unknown(say.STOP_TIMEOUT.said(**self._names, limit_ms=limit_ms), ran.output)
        outcome = self._judged(ran.ending, ran.output, say.STOP_CODE, say.STOP_SIGNAL)
        if not outcome.succeeded:
            return outcome
        return await self._end_certain(application, until_ms - self._host.now_ms())

    async def check(self, timeout_ms: int) -> Outcome:
        """Ask the check script; without one nothing is known against it."""
        return await self._run_check(own(timeout_ms)) if self._params.check else SUCCEEDED

    async def probe(self, timeout_ms: int) -> Outcome:
        """Ask the check script; without one go by what is remembered of this boot."""
        application = self._application
        doubt = unknown(say.UNSEEN.said(**self._names))
        if self._params.check:
            outcome = await self._run_check(own(timeout_ms))
            if outcome.said is None:
                return SUCCEEDED
            doubt = unknown(outcome.said, outcome.detail)
            if outcome.said.code != say.CHECK_CODE.code:
                return doubt  # the check itself did not work
        elif application.phase == "started":
            return SUCCEEDED
        living = await application.living()
        if living:
            return unknown(say.ORPHANS.said(**self._names, pids=listed(living)))
        if application.damage:
            return unknown(say.DAMAGED.said(**self._names), application.damage)
        if application.phase:
            return doubt  # it was started in this boot, perhaps by somebody whose processes are not ours to see
        self._clean = True
        return failed(say.NOT_RUNNING.said(**self._names))

    async def _is_well(self, timeout_ms: int) -> bool:
        return not self._params.check or (await self._run_check(timeout_ms)).succeeded

    async def _is_surely_absent(self, timeout_ms: int) -> bool:
        """True when nothing was started in this boot, nothing of it lives, and a check, if any, does not find it."""
        if self._clean:
            return True
        if await self._application.living():
            return False
        if not self._params.check:
            return True
        outcome = await self._run_check(timeout_ms // 2)
        return outcome.said is not None and outcome.said.code == say.CHECK_CODE.code

    async def _broken_off(self, application: Any, limit_ms: int) -> Outcome:
        """The start script took too long: what it did is not known, but none of its processes goes on."""
        output = application.output()
        left = await application.end(signal.SIGKILL, 0, _KILL_MS)
        if left:
            return unknown(say.REMAINS.said(**self._names, pids=listed(left)), output)
        return unknown(say.START_TIMEOUT.said(**self._names, limit_ms=limit_ms), output)


def _less_kill(timeout_ms: int) -> int:
    return max(0, timeout_ms - min(_KILL_MS, timeout_ms // 4))


def make(params: ExecParams, host: Host) -> ResourceHands:
    """The hands for the form that the parameters choose."""
    return Supervised(params, host) if params.command else Scripted(params, host)


def _guards(params: Mapping[str, Any]) -> Guarded:
    return Guarded(ports=published.ports(params.get("publishes", ())))


EXEC = ResourceType(
    name="exec",
    monitor="execw",
    title=say.TITLE,
    description=say.DESCRIPTION,
    params=ExecParams,
    per_node_required=(),
    # What it does besides serving its ports, to a disk of others or as a client, ends only with the machine.
    traits=Traits(
        exclusive=True,
        exclusive_may_be_cleared=True,
        order=90,
        listed=True,
        ended_by="reset",
        check_interval_ms=10_000,
    ),
    messages=(*say.ALL, *command.MESSAGES, *published.MESSAGES),
    make=make,
    guards=_guards,
)
