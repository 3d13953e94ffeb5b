"""What `awseip` and its check `awseipw` say, beside the texts that all AWS types share."""

from komainu.model.message import Message
from komainu.ports import CloudError
from komainu.types.aws.messages import (
    ACTIVATION,
    API_FAILED,
    DEACTIVATION,
    ENI_UNKNOWN,
    INTERNAL,
    MONITOR_ERROR,
    MONITOR_WARNING,
    NOT_READY,
    READINESS_UNKNOWN,
    TIMEOUT,
    Reason,
    reason_of,
)

ALLOCATION_UNKNOWN = Reason(
    "21",
    5,
    "The allocation ID '{allocation}' does not exist",
    "アロケーション ID '{allocation}' は存在しません",
)
EIP_GONE = Reason(
    "22",
    7,
    "The EIP address does not exist. (EIP ALLOCATION ID={allocation})",
    "EIP アドレスが存在しません。(EIP ALLOCATION ID={allocation})",
)
LEFT_TO_OTHER = Reason(
    "23",
    12,
    "The EIP address is associated with {other}. It is not taken back while this node is alone. "
    "(EIP ALLOCATION ID={allocation})",
    "EIP アドレスは {other} に関連付けられています。このノードが単独で動作している間は元に戻しません。"
    "(EIP ALLOCATION ID={allocation})",
)

NOT_HERE = Message(
    "KM3721",
    "The EIP address {allocation} is not associated with {eni} of this node.",
    "EIP アドレス {allocation} はこのノードの {eni} に関連付けられていません。",
)
STILL_ASSOCIATED = Message(
    "KM3722",
    "{resource} is stopped, but EC2 could not be told: the EIP address {allocation} may still be associated with "
    "{eni}, until another node takes it.",
    "{resource} を停止しましたが、EC2 に通知できませんでした。他のノードが引き継ぐまで、EIP アドレス {allocation} は "
    "{eni} に関連付けられたままの可能性があります。",
    "warning",
)

_START_REASONS = (API_FAILED, ALLOCATION_UNKNOWN, ENI_UNKNOWN, TIMEOUT, INTERNAL)
MESSAGES = (
    *(ACTIVATION.row(reason) for reason in _START_REASONS),
    DEACTIVATION.row(INTERNAL),
    *(MONITOR_ERROR.row(reason) for reason in (API_FAILED, TIMEOUT, ALLOCATION_UNKNOWN, EIP_GONE, INTERNAL)),
    *(MONITOR_WARNING.row(reason) for reason in (API_FAILED, TIMEOUT, LEFT_TO_OTHER, INTERNAL)),
    *(NOT_READY.row(reason) for reason in _START_REASONS),
    *(READINESS_UNKNOWN.row(reason) for reason in (API_FAILED, TIMEOUT, INTERNAL)),
    NOT_HERE,
    STILL_ASSOCIATED,
)


def reason_for(error: CloudError) -> Reason:
    """The row of T for a call about an Elastic IP that did not succeed."""
    # The API writes InvalidAllocationID.NotFound, but InvalidAllocationId.Malformed of other ids.
    family = error.code.partition(".")[0].replace("Id", "ID")
    return ALLOCATION_UNKNOWN if family == "InvalidAllocationID" else reason_of(error)
