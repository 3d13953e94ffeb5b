"""What `awsdns` and its check `awsdnsw` say, beside the texts that all AWS types share."""

from komainu.model.message import Message
from komainu.types.aws.messages import Reason, rows

ZONE_UNKNOWN = Reason("41", 5, "The hosted zone ID '{zone}' does not exist", "ホストゾーン ID '{zone}' は存在しません")
RECORD_CHANGED = Reason(
    "42",
    8,
    "The record {name} does not lead to {value} any more.",
    "レコード {name} の値が {value} ではなくなっています。",
)
LEFT_TO_OTHER = Reason(
    "43",
    12,
    "The record {name} leads to {other}. It is not changed back while this node is alone.",
    "レコード {name} は {other} を指しています。このノードが単独で動作している間は元に戻しません。",
)
NOT_IN_SYNC = Reason(
    "44",
    13,
    "The change of the record {name} has not reached all name servers of Route 53 yet.",
    "レコード {name} の変更が Route 53 のすべてのネームサーバにはまだ反映されていません。",
)

NOT_HERE = Message(
    "KM3731",
    "The record {name} does not lead to this node ({value}).",
    "レコード {name} はこのノード（{value}）を指していません。",
)
STILL_THERE = Message(
    "KM3732",
    "{resource} is stopped, but Route 53 has not confirmed that the record {name} is deleted: it may lead to {value} "
    "until another node takes it.",
    "{resource} を停止しましたが、レコード {name} が削除されたことを Route 53 から確認できません。"
    "他のノードが引き継ぐまで {value} を指したままの可能性があります。",
    "warning",
)
NO_VALUE = Message(
    "KM3733",
    "A record of type {type} cannot lead to {value}. A takes an IPv4 address, AAAA an IPv6 address; other hosts have "
    "to reach it.",
    "タイプ {type} のレコードの値に {value} は使用できません。A には IPv4、AAAA には IPv6 の、他のホストから到達できる"
    "アドレスを指定してください。",
    "error",
)
SAME_VALUE = Message(
    "KM3734",
    "The record leads to {value} whichever of these nodes is active ({nodes}): clients do not follow. Give each node a "
    "`value` of its own.",
    "どのノード（{nodes}）が現用系でもレコードの値が {value} のため、クライアントは追従しません。"
    "`value` をノードごとに設定してください。",
    "warning",
)

CODES = {"NoSuchHostedZone": ZONE_UNKNOWN}
"What error codes mean here, beside those that all types know."

MESSAGES = (
    *rows(start=(ZONE_UNKNOWN,), error=(ZONE_UNKNOWN, RECORD_CHANGED), warning=(LEFT_TO_OTHER, NOT_IN_SYNC)),
    NOT_HERE,
    STILL_THERE,
    NO_VALUE,
    SAME_VALUE,
)
