"""Fences another node with what the configuration names for it. Whether and when is the core's to decide."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from komainu.agent.execution.attempt import Lane
from komainu.core import rights
from komainu.core.state import State
from komainu.model.actions import FenceNode
from komainu.model.config import Fence
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, failed
from komainu.ports import FenceDevice, FenceHost, FenceType

NO_FENCE = Message(
    "KM5821",
    "Node {node} cannot be fenced: `arbitration` names no fence. Say `komainu node confirm-gone {node}` when you have "
    "made sure that it is off.",
    "`arbitration` に `fence` がないため、ノード {node} を強制停止できません。停止を確認した場合は "
    "`komainu node confirm-gone {node}` を実行してください。",
    "error",
)
UNKNOWN_TYPE = Message(
    "KM5822",
    "Node {node} cannot be fenced: this release of Komainu does not know the fence type {type}. Install the same "
    "release on all nodes.",
    "ノード {node} を強制停止できません: 強制停止のタイプ {type} は、このリリースの Komainu では使用できません。"
    "全ノードに同じリリースをインストールしてください。",
    "error",
)
BAD_PARAMETERS = Message(
    "KM5823",
    "Node {node} cannot be fenced: its parameters under `fence` do not hold: {reason}. Correct them and apply the "
    "configuration again.",
    "ノード {node} を強制停止できません: `fence` のパラメータが正しくありません: {reason}。修正して構成情報を再度適用"
    "してください。",
    "error",
)
TIMEOUT = Message(
    "KM5824",
    "It is not known whether node {node} was fenced: there was no answer in time. It is tried again.",
    "ノード {node} を強制停止できたかどうか不明です: 時間内に応答がありませんでした。再試行します。",
    "error",
)
DEFECT = Message(
    "KM5825",
    "It is not known whether node {node} was fenced: internal error (status=3). The detail has the exception; please "
    "report it.",
    "ノード {node} を強制停止できたかどうか不明です: 内部エラー (status=3)。不具合ですので、詳細の例外を添えて報告して"
    "ください。",
    "error",
)
BUSY = Message(
    "KM5826",
    "Node {node} cannot be fenced now: an earlier attempt does not end. Restart komainud on this node if this lasts.",
    "ノード {node} を今は強制停止できません: 以前の処理が終了しません。続く場合はこのノードの komainud を再起動して"
    "ください。",
    "error",
)
SILENT = Message(
    "KM5827",
    "It is not known whether node {node} could be fenced: there was no answer within {ms} ms.",
    "ノード {node} を強制停止できるかどうか不明です: {ms} ミリ秒以内に応答がありませんでした。",
    "error",
)
EXAMINE_MS = 10_000
SPARE_S = 1.0
"Beyond the time-out that a device keeps by itself."


@dataclass(frozen=True, slots=True)
class Fences:
    """What this node could fence with."""

    types: Mapping[str, FenceType]
    host: Callable[[str, str], FenceHost]
    "Makes what a device sees: cluster, and the node to be fenced."


NO_FENCES = Fences({}, lambda cluster, target: FenceHost("", cluster, target, None))


class Fencing:
    """All fence devices of this node, as the configuration in force has them."""

    def __init__(self, me: str, fences: Fences, state: Callable[[], State]) -> None:
        """`state` tells what the members agree on now."""
        self._me = me
        self._fences = fences
        self._state = state
        self._lanes: dict[str, Lane] = {}

    async def fence(self, action: FenceNode) -> Outcome:
        """Make sure that the node is gone: there is an outcome in time, and SUCCEEDED alone is proof."""
        target, cluster = action.target, self._state().cluster
        fence = cluster.arbitration.fence
        if fence is None:
            return failed(NO_FENCE.said(node=target))
        device = self._device(cluster.name, fence, target, lambda: self._is_wanted(action))
        if isinstance(device, Said):
            return failed(device)
        return await self._lanes.setdefault(target, Lane()).attempt(
            lambda: device.fence(fence.timeout_ms),
            fence.timeout_ms,
            timed_out=TIMEOUT.said(node=target),
            defect=DEFECT.said(node=target),
            busy=BUSY.said(node=target),
        )

    async def examine(self) -> dict[str, tuple[Said, ...]]:
        """What would keep each other node from being fenced from here, in bounded time; nothing is changed by it.

        Empty where the configuration names no fence.
        """
        cluster = self._state().cluster
        fence = cluster.arbitration.fence
        others = [node.name for node in cluster.nodes if node.name != self._me] if fence is not None else []
        found = await asyncio.gather(*(self._examined(cluster.name, fence, other) for other in others if fence))
        return dict(zip(others, found, strict=True))

    async def _examined(self, cluster: str, fence: Fence, target: str) -> tuple[Said, ...]:
        device = self._device(cluster, fence, target, lambda: False)
        if isinstance(device, Said):
            return (device,)
        try:
            async with asyncio.timeout(EXAMINE_MS / 1000 + SPARE_S):
                return await device.examine(EXAMINE_MS)
        except TimeoutError:
            return (SILENT.said(node=target, ms=EXAMINE_MS),)

    def _is_wanted(self, action: FenceNode) -> bool:
        """The same attempt is still the one that the members wait for, and this side and this node still may."""
        state = self._state()
        me, target = state.nodes.get(self._me), state.nodes.get(action.target)
        asked = target is not None and target.fence == action.id
        return asked and me is not None and not me.powerless and rights.may_fence(state)

    def _device(self, cluster: str, fence: Fence, target: str, wanted: Callable[[], bool]) -> FenceDevice | Said:
        declared = self._fences.types.get(fence.type)
        if declared is None:
            return UNKNOWN_TYPE.said(node=target, type=fence.type)
        try:
            params = declared.params.model_validate(fence.params_of(target))
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            return BAD_PARAMETERS.said(node=target, reason=reason)
        return declared.make(params, replace(self._fences.host(cluster, target), wanted=wanted))
