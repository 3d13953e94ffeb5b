"""What `awseip` and its check `awseipw` say, beside the texts that all AWS types share."""

from komainu.model.message import Message
from komainu.types.aws.messages import ENI_UNKNOWN, INTERNAL, Reason, rows

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
STILL_TRIED = Message(
    "KM3723",
    "{resource} is not active yet: this node reaches no API of AWS. It is tried again until the API answers; nothing "
    "needs to be done if it does within minutes. A node that the Elastic IP has left has no public address until EC2 "
    "assigns one. Else see to it that the node reaches the API: an interface endpoint of EC2 in the VPC needs no "
    "public address.",
    "{resource} はまだ活性していません。このノードから AWS の API に到達できません。API が応答するまで再試行します。"
    "数分以内に応答すれば操作は不要です。EIP が外れたノードは、EC2 が割り当てるまでパブリックアドレスを持ちません。"
    "応答しない場合は、ノードから API に到達できるようにしてください。EC2 のインタフェースエンドポイントが VPC に"
    "あれば、パブリックアドレスは不要です。",
    "error",
)

CODES = {"InvalidAllocationID": ALLOCATION_UNKNOWN}
"What error codes mean here, beside those that all types know."

MESSAGES = (
    *rows(
        start=(ALLOCATION_UNKNOWN, ENI_UNKNOWN),
        error=(ALLOCATION_UNKNOWN, EIP_GONE, INTERNAL),
        warning=(LEFT_TO_OTHER,),
    ),
    NOT_HERE,
    STILL_ASSOCIATED,
    STILL_TRIED,
)
