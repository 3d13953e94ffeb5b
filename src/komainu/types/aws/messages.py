"""The texts of the seed's troubleshooting chapter (T), for every type that calls the AWS API.

A text has a frame (what was being done) and a reason (a number and a sentence). The English is the seed's to the
letter, "AWS CLI command" included, because operators' log filters match it; our calls use no command. What the API
really said is in the outcome's detail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from komainu.model.message import Level, Message
from komainu.ports import CloudError, CloudFault


class InternalKind(IntEnum):
    """The `nn` of `(99 : Internal error. (status=nn))`: neither an answer of AWS nor a time-out (T)."""

    NO_DEVICE = 1
    "No network device of this node carries the private address of the ENI: the ENI belongs to another instance."
    KERNEL = 2
    "The kernel refused to add, remove or list an address."
    DEFECT = 3
    "The program did not expect this. The detail has the exception; please report it."


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the number that administrators know, and the sentence."""

    ident: str
    "Two digits, unique among all AWS types; the end of the message's code."
    number: int
    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What was being done when it happened. `%d` is the reason's number, `%s` its sentence."""

    code: str
    "The beginning of the message's code."
    en: str
    ja: str
    level: Level
    offset: int = 0
    "Warnings of monitors have the reason's number plus 100."

    def row(self, reason: Reason) -> Message:
        """The message that this frame and a reason make."""
        number = reason.number + self.offset
        return Message(
            self.code + reason.ident, self.en % (number, reason.en), self.ja % (number, reason.ja), self.level
        )


ACTIVATION = Frame(
    "KM31",
    "Activating {resource} resource has failed.(%d : %s)",
    "リソース {resource} の活性に失敗しました。(%d : %s)",
    "error",
)
DEACTIVATION = Frame(
    "KM32",
    "Deactivating {resource} resource has failed.(%d : %s)",
    "リソース {resource} の非活性に失敗しました。(%d : %s)",
    "error",
)
MONITOR_ERROR = Frame(
    "KM33",
    "Detected an error in monitoring {monitor}. (%d : %s)",
    "監視 {monitor} は異常を検出しました。(%d : %s)",
    "error",
)
MONITOR_WARNING = Frame(
    "KM34",
    "Warn monitoring {monitor}. (%d : %s)",
    "監視 {monitor} は警告の状態です。(%d : %s)",
    "warning",
    offset=100,
)
NOT_READY = Frame(
    "KM35",
    "{resource} resource could not be activated on this node.(%d : %s)",
    "このノードではリソース {resource} を活性できません。(%d : %s)",
    "warning",
)
READINESS_UNKNOWN = Frame(
    "KM36",
    "It is not known whether {resource} resource could be activated on this node.(%d : %s)",
    "このノードでリソース {resource} を活性できるかどうか確認できません。(%d : %s)",
    "warning",
    offset=100,
)

API_FAILED = Reason("01", 5, "Failed in the AWS CLI command.", "AWS CLI コマンドに失敗しました。")
VPC_UNKNOWN = Reason("02", 5, "The vpc ID '{vpc}' does not exist", "VPC ID '{vpc}' は存在しません")
ENI_UNKNOWN = Reason(
    "03", 5, "The networkInterface ID '{eni}' does not exist", "ネットワークインタフェース ID '{eni}' は存在しません"
)
TIMEOUT = Reason("06", 6, "Timeout occurred.", "タイムアウトが発生しました。")
INTERNAL = Reason("99", 99, "Internal error. (status={status})", "内部エラーが発生しました。(status={status})")

_BY_CODE: Mapping[str, Reason] = {"InvalidVpcID": VPC_UNKNOWN, "InvalidNetworkInterfaceID": ENI_UNKNOWN}
"Error codes up to the dot: `.NotFound` and `.Malformed` both mean that the id is of nothing that exists."


def rows(
    *,
    start: tuple[Reason, ...],
    error: tuple[Reason, ...],
    warning: tuple[Reason, ...],
    not_ready: tuple[Reason, ...] = (),
) -> tuple[Message, ...]:
    """The messages of a resource type and its check, by its own reasons beside those that all types have.

    `start`: why a start fails, and why a node is not ready for one; `not_ready`: the latter alone.
    """
    silence = (API_FAILED, TIMEOUT)
    return (
        *(ACTIVATION.row(reason) for reason in (*silence, *start, INTERNAL)),
        *(MONITOR_ERROR.row(reason) for reason in (*silence, *error)),
        *(MONITOR_WARNING.row(reason) for reason in (*silence, *warning, INTERNAL)),
        *(NOT_READY.row(reason) for reason in (*silence, *start, *not_ready, INTERNAL)),
        *(READINESS_UNKNOWN.row(reason) for reason in (*silence, INTERNAL)),
    )


def reason_of(error: CloudError, codes: Mapping[str, Reason] = _BY_CODE) -> Reason:
    """The row of T for a call that did not succeed, by fault and code only, never by the API's text.

    `codes` are those that a type knows beside the ones that all know.
    """
    # The API writes InvalidNetworkInterfaceId.Malformed, but InvalidNetworkInterfaceID.NotFound.
    family = error.code.partition(".")[0].replace("Id", "ID")
    known = codes.get(family) or _BY_CODE.get(family)
    if known is not None:
        return known
    if error.fault is CloudFault.INTERNAL:
        return INTERNAL
    return TIMEOUT if error.timed_out else API_FAILED
