"""`disk`: how full file systems are, space and inodes (C6). A file system that does not answer is unknown, not full."""

import asyncio
import math
import os
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types.aside import Aside
from komainu.types.budget import own
from komainu.types.command import AbsolutePath

SPACE_ERROR = Message(
    "KM4701",
    "Detected an error in monitoring {monitor}. (5 : The file system of {path} is {used} % full, the limit is {limit} "
    "%.)",
    "監視 {monitor} は異常を検出しました。(5 : {path} のファイルシステムの使用率が {used} % です。上限は {limit} %"
    " です。)",
    "error",
)
INODES_ERROR = Message(
    "KM4702",
    "Detected an error in monitoring {monitor}. (7 : The file system of {path} uses {used} % of its inodes, the limit "
    "is {limit} %.)",
    "監視 {monitor} は異常を検出しました。(7 : {path} のファイルシステムの i ノード使用率が {used} % です。上限は"
    " {limit} % です。)",
    "error",
)
SPACE_WARNING = Message(
    "KM4711",
    "Warn monitoring {monitor}. (105 : The file system of {path} is {used} % full, the limit is {limit} %.)",
    "監視 {monitor} は警告の状態です。(105 : {path} のファイルシステムの使用率が {used} % です。上限は {limit} %"
    " です。)",
    "warning",
)
INODES_WARNING = Message(
    "KM4712",
    "Warn monitoring {monitor}. (107 : The file system of {path} uses {used} % of its inodes, the limit is {limit} %.)",
    "監視 {monitor} は警告の状態です。(107 : {path} のファイルシステムの i ノード使用率が {used} % です。上限は"
    " {limit} % です。)",
    "warning",
)
TIMEOUT = Message(
    "KM4713",
    "Warn monitoring {monitor}. (106 : Timeout occurred. The file system of {path} does not answer.)",
    "監視 {monitor} は警告の状態です。(106 : タイムアウトが発生しました。{path} のファイルシステムが応答しません。)",
    "warning",
)
NOT_ASKED = Message(
    "KM4714",
    "Warn monitoring {monitor}. (108 : The file system of {path} cannot be asked. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(108 : {path} のファイルシステムの情報を取得できません。理由は詳細を参照して"
    "ください。)",
    "warning",
)
UPSIDE_DOWN = Message(
    "KM4721",
    "`{warn}` is {low} and `{error}` is {high}: the warning would never come before the error. Give the warning the "
    "lower value.",
    "`{warn}` が {low}、`{error}` が {high} のため、異常より先に警告が出ません。警告の値を小さくしてください。",
    "error",
)

Percent = Annotated[int, Field(ge=1, le=100)]

_SEVERITY: Final = (Result.FAILED, Result.UNKNOWN, Result.SUCCEEDED)


class DiskParams(BaseModel):
    """Which file systems are looked at, and how full they may be."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    paths: tuple[AbsolutePath, ...] = Field(
        default=("/",),
        min_length=1,
        max_length=32,
        json_schema_extra=ja("監視するファイルシステム。その中のパス（マウントポイントなど）で指定する。"),
    )
    "The file systems, each by a path in it: its mount point, or any other."
    warn_percent: Percent = Field(default=85, json_schema_extra=ja("使用率がこの値以上なら警告とする。"))
    "From this use of the space on it is a Caution."
    error_percent: Percent = Field(default=95, json_schema_extra=ja("使用率がこの値以上なら異常とする。"))
    "From this use of the space on it is an Error."
    inodes_warn_percent: Percent = Field(default=85, json_schema_extra=ja("i ノード使用率がこの値以上なら警告とする。"))
    "From this use of the inodes on it is a Caution."
    inodes_error_percent: Percent = Field(
        default=95, json_schema_extra=ja("i ノード使用率がこの値以上なら異常とする。")
    )
    "From this use of the inodes on it is an Error."

    @model_validator(mode="after")
    def _warns_first(self) -> Self:
        for prefix in ("", "inodes_"):
            warn, error = f"{prefix}warn_percent", f"{prefix}error_percent"
            low, high = getattr(self, warn), getattr(self, error)
            if low > high:
                raise Refused(UPSIDE_DOWN.said(warn=warn, error=error, low=low, high=high))
        return self


class Disk:
    """The file systems of one monitor on one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: DiskParams, host: MonitorHost) -> None:
        self._params = params
        self._monitor = host.monitor
        # One place for each: a server that hangs must not hide that another file system is full.
        self._asides: dict[str, Aside[os.statvfs_result]] = {
            path: Aside(f"statvfs {path} for {host.monitor}") for path in params.paths
        }

    async def begin(self) -> None:
        """Nothing is resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """The worst of what all of them say: full, not known, nearly full, normal."""
        outcomes = await asyncio.gather(*(self._ask(path, own(timeout_ms)) for path in self._asides))
        return min(outcomes, key=lambda outcome: (_SEVERITY.index(outcome.result), outcome.said is None))

    async def end(self) -> None:
        """Nothing is left behind but a thread that the kernel may hold."""

    async def _ask(self, path: str, timeout_ms: int) -> Outcome:
        names = {"monitor": self._monitor, "path": path}
        try:
            found = await self._asides[path].do(lambda: os.statvfs(path), timeout_ms)
        except TimeoutError as error:
            return unknown(TIMEOUT.said(**names), str(error) or f"no answer after {timeout_ms} ms")
        except OSError as error:
            return unknown(NOT_ASKED.said(**names), str(error))
        params = self._params
        # As df counts: what is kept for root is neither used nor to be had.
        space = _percent(found.f_blocks - found.f_bfree, found.f_blocks - found.f_bfree + found.f_bavail)
        inodes = _percent(found.f_files - found.f_ffree, found.f_files)
        for used, limit, message in (
            (space, params.error_percent, SPACE_ERROR),
            (inodes, params.inodes_error_percent, INODES_ERROR),
        ):
            if used >= limit:
                return failed(message.said(**names, used=used, limit=limit))
        for used, limit, message in (
            (space, params.warn_percent, SPACE_WARNING),
            (inodes, params.inodes_warn_percent, INODES_WARNING),
        ):
            if used >= limit:
                return Outcome(Result.SUCCEEDED, message.said(**names, used=used, limit=limit))
        return SUCCEEDED


def _percent(used: int, whole: int) -> int:
    """Rounded up, as df does; 0 of a file system that does not count them."""
    return math.ceil(100 * used / whole) if whole > 0 else 0


DISK = MonitorType(
    name="disk",
    title=Message("KM3027", "Disk use monitor", "ディスク使用率モニタ"),
    description=Message(
        "KM3028",
        "Looks how full file systems are, by space and by inodes. A file system that does not answer is Unknown.",
        "ファイルシステムの容量と i ノードの使用率を監視する。応答しないファイルシステムは状態不明とする。",
    ),
    params=DiskParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=60_000, timeout_ms=30_000),
    messages=(*(SPACE_ERROR, INODES_ERROR, SPACE_WARNING, INODES_WARNING, TIMEOUT, NOT_ASKED, UPSIDE_DOWN),),
    make=Disk,
)
