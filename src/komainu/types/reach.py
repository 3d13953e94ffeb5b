"""`reach`: does anything outside of the cluster still answer? Ping, LISTEN check, HTTP (A4, N3).

A node whose targets are silent takes it that it is cut off. That is what the section `np` of the configuration makes
of it on every node; the monitor can be used by itself as well.
"""

import asyncio
import ssl
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from komainu.model import reach
from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.model.reach import ReachTarget
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types.asking import Answer, asked, connect, detail, named, ping
from komainu.types.budget import own
from komainu.types.resolving import Address, Resolver

CUT_OFF = Message(
    "KM4901",
    "Detected an error in monitoring {monitor}. (5 : None of the targets answers: {targets}. This node seems to be cut "
    "off.)",
    "監視 {monitor} は異常を検出しました。(5 : ターゲット {targets} のいずれからも応答がありません。このノードは"
    "ネットワークから孤立している可能性があります。)",
    "error",
)
NOT_ALL = Message(
    "KM4902",
    "Detected an error in monitoring {monitor}. (6 : Not all targets answer; these do not: {targets}.)",
    "監視 {monitor} は異常を検出しました。(6 : 応答しないターゲットがあります: {targets}。)",
    "error",
)
WARN_SILENT = Message(
    "KM4911",
    "Warn monitoring {monitor}. (105 : These targets do not answer: {targets}. It becomes an error when that lasts "
    "longer than `grace_ms`.)",
    "監視 {monitor} は警告の状態です。(105 : ターゲット {targets} から応答がありません。`grace_ms` を超えて続くと異常と"
    "なります。)",
    "warning",
)
WARN_SOME = Message(
    "KM4912",
    "Warn monitoring {monitor}. (106 : These targets do not answer: {targets}. Others do, which is enough.)",
    "監視 {monitor} は警告の状態です。(106 : ターゲット {targets} から応答がありませんが、ほかのターゲットは応答して"
    "います。)",
    "warning",
)
NOT_TRIED = Message(
    "KM4919",
    "Warn monitoring {monitor}. (199 : This node could not ask {targets}. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(199 : このノードから {targets} に問い合わせることができません。理由は詳細を参照"
    "してください。)",
    "warning",
)

NO_TARGET = Message(
    "KM4926",
    "There is no target: nothing could answer. Write one or more.",
    "ターゲットがないため、応答を確認できません。1 つ以上書いてください。",
    "error",
)

MOST_TARGETS: Final = 16
_HTTP: Final = b"HTTP/"
"How every answer of a web server begins."


class ReachParams(BaseModel):
    """What always answers, and what its silence means."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    targets: tuple[ReachTarget, ...] = Field(
        max_length=MOST_TARGETS,
        json_schema_extra={
            **ja("常に応答するはずの装置やサービス。項目ごとに `ping`、`listen`、`http` のどれか 1 つ。"),
            "minItems": 1,
        },
    )
    "What should always answer: each entry has one of `ping`, `listen` and `http`."
    need: Literal["any", "all"] = Field(
        default="any",
        json_schema_extra=ja("`any`: どれか 1 つが応答すれば正常。`all`: すべてが応答しなければ異常。"),
    )
    "`any`: one answer is enough. `all`: each of them has to answer."
    grace_ms: int = Field(
        default=4_000,
        ge=0,
        le=3_600_000,
        json_schema_extra=ja("応答がない状態がこの時間続くまでは、異常とせず警告とする。"),
    )
    "For so long the silence is a caution only, counted from the first check that met it."

    @field_validator("targets")
    @classmethod
    def _something(cls, targets: tuple[ReachTarget, ...]) -> tuple[ReachTarget, ...]:
        if not targets:
            raise Refused(NO_TARGET.said())
        return targets


class Reach:
    """One node's look outside: `komainu.ports.MonitorHands`."""

    def __init__(self, params: ReachParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._resolvers = {
            number: Resolver(target.host, target.port, host.monitor)
            for number, target in enumerate(params.targets)
            if not target.ping
        }
        self._silent_since_ms: int | None = None

    async def begin(self) -> None:
        """A round of checks begins: what was silent before does not count."""
        self._silent_since_ms = None

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when enough answered, or the silence is younger than the grace."""
        begun_ms, limit_ms = self._host.now_ms(), own(timeout_ms)
        targets = enumerate(self._params.targets)
        answers = await asyncio.gather(
            *(
                asked(f"{target.way} {target.text}", target.text, self._ask(number, target, limit_ms), limit_ms)
                for number, target in targets
            )
        )
        silent = [answer for answer in answers if answer.trouble and answer.tried]
        untried = [answer for answer in answers if not answer.tried]
        if silent and (self._params.need == "all" or len(silent) == len(answers)):
            return self._cut_off(silent, begun_ms)
        if len(silent) + len(untried) == len(answers) or (untried and self._params.need == "all"):
            return unknown(self._said(NOT_TRIED, untried), detail(untried))
        self._silent_since_ms = None
        if not silent and not untried:
            return SUCCEEDED
        missing = [*silent, *untried]
        return Outcome(Result.SUCCEEDED, self._said(WARN_SOME, missing), detail(missing))

    async def end(self) -> None:
        """Nothing is left behind: each check closes its connections."""

    def _cut_off(self, silent: list[Answer], begun_ms: int) -> Outcome:
        if self._silent_since_ms is None:
            self._silent_since_ms = begun_ms
        if self._host.now_ms() - self._silent_since_ms < self._params.grace_ms:
            return Outcome(Result.SUCCEEDED, self._said(WARN_SILENT, silent), detail(silent))
        message = CUT_OFF if len(silent) == len(self._params.targets) else NOT_ALL
        return failed(self._said(message, silent), detail(silent))

    # --- one target -------------------------------------------------------------------------------------------------

    async def _ask(self, number: int, target: ReachTarget, limit_ms: int) -> str:
        """Empty when it answered; else what was seen last. Raises what asking and resolving raise."""
        if target.ping:
            return await ping(self._host.pinger, target.ping, limit_ms)
        addresses = await self._resolvers[number].addresses(limit_ms)
        return await connect(addresses, limit_ms, lambda address: _talk(target, address))

    def _said(self, message: Message, answers: list[Answer]) -> Said:
        return message.said(monitor=self._host.monitor, targets=named(answers))


async def _talk(target: ReachTarget, address: Address) -> str:
    """Connect, and for HTTP wait for the beginning of an answer. Empty: it answered. Raises OSError."""
    _, place = address
    context = _any_certificate() if target.http.startswith("https:") else None
    name = target.host if context is not None else None
    reader, writer = await asyncio.open_connection(place[0], place[1], ssl=context, server_hostname=name)
    try:
        if not target.http:
            return ""
        parts = urlsplit(target.http)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = f"HEAD {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: komainu\r\nConnection: close\r\n\r\n"
        writer.write(head.encode("ascii"))
        await writer.drain()
        begun = await reader.readexactly(len(_HTTP))
        return "" if begun == _HTTP else f"{target.text}: the answer is no HTTP"
    except asyncio.IncompleteReadError:
        return f"{target.text}: the connection ended before an answer"
    finally:
        writer.transport.abort()  # a goodbye could be waited for as well


def _any_certificate() -> ssl.SSLContext:
    """Whoever answers is there: an expired certificate must not end a node."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


REACH = MonitorType(
    name="reach",
    title=Message("KM3041", "Network partition monitor", "ネットワークパーティションのモニタ"),
    description=Message(
        "KM3042",
        "Asks machines and services outside of the cluster, by ping, TCP connection or HTTP, whether this node can "
        "still reach them. The section `np` of the cluster makes one by itself.",
        "クラスタの外にあるマシンやサービスに、ping、TCP 接続、HTTP で到達できるかどうかを確認する。"
        "クラスタの `np` の節を書くと自動的に追加される。",
    ),
    params=ReachParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=2_000, timeout_ms=2_000),
    messages=(
        *(CUT_OFF, NOT_ALL, WARN_SILENT, WARN_SOME, NOT_TRIED, NO_TARGET),
        *(reach.NOT_ONE, reach.BAD_PING, reach.BAD_LISTEN, reach.BAD_HTTP, reach.THIS_MACHINE),
    ),
    make=Reach,
)
