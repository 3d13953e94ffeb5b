"""What the configuration protects from, and what it does not, in words (N5). Pure."""

from komainu.model.config import Cluster
from komainu.model.message import Message, Said

BY_NOTHING = Message(
    "KM5421",
    "Arbitration is `none` (weakest): a node that is lost is taken as gone, without proof. Two actives are possible "
    "whenever the nodes cannot hear each other while both are alive: a cut interconnect, a frozen node that wakes. "
    "When they hear each other again the newer takeover stays and the other stops.",
    "アービトレーションは none (最も弱い方式) です。通信不能になったノードを証拠なしに停止済みとみなします。"
    "両ノードが動作したまま互いに通信できない間 (インタコネクトの切断、停止していたノードの再開など) は、"
    "両系活性になる可能性があります。通信が回復すると、新しい方の引き継ぎを残し、もう一方を停止します。",
    "warning",
)
BY_OPERATOR = Message(
    "KM5422",
    "Arbitration is `operator`: two actives of an exclusive group are impossible if an operator says `komainu node "
    "confirm-gone` only of a node that is really off and stays off. Without that word the group waits while a node is "
    "lost.",
    "アービトレーションは operator です。操作者が実際に停止しているノードに対してのみ `komainu node confirm-gone` を実"
    "行する限り、排他リソースを含むグループの両系活性は起こりません。通信不能のノードがある間、"
    "グループはこの確認を待ちます。",
)
BY_LEASE = Message(
    "KM5430",
    "Arbitration is `lease`: two actives of an exclusive group are impossible. A node acts without the other one only "
    "with the vote in {type} and after the other one's right has ended. `komainu explain safety` says on what this "
    "rests, and what it does not cover.",
    "アービトレーションは lease です。排他リソースを含むグループの両系活性は起こりません。相手なしに動作するのは、"
    "{type} で投票を得て、相手の権利が終わった後だけです。前提と保証されないことは `komainu explain safety` で確認でき"
    "ます。",
)
BY_MAJORITY = Message(
    "KM5437",
    "Arbitration is `majority`: two actives of an exclusive group are impossible. Only a side with more than half of "
    "the {nodes} nodes acts, and only after the right of the others has ended. `komainu explain safety` says on what "
    "this rests, and what it does not cover.",
    "アービトレーションは majority です。排他リソースを含むグループの両系活性は起こりません。"
    "{nodes} ノードの過半数がいる側だけが、ほかのノードの権利が終わった後にだけ動作します。"
    "前提と保証されないことは `komainu explain safety` で確認できます。",
)
NOT_EXCLUSIVE = Message(
    "KM5424",
    "Group {group} has no exclusive resource: it starts elsewhere without waiting for proof.",
    "グループ {group} には排他リソースがないため、証拠を待たずに他のノードで起動します。",
)

AFTER_THE_VOTE = Message(
    "KM5438",
    "Group {group} has no exclusive resource: it starts as soon as the vote or the majority is won, and does not wait "
    "until the right of the missing nodes has ended.",
    "グループ {group} には排他リソースがないため、投票または過半数を得た時点で、いないノードの権利が終わるのを待たずに"
    "起動します。",
)


def strength(cluster: Cluster, *, ended_surely: bool = True) -> str:
    """`weakest`, `weak` or `strong`: how sure it is that a node counted as gone is gone.

    `ended_surely` False: this node has no watchdog, though something on it is ended by nothing less than a reset.
    """
    if cluster.arbitration.kind == "none":
        return "weakest"
    return "weak" if cluster.arbitration.limited and not ended_surely else "strong"


def statement(cluster: Cluster) -> tuple[Said, ...]:
    """The safety statement of a configuration, in short; `safety_explained` has the whole."""
    arbitration = cluster.arbitration
    shared = [group for group in cluster.groups if not group.exclusive]
    if arbitration.kind == "none":
        return (BY_NOTHING.said(),)
    if arbitration.kind == "operator":
        return (BY_OPERATOR.said(), *(NOT_EXCLUSIVE.said(group=group.name) for group in shared))
    first = BY_MAJORITY.said(nodes=len(cluster.nodes))
    if arbitration.lease is not None:
        first = BY_LEASE.said(type=arbitration.lease.type)
    return (first, *(AFTER_THE_VOTE.said(group=group.name) for group in shared))
