"""What `awsvip` and its check `awsvipw` say, beside the texts that all AWS types share."""

from komainu.model.message import Message
from komainu.types.aws.messages import DEACTIVATION, ENI_UNKNOWN, INTERNAL, VPC_UNKNOWN, Reason, rows

VIP_IN_VPC = Reason(
    "11",
    7,
    "The VIP address {address} belongs to a VPC subnet.",
    "VIP アドレス {address} は VPC のサブネットに属しています。",
)
VIP_ABSENT = Reason("12", 7, "The VIP address {address} does not exist.", "VIP アドレス {address} が存在しません。")
ROUTING_CHANGED = Reason(
    "13",
    8,
    "The routing for VIP {address} was changed.",
    "VIP {address} へのルーティングが変更されました。",
)
NO_ROUTE = Reason(
    "14",
    9,
    "No route table of {vpc} has a route to VIP {route}: add it, pointing at the ENI of a node.",
    "{vpc} のどのルートテーブルにも VIP {route} へのルートがありません。"
    "ノードの ENI をターゲットとして追加してください。",
)
SOURCE_DEST_CHECK = Reason(
    "15",
    10,
    "Source/Dest. Check of {eni} is enabled: packets to VIP {address} do not arrive. Disable it.",
    "{eni} の Source/Dest. Check が有効なため、VIP {address} 宛のパケットが届きません。無効にしてください。",
)
ENI_ELSEWHERE = Reason(
    "16",
    11,
    "{eni} does not belong to {vpc}: a route cannot point at it. Correct the VPC ID or the ENI ID of this node.",
    "{eni} は {vpc} に属していないため、ルートのターゲットにできません。"
    "このノードの VPC ID か ENI ID を訂正してください。",
)

LEFT_TO_OTHER = Reason(
    "17",
    12,
    "The routing for VIP {address} points at {other}. It is not changed back while this node is alone.",
    "VIP {address} へのルーティングは {other} を指しています。このノードが単独で動作している間は元に戻しません。",
)

NOT_HERE = Message(
    "KM3701",
    "The VIP address {address} is on no network interface of this node.",
    "VIP アドレス {address} はこのノードのネットワークインタフェースにありません。",
)

VPCS_DIFFER = Message(
    "KM3702",
    "The nodes are in different VPCs ({vpcs}): each rewrites the route tables of its own VPC only, so clients of one "
    "VPC do not follow to the other.",
    "ノードの VPC が異なります（{vpcs}）。各ノードは自分の VPC のルートテーブルだけを書き換えるため、一方の VPC の"
    "クライアントは他方に追従しません。",
    "warning",
)

NO_VIP = Message(
    "KM3703",
    "{address} cannot be a virtual IP: no other host can reach it as this node's. Give a unicast address outside the "
    "VPC.",
    "{address} は他のホストからこのノード宛に到達できないため、仮想 IP にできません。"
    "VPC の範囲外のユニキャストアドレスを指定してください。",
    "error",
)

MESSAGES = (
    *rows(
        start=(VPC_UNKNOWN, ENI_UNKNOWN, VIP_IN_VPC, NO_ROUTE, ENI_ELSEWHERE),
        not_ready=(SOURCE_DEST_CHECK,),
        error=(VIP_ABSENT, ROUTING_CHANGED),
        warning=(SOURCE_DEST_CHECK, LEFT_TO_OTHER),
    ),
    DEACTIVATION.row(INTERNAL),
    NOT_HERE,
    VPCS_DIFFER,
    NO_VIP,
)
