"""`ec2_stop`: fencing by EC2. The instance of the other node is stopped, and EC2 has to say that it is (N3).

Nothing but `stopped` or `terminated` proves it: an instance that is `stopping` may still work. And the instance has to
be the right one: it is known by its own id and by the id of its network interface, so that an instance that was put in
its place is neither shot nor taken for gone.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from komainu.model.described import ja
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import CloudError, CloudFault, FenceHost, FenceType, Instance, Interface

REPLACED = Message(
    "KM5801",
    "Node {node} cannot be fenced: its network interface {eni} belongs to instance {found}, not to {instance}. Another "
    "instance is in its place, and that one may be at work. Correct `instance_id` and `eni_id` of the node.",
    "ノード {node} を強制停止できません: ネットワークインタフェース {eni} は {instance} ではなく、インスタンス {found} "
    "のものです。別のインスタンスに置き換えられており、そちらで動作している可能性があります。このノードの "
    "`instance_id` と `eni_id` を直してください。",
    "error",
)
DETACHED = Message(
    "KM5802",
    "Node {node} cannot be fenced: its network interface {eni} is attached to no instance, so it is not certain that "
    "{instance} is the node. Correct `instance_id` and `eni_id` of the node.",
    "ノード {node} を強制停止できません: ネットワークインタフェース {eni} がどのインスタンスにもアタッチされておらず、"
    "{instance} がこのノードであることを確認できません。このノードの `instance_id` と `eni_id` を直してください。",
    "error",
)
NO_INTERFACE = Message(
    "KM5803",
    "Node {node} cannot be fenced: its network interface {eni} does not exist, so it is not certain that {instance} is "
    "the node. Correct `eni_id` of the node.",
    "ノード {node} を強制停止できません: ネットワークインタフェース {eni} が存在せず、{instance} がこのノードであること"
    "を確認できません。このノードの `eni_id` を直してください。",
    "error",
)
NO_INSTANCE = Message(
    "KM5804",
    "Node {node} cannot be fenced: EC2 knows no instance {instance}. It may have been terminated and replaced: that "
    "proves nothing of the node of today. Correct `instance_id` and `eni_id` of the node, or say `komainu node "
    "confirm-gone {node}` when you have made sure that it is off.",
    "ノード {node} を強制停止できません: インスタンス {instance} は EC2 に存在しません。終了して置き換えられた可能性が"
    "ありますが、現在のノードの停止を確認したことにはなりません。このノードの `instance_id` と `eni_id` を直すか、停止"
    "を確認したうえで `komainu node confirm-gone {node}` を実行してください。",
    "error",
)
NOT_ALLOWED = Message(
    "KM5805",
    "Node {node} cannot be fenced: this node is not allowed to. Its role needs ec2:StopInstances on {instance}, "
    "ec2:DescribeInstances and ec2:DescribeNetworkInterfaces; the detail has what was refused.",
    "ノード {node} を強制停止できません: このノードに権限がありません。ロールに {instance} に対する ec2:StopInstances、"
    "および ec2:DescribeInstances、ec2:DescribeNetworkInterfaces が必要です。拒否された内容は詳細を参照してください。",
    "error",
)
PROTECTED = Message(
    "KM5806",
    "Node {node} cannot be fenced: EC2 does not let {instance} be stopped ({code}). Is its stop protection on, or its "
    "root volume an instance store? Switch the protection off, or fence the node in another way.",
    "ノード {node} を強制停止できません: EC2 が {instance} の停止を受け付けません ({code})。停止保護が有効か、ルート"
    "ボリュームがインスタンスストアの可能性があります。停止保護を無効にするか、別の方法で停止してください。",
    "error",
)
REFUSED = Message(
    "KM5807",
    "Node {node} could not be fenced: EC2 refused the call for {instance} ({code}).",
    "ノード {node} を強制停止できませんでした: EC2 が {instance} に対する要求を拒否しました ({code})。",
    "error",
)
STILL = Message(
    "KM5808",
    "Node {node} is not proven gone: after {seconds} s EC2 says that {instance} is `{state}`; only `stopped` and "
    "`terminated` are proof. It is tried again.",
    "ノード {node} の停止を確認できません: {seconds} 秒後も EC2 での {instance} の状態は `{state}` です。停止の証拠に"
    "なるのは `stopped` と `terminated` だけです。再試行します。",
    "error",
)
SILENT = Message(
    "KM5809",
    "It is not known whether node {node} was fenced: the EC2 API did not answer. It is tried again; if this lasts, "
    "look for the way to the API (route, NAT, endpoint, credentials) on the node that tries.",
    "ノード {node} を強制停止できたかどうか不明です: EC2 API から応答がありません。再試行します。続く場合は、実行して"
    "いるノードから API への経路 (ルート、NAT、エンドポイント、認証情報) を確認してください。",
    "error",
)
NO_CLOUD = Message(
    "KM5810",
    "Node {node} cannot be fenced by EC2: this cluster does not run on AWS. Remove `ec2_stop` from `fence`.",
    "ノード {node} を EC2 で強制停止できません: このクラスタは AWS 環境ではありません。`fence` から `ec2_stop` を削除"
    "してください。",
    "error",
)

NOT_WANTED = Message(
    "KM5811",
    "Fencing of node {node} is given up: it is back, or this side has lost the vote or the majority.",
    "ノード {node} の強制停止を中止しました: このノードが復帰したか、こちらの側が投票権または過半数を失いました。",
    "warning",
)

GONE: Final = ("stopped", "terminated")
_UP: Final = ("pending", "running")
_NO_INSTANCE: Final = ("InvalidInstanceID",)
_NO_INTERFACE: Final = ("InvalidNetworkInterfaceID",)
_NOT_ALLOWED: Final = ("UnauthorizedOperation", "AccessDenied", "AuthFailure", "OptInRequired")
_NOT_YET: Final = ("IncorrectInstanceState", "IncorrectState")
"An instance that is `pending` cannot be stopped yet."
_PROTECTED: Final = ("OperationNotPermitted", "UnsupportedOperation", "InvalidParameterCombination")
_CALL_MS: Final = 5_000
"The longest wait for one call: a second one may well be answered."
_POLL_S: Final = 1.0
"How often EC2 is asked for the state."
_ASK_AGAIN_S: Final = 5.0
"An instance that is up so long after it was to be stopped is asked to stop once more."
_ANSWER_S: Final = 0.5
"Kept of the time, so that our own words come before the deadline of whoever waits."


class Ec2StopParams(BaseModel):
    """The instance that is one node."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    instance_id: Annotated[str, StringConstraints(pattern=r"^i-[0-9a-z]+$")] = Field(
        json_schema_extra=ja("このノードのインスタンス ID。")
    )
    "The id of the node's instance."
    eni_id: Annotated[str, StringConstraints(pattern=r"^eni-[0-9a-z]+$")] = Field(
        json_schema_extra=ja(
            "このノードの ENI の ID。別のインスタンスにアタッチされていれば、インスタンスが置き換えられたものとして"
            "強制停止を行わない。"
        )
    )
    (
        "The id of the node's network interface. When it is on another instance, the node was replaced, and the "
        "instance is not taken for it."
    )


@dataclass(slots=True)
class _Course:
    """What is known of one attempt so far."""

    asked_at: float | None = None
    may_stop: bool = False
    "A request to stop was sent; whether it was carried out or not."
    skip_os: bool = True
    state: str = ""
    "What EC2 said last; empty while it has said nothing."
    error: CloudError | None = None
    "Why the last step led to nothing."


class Ec2Stop:
    """One node as it is fenced from here: `komainu.ports.FenceDevice`."""

    def __init__(self, params: Ec2StopParams, host: FenceHost) -> None:
        self._params = params
        self._host = host

    async def fence(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when EC2 says that the instance is `stopped` or `terminated`, and it is the node's."""
        if self._host.cloud is None:
            return failed(self._said(NO_CLOUD))
        course = _Course()
        begun = _now()
        until = begun + max(timeout_ms / 1000 - _ANSWER_S, timeout_ms / 2000)
        while True:
            try:
                course.error = None
                outcome = await self._step(course, until)
            except CloudError as error:
                course.error = error
                outcome = self._judged(error, course)
            if outcome is not None:
                return outcome
            if _now() + _POLL_S >= until:
                return self._not_confirmed(course, int(_now() - begun))
            await asyncio.sleep(_POLL_S)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """Whether the instance is the node's, and whether it may be stopped from here. Changes nothing."""
        cloud = self._host.cloud
        if cloud is None:
            return (self._said(NO_CLOUD),)
        until = _now() + timeout_ms / 1000
        found: dict[Said, None] = {}
        try:
            instance, interface = await self._look(until)
            stranger = self._stranger(instance, interface)
            if stranger is not None:
                found[stranger] = None
        except CloudError as error:
            found[self._why(error)] = None
        try:
            await cloud.may_stop_instance(self._params.instance_id, _left_ms(until))
        except CloudError as error:
            if error.code not in _NOT_YET:
                found[self._why(error)] = None
        return tuple(found)

    # --- one step ---------------------------------------------------------------------------------------------------

    async def _step(self, course: _Course, until: float) -> Outcome | None:
        """Look, and ask for the stop when it is due. None: not proven yet. Raises CloudError."""
        instance, interface = await self._look(until)
        course.state = instance.state
        stranger = self._stranger(instance, interface)
        if stranger is not None and (not course.may_stop or stranger.code == REPLACED.code):
            return failed(stranger)
        if instance.state in GONE:
            return SUCCEEDED
        if not self._host.wanted():
            return Outcome(Result.UNKNOWN if course.may_stop else Result.FAILED, self._said(NOT_WANTED))
        if instance.state != "shutting-down" and self._is_due(course):
            await self._ask(course, until)
        return None

    async def _look(self, until: float) -> tuple[Instance, Interface | None]:
        """The instance, and the interface if there is one. Raises CloudError."""
        cloud = self._host.cloud
        assert cloud is not None
        limit_ms = _left_ms(until)
        instance, interface = await asyncio.gather(
            cloud.instance(self._params.instance_id, limit_ms),
            cloud.interface(self._params.eni_id, limit_ms),
            return_exceptions=True,
        )
        if isinstance(instance, BaseException):
            raise instance
        if isinstance(interface, CloudError) and _family(interface) in _NO_INTERFACE:
            return instance, None
        if isinstance(interface, BaseException):
            raise interface
        return instance, interface

    def _stranger(self, instance: Instance, interface: Interface | None) -> Said | None:
        """Why this instance cannot be taken for the node; None: it can.

        One that is terminated loses its interface, which is deleted or free then; on another instance it must not be.
        """
        if interface is not None and interface.instance not in ("", instance.id):
            return self._said(REPLACED, found=interface.instance)
        if instance.state in (*GONE, "shutting-down"):
            return None
        if interface is None:
            return self._said(NO_INTERFACE)
        return self._said(DETACHED) if not interface.instance else None

    def _is_due(self, course: _Course) -> bool:
        """Whether the stop has to be asked for: at first, and again when it did not lead to anything."""
        if not course.may_stop or course.asked_at is None:
            return True
        return course.state in _UP and _now() - course.asked_at >= _ASK_AGAIN_S

    async def _ask(self, course: _Course, until: float) -> None:
        cloud = self._host.cloud
        assert cloud is not None
        course.asked_at = _now()
        try:
            await cloud.stop_instance(self._params.instance_id, _left_ms(until), skip_os=course.skip_os)
            course.may_stop = True
        except CloudError as error:
            course.may_stop = course.may_stop or error.fault in (CloudFault.NO_ANSWER, CloudFault.INTERNAL)
            if error.code in _PROTECTED and course.skip_os:
                # Not every kind of instance can be stopped past its operating system; then the slower way.
                course.skip_os = False
                await self._ask(course, until)
                return
            raise

    # --- words ------------------------------------------------------------------------------------------------------

    def _judged(self, error: CloudError, course: _Course) -> Outcome | None:
        """What a refusal means; None: nothing yet, the next look may tell."""
        if _family(error) in _NO_INSTANCE and course.state == "shutting-down":
            return SUCCEEDED  # EC2 forgets an instance only after it was terminated
        if error.fault is not CloudFault.REFUSED or error.transient or error.code in _NOT_YET:
            return None
        return Outcome(Result.UNKNOWN if course.may_stop else Result.FAILED, self._why(error), str(error))

    def _why(self, error: CloudError) -> Said:
        if _family(error) in _NO_INSTANCE:
            return self._said(NO_INSTANCE)
        if error.code in _NOT_ALLOWED:
            return self._said(NOT_ALLOWED)
        if error.code in _PROTECTED:
            return self._said(PROTECTED, code=error.code)
        if error.fault is CloudFault.REFUSED and not error.transient:
            return self._said(REFUSED, code=error.code)
        return self._said(SILENT)

    def _not_confirmed(self, course: _Course, seconds: int) -> Outcome:
        """The time is over. What EC2 said last is worth more than its silence since."""
        detail = str(course.error) if course.error is not None else ""
        if not course.state:
            return unknown(self._said(SILENT), detail)
        return unknown(self._said(STILL, seconds=seconds, state=course.state), detail)

    def _said(self, message: Message, **more: str | int) -> Said:
        return message.said(node=self._host.target, instance=self._params.instance_id, eni=self._params.eni_id, **more)


def _family(error: CloudError) -> str:
    """The error's code without the part that tells a malformed id from an unknown one."""
    return error.code.partition(".")[0].replace("Id", "ID")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _left_ms(until: float) -> int:
    return max(1, min(_CALL_MS, int((until - _now()) * 1000)))


EC2_STOP = FenceType(
    name="ec2_stop",
    title=Message("KM3051", "Stop of the EC2 instance", "EC2 インスタンスの停止"),
    description=Message(
        "KM3052",
        "Stops the instance of the other node by force and waits until EC2 says that it is stopped or terminated. The "
        "instance is known by its id and by its network interface.",
        "相手ノードのインスタンスを強制的に停止し、EC2 での状態が stopped または terminated になるまで待つ。"
        "インスタンスは ID と ENI の両方で特定する。",
    ),
    params=Ec2StopParams,
    per_node_required=("instance_id", "eni_id"),
    environments=("aws",),
    messages=(
        *(REPLACED, DETACHED, NO_INTERFACE, NO_INSTANCE, NOT_ALLOWED, PROTECTED, REFUSED, STILL, SILENT),
        *(NO_CLOUD, NOT_WANTED),
    ),
    make=Ec2Stop,
)
