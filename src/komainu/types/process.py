"""`process`: are processes that Komainu did not start running, and as many as there should be (C6)?

They are found by a pid file, by their command line, or by both. The kernel is asked (/proc), no program is started.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused
from komainu.model.outcome import SUCCEEDED, Outcome, failed, unknown
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types.aside import Aside
from komainu.types.budget import own
from komainu.types.command import absolute

TOO_FEW = Message(
    "KM4601",
    "Detected an error in monitoring {monitor}. (5 : {found} processes of {what} are running, at least {limit} are "
    "needed.)",
    "監視 {monitor} は異常を検出しました。(5 : {what} のプロセスが {found} 個です。{limit} 個以上必要です。)",
    "error",
)
TOO_MANY = Message(
    "KM4602",
    "Detected an error in monitoring {monitor}. (7 : {found} processes of {what} are running, at most {limit} may be.)",
    "監視 {monitor} は異常を検出しました。(7 : {what} のプロセスが {found} 個です。上限は {limit} 個です。)",
    "error",
)
NO_PID_FILE = Message(
    "KM4603",
    "Detected an error in monitoring {monitor}. (8 : The pid file {path} does not exist.)",
    "監視 {monitor} は異常を検出しました。(8 : PID ファイル {path} がありません。)",
    "error",
)
BAD_PID_FILE = Message(
    "KM4604",
    "Warn monitoring {monitor}. (109 : The pid file {path} holds no process id: {text})",
    "監視 {monitor} は警告の状態です。(109 : PID ファイル {path} にプロセス ID がありません: {text})",
    "warning",
)
NOT_READ = Message(
    "KM4605",
    "Warn monitoring {monitor}. (199 : The processes of this node could not be looked at. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(199 : このノードのプロセスを調べられません。理由は詳細を参照してください。)",
    "warning",
)
TIMEOUT = Message(
    "KM4606",
    "Warn monitoring {monitor}. (106 : Timeout occurred.)",
    "監視 {monitor} は警告の状態です。(106 : タイムアウトが発生しました。)",
    "warning",
)
NOBODY = Message(
    "KM4611",
    "Nothing says which process is meant. Give `pid_file`, `command`, or both.",
    "対象のプロセスが指定されていません。`pid_file` または `command`、あるいは両方を指定してください。",
    "error",
)
BAD_PATTERN = Message(
    "KM4612",
    "`{pattern}` is no regular expression ({reason}). Write one that is found in the command line, or put a backslash "
    "before the signs that are meant as they are.",
    "`{pattern}` は正規表現として正しくありません（{reason}）。コマンドラインに一致する正規表現を書くか、文字どおりに"
    "扱う記号の前にバックスラッシュを付けてください。",
    "error",
)
NO_ROOM = Message(
    "KM4613",
    "`at_least` is {least} and `at_most` is {most}: no number fits both. Correct one of them.",
    "`at_least` が {least}、`at_most` が {most} のため、両方を満たす数がありません。どちらかを直してください。",
    "error",
)
ONE_AT_MOST = Message(
    "KM4614",
    "A pid file names one process, and `at_least` is {least}. Leave `at_least` out, or count by `command` alone.",
    "PID ファイルが示すプロセスは 1 個ですが、`at_least` が {least} です。`at_least` を省略するか、`command` だけで"
    "数えてください。",
    "error",
)

PROC = Path("/proc")
_DEAD = (b"Z", b"X", b"x")
"States of /proc: ended, and not yet waited for."


class ProcessParams(BaseModel):
    """Which processes have to run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pid_file: str = Field(default="", json_schema_extra=ja("プロセス ID が書かれたファイル（絶対パス）。"))
    "A file with the process id, an absolute path."
    command: str = Field(
        default="",
        json_schema_extra=ja(
            "コマンドライン（引数を空白で区切ったもの）の一部に一致する正規表現。`pid_file` とともに指定すると、"
            "そのプロセスが一致することも確認する。"
        ),
    )
    (
        "A regular expression that is found in the command line (its arguments, separated by blanks). Beside "
        "`pid_file` it tells whether that id still belongs to the right program."
    )
    at_least: int = Field(default=1, ge=0, json_schema_extra=ja("これより少なければ異常とする。"))
    "Fewer are an error."
    at_most: int = Field(default=0, ge=0, json_schema_extra=ja("これより多ければ異常とする。0 なら上限なし。"))
    "More are an error; 0 for no limit."

    @field_validator("pid_file")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return absolute(value) if value else value

    @field_validator("command")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise Refused(BAD_PATTERN.said(pattern=value, reason=str(error))) from error
        return value

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if not self.pid_file and not self.command:
            raise Refused(NOBODY.said())
        if self.at_most and self.at_least > self.at_most:
            raise Refused(NO_ROOM.said(least=self.at_least, most=self.at_most))
        if self.pid_file and self.at_least > 1:
            raise Refused(ONE_AT_MOST.said(least=self.at_least))
        return self


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, or why it cannot be said."""

    count: int = 0
    missing: bool = False
    "There is no pid file."
    text: str | None = None
    "What the pid file holds instead of an id."


class Process:
    """The processes of one monitor on one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: ProcessParams, host: MonitorHost) -> None:
        self._params = params
        self._monitor = host.monitor
        self._pattern = re.compile(params.command) if params.command else None
        self._aside: Aside[_Found] = Aside(f"processes for {host.monitor}")

    async def begin(self) -> None:
        """Nothing is resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when as many run as should."""
        names: dict[str, str] = {"monitor": self._monitor}
        limit_ms = own(timeout_ms)
        params = self._params
        try:
            # Aside, since a command line lies in the memory of its process, which the kernel may have locked.
            found = await self._aside.do(self._look, limit_ms)
        except TimeoutError as error:
            return unknown(TIMEOUT.said(**names), str(error) or f"no answer after {limit_ms} ms")
        except OSError as error:
            return unknown(NOT_READ.said(**names), str(error))
        if found.text is not None:
            return unknown(BAD_PID_FILE.said(**names, path=params.pid_file, text=found.text))
        if found.missing and params.at_least:
            return failed(NO_PID_FILE.said(**names, path=params.pid_file))
        names["what"] = params.pid_file or params.command
        if found.count < params.at_least:
            return failed(TOO_FEW.said(**names, found=found.count, limit=params.at_least))
        if params.at_most and found.count > params.at_most:
            return failed(TOO_MANY.said(**names, found=found.count, limit=params.at_most))
        return SUCCEEDED

    async def end(self) -> None:
        """Nothing is left behind."""

    def _look(self) -> _Found:
        if not self._params.pid_file:
            return _Found(sum(self._fits(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()))
        try:
            text = Path(self._params.pid_file).read_bytes()[:100].decode(errors="replace").strip()
        except FileNotFoundError:
            return _Found(missing=True)
        first = text.split()[0] if text else ""
        if not (first.isascii() and first.isdecimal() and int(first)):
            return _Found(text=repr(first))
        return _Found(int(self._fits(str(int(first)))))

    def _fits(self, pid: str) -> bool:
        """True for a process that runs and has the right command line. One that ends meanwhile does not run."""
        try:
            status = (PROC / pid / "stat").read_bytes()
            line = (PROC / pid / "cmdline").read_bytes() if self._pattern is not None else b""
        except (FileNotFoundError, ProcessLookupError):
            return False
        # The name stands in brackets and may hold anything, brackets too.
        if status.rpartition(b")")[2].split()[0] in _DEAD:
            return False
        return self._pattern is None or self._matches(line)

    def _matches(self, line: bytes) -> bool:
        if not line or self._pattern is None:
            return False  # the kernel's own threads have no command line
        return self._pattern.search(line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")) is not None


PROCESS = MonitorType(
    name="process",
    title=Message("KM3025", "Process monitor", "プロセスモニタ"),
    description=Message(
        "KM3026",
        "Looks whether processes are running that something else has started: by pid file or by command line.",
        "Komainu 以外が起動したプロセスの動作を、PID ファイルまたはコマンドラインで確認する。",
    ),
    params=ProcessParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=10_000, timeout_ms=10_000),
    messages=(
        *(TOO_FEW, TOO_MANY, NO_PID_FILE, BAD_PID_FILE, NOT_READ, TIMEOUT, NOBODY, BAD_PATTERN, NO_ROOM, ONE_AT_MOST),
    ),
    make=Process,
)
