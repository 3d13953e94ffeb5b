"""`tcp`: does something listen there? A TCP connection is made and closed again (A3, A4: the LISTEN check)."""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.described import ja
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types.budget import own
from komainu.types.resolving import Address, Resolver, is_own

REFUSED = Message(
    "KM4401",
    "Detected an error in monitoring {monitor}. (5 : Failed to connect to {target}.)",
    "監視 {monitor} は異常を検出しました。(5 : {target} に接続できません。)",
    "error",
)
TIMEOUT = Message(
    "KM4402",
    "Detected an error in monitoring {monitor}. (6 : Timeout occurred. ({target}))",
    "監視 {monitor} は異常を検出しました。(6 : タイムアウトが発生しました。({target}))",
    "error",
)
UNREACHABLE = Message(
    "KM4403",
    "Detected an error in monitoring {monitor}. (7 : {target} cannot be reached.)",
    "監視 {monitor} は異常を検出しました。(7 : {target} に到達できません。)",
    "error",
)
NO_NAME = Message(
    "KM4404",
    "Detected an error in monitoring {monitor}. (8 : The name of {target} cannot be resolved.)",
    "監視 {monitor} は異常を検出しました。(8 : {target} の名前を解決できません。)",
    "error",
)
WARN_TIMEOUT = Message(
    "KM4412",
    "Warn monitoring {monitor}. (106 : Timeout occurred. ({target}))",
    "監視 {monitor} は警告の状態です。(106 : タイムアウトが発生しました。({target}))",
    "warning",
)
WARN_UNREACHABLE = Message(
    "KM4413",
    "Warn monitoring {monitor}. (107 : {target} cannot be reached.)",
    "監視 {monitor} は警告の状態です。(107 : {target} に到達できません。)",
    "warning",
)
WARN_NO_NAME = Message(
    "KM4414",
    "Warn monitoring {monitor}. (108 : The name of {target} cannot be resolved.)",
    "監視 {monitor} は警告の状態です。(108 : {target} の名前を解決できません。)",
    "warning",
)
NOT_TRIED = Message(
    "KM4419",
    "Warn monitoring {monitor}. (199 : This node could not try to connect to {target}. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(199 : このノードから {target} への接続を試行できません。理由は詳細を参照して"
    "ください。)",
    "warning",
)

_WARNINGS: Final = {TIMEOUT: WARN_TIMEOUT, UNREACHABLE: WARN_UNREACHABLE, NO_NAME: WARN_NO_NAME}
_SAYS_NO: Final = (errno.ECONNREFUSED, errno.ECONNRESET)
_SILENT: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EAFNOSUPPORT)


class TcpParams(BaseModel):
    """Whether something listens at a place."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = Field(
        min_length=1, max_length=253, pattern=r"^\S+$", json_schema_extra=ja("接続先の名前または IP アドレス。")
    )
    "The name or the IP address to connect to. Of several addresses of a name one has to answer."
    port: int = Field(ge=1, le=65_535, json_schema_extra=ja("接続先の TCP ポート番号。"))
    "The TCP port."
    no_answer: Literal["error", "caution"] = Field(
        default="error",
        json_schema_extra=ja(
            "応答がない場合（タイムアウト、到達不能、名前解決の失敗）の扱い。拒否された場合は常に異常とする。"
        ),
    )
    "What it means when nothing answers in time, there is no route, or the name is not resolved. A refusal is an error."


class Tcp:
    """One LISTEN check on one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: TcpParams, host: MonitorHost) -> None:
        self._params = params
        self._names = {"monitor": host.monitor, "target": _target(params.host, params.port)}
        self._resolver = Resolver(params.host, params.port, host.monitor)

    async def begin(self) -> None:
        """Nothing is resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when a connection was made."""
        clock = asyncio.get_running_loop().time
        until = clock() + own(timeout_ms) / 1000
        try:
            addresses = await self._resolver.addresses(own(timeout_ms))
        except socket.gaierror as error:
            return self._no_answer(NO_NAME, str(error))
        except TimeoutError as error:
            return self._no_answer(NO_NAME, str(error) or f"no answer after {own(timeout_ms)} ms")
        except OSError as error:
            return unknown(self._said(NOT_TRIED), str(error))
        answers: list[Outcome] = []
        for number, address in enumerate(addresses):
            outcome = await self._connect(address, (until - clock()) / (len(addresses) - number))
            if outcome.succeeded and outcome.said is None:
                return SUCCEEDED
            answers.append(outcome)
        # What says no has answered: that is worth more than the silence of another address.
        return min(answers, key=lambda outcome: outcome.said is None or outcome.said.code != REFUSED.code)

    async def end(self) -> None:
        """Nothing is left behind: each check closes its connection."""

    async def _connect(self, address: Address, limit_s: float) -> Outcome:
        family, place = address
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.setblocking(False)
                async with asyncio.timeout(limit_s):
                    await asyncio.get_running_loop().sock_connect(connection, place)
        except TimeoutError:
            return self._no_answer(TIMEOUT, f"{place[0]}: no answer")
        except OSError as error:
            detail = f"{place[0]}: {os.strerror(error.errno) if error.errno else error}"
            if error.errno in _SAYS_NO:
                return failed(self._said(REFUSED), detail)
            if error.errno in _SILENT:
                return self._no_answer(UNREACHABLE, detail)
            return unknown(self._said(NOT_TRIED), detail)
        return SUCCEEDED

    def _no_answer(self, message: Message, detail: str) -> Outcome:
        if self._params.no_answer == "error":
            return failed(self._said(message), detail)
        return Outcome(Result.SUCCEEDED, self._said(_WARNINGS[message]), detail)

    def _said(self, message: Message) -> Said:
        return message.said(**self._names)


def _target(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _asks(params: Mapping[str, Any]) -> str:
    host, port = params.get("host"), params.get("port")
    return "" if is_own(host) or not isinstance(port, int) else _target(str(host), port)


TCP = MonitorType(
    name="tcp",
    title=Message("KM3021", "TCP monitor", "TCP モニタ"),
    description=Message(
        "KM3022",
        "Connects to a port: whether something listens there. It sends nothing.",
        "ポートに接続し、待ち受けているかどうかを確認する。データは送らない。",
    ),
    params=TcpParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=30_000, timeout_ms=10_000, retries=1),
    messages=(*(REFUSED, TIMEOUT, UNREACHABLE, NO_NAME, WARN_TIMEOUT, WARN_UNREACHABLE, WARN_NO_NAME, NOT_TRIED),),
    make=Tcp,
    asks=_asks,
)
