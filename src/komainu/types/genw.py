"""`genw`: a check that an administrator wrote (A3, C6): a command whose exit code tells, or one that has to stay.

Synchronous: it is run at each check, and a normal exit code says that all is well. Resident: it is started with the
round of checks and has to go on running; its death is an error at once, by the kernel's word and not by polling.
"""

import signal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.described import ja
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHands, MonitorHost, MonitorTraits, MonitorType
from komainu.types import command
from komainu.types.budget import own
from komainu.types.command import AbsolutePath, Command, Environment, listed, signal_name

BY_CODE = Message(
    "KM4301",
    "Detected an error in monitoring {monitor}. (1 : The command ended with exit code {code}.)",
    "監視 {monitor} は異常を検出しました。(1 : コマンドが終了コード {code} で終了しました。)",
    "error",
)
BY_SIGNAL = Message(
    "KM4302",
    "Detected an error in monitoring {monitor}. (2 : The command was ended by signal {name}.)",
    "監視 {monitor} は異常を検出しました。(2 : コマンドがシグナル {name} で終了しました。)",
    "error",
)
ENDED = Message(
    "KM4303",
    "Detected an error in monitoring {monitor}. (3 : The resident command has ended: {how}.)",
    "監視 {monitor} は異常を検出しました。(3 : 常駐コマンドが終了しました（{how}）。)",
    "error",
)
TIMEOUT = Message(
    "KM4306",
    "Detected an error in monitoring {monitor}. (6 : Timeout occurred.)",
    "監視 {monitor} は異常を検出しました。(6 : タイムアウトが発生しました。)",
    "error",
)
CANNOT_START = Message(
    "KM4311",
    "Warn monitoring {monitor}. (104 : The command cannot be started on this node: {text})",
    "監視 {monitor} は警告の状態です。(104 : このノードでコマンドを開始できません: {text})",
    "warning",
)
WARN_TIMEOUT = Message(
    "KM4312",
    "Warn monitoring {monitor}. (106 : Timeout occurred.)",
    "監視 {monitor} は警告の状態です。(106 : タイムアウトが発生しました。)",
    "warning",
)
REMAINS = Message(
    "KM4313",
    "Warn monitoring {monitor}. (107 : Processes of an earlier check do not end, although they were sent SIGKILL: "
    "{pids})",
    "監視 {monitor} は警告の状態です。(107 : 以前の監視のプロセスが SIGKILL を送っても終了しません: {pids})",
    "warning",
)
NO_LOG = Message(
    "KM4314",
    "Warn monitoring {monitor}. (110 : The output of the command is not kept: {text})",
    "監視 {monitor} は警告の状態です。(110 : コマンドの出力を保存できません: {text})",
    "warning",
)

_GRACE_MS: Final = 2_000
_END_MS: Final = 4_000


class GenwParams(BaseModel):
    """What is run, and what its end means."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: Command = Field(json_schema_extra=ja("実行するプログラムまたはスクリプトと引数。"))
    "The program or script to run, with its arguments."
    mode: Literal["synchronous", "resident"] = Field(
        default="synchronous",
        json_schema_extra=ja(
            "`synchronous` は監視のたびに実行して終了コードで判定する。"
            "`resident` は監視の開始時に起動し、動作し続けることを確認する。"
        ),
    )
    "`synchronous`: run at each check, its exit code tells. `resident`: started once, and it has to go on running."
    normal_exit_codes: tuple[int, ...] = Field(
        default=(0,), min_length=1, json_schema_extra=ja("正常終了コード。`resident` では使わない。")
    )
    "The exit codes that say that all is well. A resident command has none: its end is an error."
    timeout_is_error: bool = Field(
        default=True,
        json_schema_extra=ja("タイムアウトまでに終わらなければ異常とする。false なら状態不明とする。"),
    )
    "Whether a command that does not end in time is an Error; with `false` it is Unknown, and nothing is recovered."
    environment: Environment = Field(default={}, json_schema_extra=ja("コマンドに渡す環境変数。"))
    "Environment variables for the command, besides those that Komainu sets."
    directory: AbsolutePath = Field(default="/", json_schema_extra=ja("作業ディレクトリ（絶対パス）。"))
    "The working directory, an absolute path."
    user: str = Field(
        default="", pattern=r"^([A-Za-z_][A-Za-z0-9_.@-]*\$?)?$", json_schema_extra=ja("実行ユーザ。省略時は root。")
    )
    "The user that the command runs as; root when empty."
    log_bytes: int = Field(
        default=262_144,
        ge=8_192,
        le=268_435_456,
        json_schema_extra=ja("出力ログの上限（バイト）。古い部分から捨てられる。"),
    )
    "The most that is kept of the output, in bytes; the oldest goes first."


class _Genw:
    """What both modes share."""

    def __init__(self, params: GenwParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host

    def _program(self) -> Any:
        host, params = self._host, self._params
        environment = {
            **params.environment,
            "KOMAINU_CLUSTER": host.cluster,
            "KOMAINU_NODE": host.node,
            "KOMAINU_MONITOR": host.monitor,
            "KOMAINU_EVENT": "check",
        }
        return host.processes.program(params.command, environment, params.directory, params.user)

    def _said(self, message: Message, **more: str | int) -> Said:
        return message.said(monitor=self._host.monitor, **more)

    def _cannot(self, cannot: Any) -> Outcome:
        return unknown(self._said(CANNOT_START, text=cannot.text))

    def _well(self, log_problem: str) -> Outcome:
        if not log_problem:
            return SUCCEEDED
        return Outcome(Result.SUCCEEDED, self._said(NO_LOG, text=log_problem))


class Synchronous(_Genw):
    """Run at each check: `komainu.ports.MonitorHands`."""

    async def begin(self) -> None:
        """Nothing is resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """Run it. In the time it is given it has ended, or it is ended with all that it has started."""
        host = self._host
        log = host.processes.log(f"@{host.monitor}", self._params.log_bytes)
        limit_ms = own(timeout_ms)
        ran = await host.processes.run(self._program(), limit_ms, log)
        try:
            await log.trim()
            problem = ""
        except FileNotFoundError:
            problem = ""  # it has never written anything
        except OSError as error:
            problem = str(error)
        if ran.cannot is not None:
            return self._cannot(ran.cannot)
        if ran.timed_out:
            left = f"; left over: {listed(ran.left)}" if ran.left else ""
            detail = f"no end after {limit_ms} ms{left}\n{ran.output}".strip()
            if self._params.timeout_is_error:
                return failed(self._said(TIMEOUT), detail)
            return unknown(self._said(WARN_TIMEOUT), detail)
        if ran.ending.code is None:
            return failed(self._said(BY_SIGNAL, name=signal_name(ran.ending.signal)), ran.output)
        if ran.ending.code not in self._params.normal_exit_codes:
            return failed(self._said(BY_CODE, code=ran.ending.code), ran.output)
        return self._well(problem)

    async def end(self) -> None:
        """A check under way ends when it is cancelled."""


class Resident(_Genw):
    """Started with the round, and it has to stay: `komainu.ports.MonitorHands`."""

    def __init__(self, params: GenwParams, host: MonitorHost) -> None:
        super().__init__(params, host)
        self._on = False
        "Its death would be news."
        self._hindered: Outcome | None = None
        "Why it is not running, when it was not started."

    @property
    def _application(self) -> Any:
        host = self._host
        # No group has an empty name, so this record is nobody else's.
        return host.processes.application(host.cluster, host.node, "", host.monitor, self._params.log_bytes)

    async def begin(self) -> None:
        """End what an earlier round, or an earlier run of the daemon, left; then start it."""
        self._on = True
        await self._start()

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when it is running. One that has ended is started again: it can be well at the next look."""
        application = self._application
        if application.alive:
            return self._well(application.log_problem)
        outcome = self._hindered or self._death()
        if self._on:
            await self._start()
        return outcome

    async def end(self) -> None:
        """End it, and all that it has started."""
        self._on = False
        self._hindered = None
        await self._clear()

    async def _start(self) -> None:
        self._hindered = await self._clear()
        if self._hindered is not None:
            return
        application = self._application
        application.on_end = self._died
        cannot = await application.launch(self._program(), started=True)
        if cannot is not None:
            self._hindered = self._cannot(cannot)

    async def _clear(self) -> Outcome | None:
        """None when surely nothing of it is left."""
        application = self._application
        application.on_end = None
        left = await application.end(signal.SIGTERM, _GRACE_MS, _END_MS)
        if left:
            return unknown(self._said(REMAINS, pids=listed(left)))
        cannot = application.forget()
        return None if cannot is None else self._cannot(cannot)

    def _died(self, _: Any) -> None:
        if self._on:
            self._host.report(self._death())

    def _death(self) -> Outcome:
        ending = self._application.last_ending
        how = "?"
        if ending.code is not None:
            how = f"exit code {ending.code}"
        elif ending.signal is not None:
            how = signal_name(ending.signal)
        return failed(self._said(ENDED, how=how), self._application.output())


def make(params: GenwParams, host: MonitorHost) -> MonitorHands:
    """The hands for the mode that the parameters choose."""
    return Resident(params, host) if params.mode == "resident" else Synchronous(params, host)


GENW = MonitorType(
    name="genw",
    title=Message("KM3019", "Custom monitor", "カスタムモニタ"),
    description=Message(
        "KM3020",
        "Runs a command or script of your own: its exit code tells whether all is well, or it has to go on running.",
        "任意のコマンドまたはスクリプトを実行し、終了コード、または動作し続けていることで正常かどうかを判定する。",
    ),
    params=GenwParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=60_000, timeout_ms=120_000),
    messages=(
        *(BY_CODE, BY_SIGNAL, ENDED, TIMEOUT, CANNOT_START, WARN_TIMEOUT, REMAINS, NO_LOG),
        *command.MESSAGES,
    ),
    make=make,
)
