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
    "アービトレーションは operator です。操作者が実際に停止しているノードに対してのみ "
    "`komainu node confirm-gone` を実行する限り、排他リソースを含むグループの両系活性は起こりません。"
    "通信不能のノードがある間、グループはこの確認を待ちます。",
)
BY_FENCE = Message(
    "KM5423",
    "Arbitration is `fence`: two actives of an exclusive group are impossible if a confirmed fence is true. While "
    "fencing does not succeed the group waits.",
    "アービトレーションは fence です。強制停止の確認が正しい限り、排他リソースを含むグループの両系活性は起こりません。"
    "強制停止が成功するまでグループは待機します。",
)
NOT_EXCLUSIVE = Message(
    "KM5424",
    "Group {group} has no exclusive resource: it starts elsewhere without waiting for proof.",
    "グループ {group} には排他リソースがないため、証拠を待たずに他のノードで起動します。",
)

_KINDS = {"none": (BY_NOTHING, "weakest"), "operator": (BY_OPERATOR, "strong"), "fence": (BY_FENCE, "strong")}


def strength(cluster: Cluster) -> str:
    """`weakest`, `weak` or `strong`: how sure it is that a node counted as gone is gone."""
    return _KINDS[cluster.arbitration.kind][1]


def statement(cluster: Cluster) -> tuple[Said, ...]:
    """The safety statement of a configuration."""
    groups = (group for group in cluster.groups if not group.exclusive and cluster.arbitration.kind != "none")
    return (
        _KINDS[cluster.arbitration.kind][0].said(),
        *(NOT_EXCLUSIVE.said(group=group.name) for group in groups),
    )
