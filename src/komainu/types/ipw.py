"""`ipw`: do these addresses still answer? Ping, TCP connection, name server (A2).

The seed's use of it: each node asks the NAT instance of its own Availability Zone, and goes down when that is silent.
"""

import asyncio
import socket
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from komainu.model import ip_target
from komainu.model.described import ja
from komainu.model.ip_target import IpTarget
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHost, MonitorTraits, MonitorType, PingRefused
from komainu.types.asking import Answer, asked, connect, detail, named, ping
from komainu.types.budget import own
from komainu.types.resolving import Address, Resolver

NONE = Message(
    "KM4201",
    "Detected an error in monitoring {monitor}. (5 : None of the targets answers: {targets}.)",
    "監視 {monitor} は異常を検出しました。(5 : ターゲット {targets} のいずれからも応答がありません。)",
    "error",
)
NOT_ALL = Message(
    "KM4202",
    "Detected an error in monitoring {monitor}. (6 : Not all targets answer; these do not: {targets}.)",
    "監視 {monitor} は異常を検出しました。(6 : 応答しないターゲットがあります: {targets}。)",
    "error",
)
WARN_SOME = Message(
    "KM4212",
    "Warn monitoring {monitor}. (106 : These targets do not answer: {targets}. Others do, which is enough.)",
    "監視 {monitor} は警告の状態です。(106 : ターゲット {targets} から応答がありませんが、ほかのターゲットは応答して"
    "います。)",
    "warning",
)
NOT_TRIED = Message(
    "KM4219",
    "Warn monitoring {monitor}. (199 : This node could not ask {targets}. The detail has the reason.)",
    "監視 {monitor} は警告の状態です。(199 : このノードから {targets} に問い合わせることができません。理由は詳細を参照"
    "してください。)",
    "warning",
)
NO_TARGET = Message(
    "KM4225",
    "There is no target: nothing could answer. Write one or more.",
    "ターゲットがないため、応答を確認できません。1 つ以上書いてください。",
    "error",
)

MOST_TARGETS: Final = 16


class IpParams(BaseModel):
    """Which addresses answer when all is well."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    targets: tuple[IpTarget, ...] = Field(
        max_length=MOST_TARGETS,
        json_schema_extra=ja(
            "応答を確認する相手。項目ごとに `icmp`、`tcp`、`dns` のどれか 1 つ。ノードごとに異なってよい。", minItems=1
        ),
    )
    "What is asked: each entry has one of `icmp`, `tcp` and `dns`. Nodes may have lists of their own."
    require: Literal["all", "any"] = Field(
        default="all",
        json_schema_extra=ja("`all`: 1 つでも応答しなければ異常。`any`: どれか 1 つが応答すれば正常。"),
    )
    "`all`: it is an error when one of them does not answer. `any`: one answer is enough."

    @field_validator("targets")
    @classmethod
    def _something(cls, targets: tuple[IpTarget, ...]) -> tuple[IpTarget, ...]:
        if not targets:
            raise Refused(NO_TARGET.said())
        return targets


class Ip:
    """One node's addresses: `komainu.ports.MonitorHands`."""

    def __init__(self, params: IpParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._names = [
            Resolver(target.host, target.port, host.monitor) if target.tcp else None for target in params.targets
        ]

    async def begin(self) -> None:
        """Nothing is resident."""

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when enough of them answered."""
        limit_ms, targets = own(timeout_ms), self._params.targets
        answers = await asyncio.gather(
            *(
                asked(f"{target.way} {target.text}", target.text, self._ask(target, names, limit_ms), limit_ms)
                for target, names in zip(targets, self._names, strict=True)
            )
        )
        silent = [answer for answer in answers if answer.trouble and answer.tried]
        untried = [answer for answer in answers if not answer.tried]
        every = self._params.require == "all"
        if len(silent) == len(answers) or (silent and every):
            return failed(self._said(NONE if len(silent) == len(answers) else NOT_ALL, silent), detail(silent))
        missing = [*silent, *untried]
        if len(missing) == len(answers) or (untried and every):
            return unknown(self._said(NOT_TRIED, untried), detail(missing))
        if not missing:
            return SUCCEEDED
        return Outcome(Result.SUCCEEDED, self._said(WARN_SOME, missing), detail(missing))

    async def end(self) -> None:
        """Nothing is left behind: each check closes its connections."""

    async def _ask(self, target: IpTarget, names: Resolver | None, limit_ms: int) -> str:
        """Empty when it answered; else what was seen last. Raises what asking and resolving raise."""
        if names is not None:
            return await connect(await names.addresses(limit_ms), limit_ms, _greet)
        if target.icmp:
            return await ping(self._host.pinger, target.icmp, limit_ms)
        if self._host.resolver is None:
            raise PingRefused("this node has nothing to ask a name server with")
        await self._host.resolver.resolve(target.dns, target.name, limit_ms)
        return ""

    def _said(self, message: Message, answers: list[Answer]) -> Said:
        return message.said(monitor=self._host.monitor, targets=named(answers))


async def _greet(address: Address) -> str:
    """Connect and go. Empty: it answered. Raises OSError."""
    family, place = address
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, place)
    return ""


IPW = MonitorType(
    name="ipw",
    title=Message("KM3043", "IP monitor", "IP モニタ"),
    description=Message(
        "KM3044",
        "Asks addresses, by ping, TCP connection or a question to a name server, whether they answer. Each node may "
        "have its own, such as the NAT instance of its Availability Zone.",
        "ping、TCP 接続、ネームサーバへの問い合わせにより、アドレスが応答するかどうかを確認する。"
        "自分のアベイラビリティゾーンの NAT インスタンスなど、ノードごとに異なる相手を指定できる。",
    ),
    params=IpParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=10_000, timeout_ms=10_000, retries=1),
    messages=(*(NONE, NOT_ALL, WARN_SOME, NOT_TRIED, NO_TARGET), *ip_target.MESSAGES),
    make=Ip,
)
