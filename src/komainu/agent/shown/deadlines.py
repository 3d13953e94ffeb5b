"""Every armed timer in words: what happens when it runs out. Pure."""

from komainu.model.message import Message, Said

STARTUP = Message(
    "KM5461", "the cluster forms without the nodes that are not there", "揃っていないノードを待たずにクラスタを構成"
)
CHANGE = Message("KM5462", "the change of the configuration is given up", "構成情報の変更を断念")
AGENT = Message(
    "KM5463", "{node} counts as lost if its daemon is not back", "デーモンが復帰しなければ {node} を通信不能とみなす"
)
FENCE = Message("KM5464", "{node} is fenced once more", "{node} の強制停止を再試行")
END = Message("KM5465", "{node} is ended even if not everything has stopped", "停止処理が未完了でも {node} を終了")
FAILOVER = Message(
    "KM5466",
    "one failover of {group} no longer counts against its limit",
    "{group} のフェイルオーバ 1 回を上限の計算から除外",
)
RETRY = Message("KM5467", "{resource} on {node} is tried once more", "{node} で {resource} を再試行")
SETTLED = Message(
    "KM5468", "the failures of {resource} on {node} are counted anew", "{node} の {resource} の回数を数え直す"
)
AWAIT = Message(
    "KM5469", "{group} waits no longer for {other}, and is not started", "{group} は {other} を待つのをやめ、起動しない"
)
FOLLOW = Message("KM5470", "{group} stops even if {other} has not stopped", "{other} の停止を待たずに {group} を停止")
FAILBACK = Message("KM5471", "{group} goes back to {node}", "{group} を {node} にフェイルバック")
NORMAL = Message(
    "KM5472", "the failures found by {monitor} on {node} are counted anew", "{node} のモニタ {monitor} の回数を数え直す"
)
CALM = Message("KM5473", "the failovers of {group} are counted anew", "{group} のフェイルオーバ回数を数え直す")
EXPIRE = Message(
    "KM5475",
    "whatever right the missing nodes had to act has ended: they are proven gone",
    "参加していないノードの動作する権利が終了し、停止済みと確認",
)
FLOOR = Message(
    "KM5476",
    "whatever right a node had under the earlier rules has ended",
    "以前の規則による動作する権利がすべて終了",
)
OTHER = Message("KM5474", "the wait {timer} is over", "待ち時間 {timer} が終了")

_KINDS: dict[str, tuple[Message, tuple[str, ...]]] = {
    "startup": (STARTUP, ()),
    "change": (CHANGE, ()),
    "agent": (AGENT, ("node",)),
    "fence": (FENCE, ("node",)),
    "end": (END, ("node",)),
    "failover": (FAILOVER, ("group",)),
    "retry": (RETRY, ("group", "resource", "node")),
    "settled": (SETTLED, ("group", "resource", "node")),
    "await": (AWAIT, ("group", "other")),
    "follow": (FOLLOW, ("group", "other")),
    "failback": (FAILBACK, ("group", "node")),
    "normal": (NORMAL, ("monitor", "node")),
    "calm": (CALM, ("group",)),
    "expire": (EXPIRE, ()),
    "floor": (FLOOR, ()),
}


def concerns(timer: str) -> dict[str, str]:
    """What a timer is about: names by `node`, `group`, `other` (a group), `resource`, `monitor`."""
    kind, *names = timer.split(":")
    _, keys = _KINDS.get(kind, (OTHER, ()))
    return dict(zip(keys, names, strict=False))


def deadline(timer: str) -> Said:
    """What happens when the timer runs out."""
    kind = timer.partition(":")[0]
    message, keys = _KINDS.get(kind, (OTHER, ("timer",)))
    names = (timer,) if message is OTHER else timer.split(":")[1:]
    return message.said(**dict(zip(keys, names, strict=False)))
