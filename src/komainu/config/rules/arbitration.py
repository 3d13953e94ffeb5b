"""What an arbitration needs, and what each kind protects from and does not (N1, N2, N3, N5)."""

from collections.abc import Iterator
from typing import Any

from komainu.config.arbitration import KINDS, STORE_SHARE, needed_right_ms, shortest_right_ms
from komainu.config.declared import Declared
from komainu.config.problem import Finding, Path, named
from komainu.model.config import Arbitration, Cluster
from komainu.model.message import Message, Said
from komainu.model.times import WATCHDOG_STEP_MS, interval_ms, least_wait_ms

FENCE = Message(
    "KM1255",
    "`fence` is no arbitration by itself: without a third vote two nodes that cannot hear each other would stop each "
    "other. Write `kind: lease` (two nodes) or `kind: majority` (three or more), and a section `fence` beside it.",
    "`fence` だけではアービトレーションになりません。第三の投票先がなければ、互いに通信できない 2 つのノードが互いを停"
    "止させてしまいます。`kind: lease`（2 ノード）または `kind: majority`（3 ノード以上）を指定し、"
    "`fence` の節を併記してください。",
    "error",
)
CHOOSE = Message(
    "KM1256",
    "Say what happens when a node is lost: there is no safe default. `arbitration: none` takes it as gone at once "
    "(service returns by itself; when only the network is cut, both sides may be active). `arbitration: operator` "
    "lets groups with an exclusive resource wait until you confirm that it is gone. `lease` (two nodes and a store "
    "outside of both) and `majority` (three nodes or more) take over by themselves, without two actives.",
    "ノードが通信不能になったときの扱いを指定してください。安全な既定値はありません。`arbitration: none` は直ちに"
    "停止済みとみなします（自動で復旧しますが、ネットワークの分断だけでも両側で動くことがあります）。"
    "`arbitration: operator` は、排他リソースを含むグループについて、操作者が停止を確認するまで引き継ぎを待ちます。"
    "`lease`（2 ノードと外部の投票先）と `majority`（3 ノード以上）は、両系活性を起こさずに自動で引き継ぎます。",
    "error",
)
NONE_EXCLUSIVE = Message(
    "KM1257",
    "With arbitration `none`, nothing prevents two active nodes when only the network between them is cut: then these "
    "groups run on both sides though they must not: {groups}. Write `lease`, `majority` or `operator` if that would do "
    "damage.",
    "`arbitration: none` では、ノード間のネットワークだけが切れた場合に両方のノードで動くことを防げません。"
    "次のグループは同時に動いてはならないのに、両側で動くことがあります: {groups}。それで損害が出る場合は "
    "`lease`、`majority`、`operator` のいずれかを指定してください。",
    "warning",
)
NONE_SHARED = Message(
    "KM1258",
    "With arbitration `none`, groups run on both sides when only the network between the nodes is cut; no "
    "resource here is exclusive, so that is allowed.",
    "`arbitration: none` では、ノード間のネットワークだけが切れると両側でグループが動きます。排他リソースがないため、"
    "この構成では許されます。",
    "warning",
)
OPERATOR_WAITS = Message(
    "KM1259",
    "With arbitration `operator`, these groups stay down after the loss of their node until you confirm with "
    "`komainu node confirm-gone` that it is gone: {groups}.",
    "`arbitration: operator` では、ノードが通信不能になると、操作者が `komainu node confirm-gone` で停止を"
    "確認するまで次のグループは停止したままになります: {groups}。",
    "info",
)
LEASE_AS_WORD = Message(
    "KM1711",
    "`lease` has to say where the vote is. Write `arbitration:` as a section with `kind: lease`, and in it a section "
    "`lease` with the `type` of the store and its `params`.",
    "`lease` では投票先の指定が必要です。`arbitration:` を節にして `kind: lease` と書き、"
    "その中に `lease` の節を加えて、投票先の `type` と `params` を書いてください。",
    "error",
)
NO_STORE = Message(
    "KM1712",
    "Kind `lease` has no store: two nodes that cannot hear each other would have nobody to ask. Add a section `lease` "
    "with the `type` of the store and its `params`.",
    "`kind: lease` に投票先がありません。互いに通信できない 2 つのノードが、どちらが続けるかを決められません。"
    "`lease` の節を加え、投票先の `type` と `params` を書いてください。",
    "error",
)
LEASE_IS_FOR_TWO = Message(
    "KM1713",
    "Kind `lease` is for exactly two nodes, and here are {count}. Three nodes or more have a majority among "
    "themselves: write `kind: majority`.",
    "`kind: lease` はちょうど 2 ノードのための方式ですが、ここには {count} ノードあります。"
    "3 ノード以上では自分たちだけで過半数が決まるため、`kind: majority` を指定してください。",
    "error",
)
MAJORITY_OF_THREE = Message(
    "KM1714",
    "Kind `majority` needs three nodes or more, and here are {count}: of two, one that is left is never more than "
    "half. Write `kind: lease` with a store as the third vote, or add a node.",
    "`kind: majority` には 3 ノード以上が必要ですが、ここには {count} ノードしかありません。2 ノードでは、残った 1 台が"
    "過半数になることはありません。投票先を加えて `kind: lease` にするか、ノードを追加してください。",
    "error",
)
MAJORITY_EVEN = Message(
    "KM1715",
    "{count} nodes bear the loss of {bearable}, as {fewer} would; and when they are cut into two halves, both halves "
    "stop. An odd number of nodes is better.",
    "{count} ノードで同時に失ってよいのは {bearable} 台までで、{fewer} ノードの場合と変わりません。さらに、半分ずつに"
    "分断されると両側が停止します。ノード数は奇数にすることを勧めます。",
    "warning",
)
NO_MEANING = Message(
    "KM1716",
    "`{key}` has no meaning with arbitration `{kind}`: it belongs to {kinds}. Remove it, or choose another kind.",
    "`{key}` は `{kind}` では意味を持ちません（使える方式: {kinds}）。削除するか、別の方式を指定してください。",
    "error",
)
FENCE_ALONE = Message(
    "KM1717",
    "`fence` needs a vote or a majority that says who may shoot: with arbitration `{kind}` two nodes that cannot hear "
    "each other would stop each other. Write `kind: lease` or `kind: majority`, or remove `fence`.",
    "`fence` には、どちらが強制停止してよいかを決める投票先または過半数が必要です。`{kind}` では、互いに通信できない "
    "2 つのノードが互いを停止させてしまいます。`kind: lease` または `kind: majority` にするか、`fence` "
    "を削除してください。",
    "error",
)
FENCE_ELSEWHERE = Message(
    "KM1718",
    "The way of fencing `{type}` cannot be used with `environment: {environment}`; it is for: {possible}.",
    "強制停止の方法 `{type}` は `environment: {environment}` では使えません。使える環境: {possible}。",
    "error",
)
RIGHT_SHORT = Message(
    "KM1721",
    "E (`right_ms`) is too short: a healthy node would stop whenever the other one is lost, because its own right ends "
    "before it is renewed by the vote. detect {detect} + 2 beats of {beat} + 2 calls of {store} + grace {grace} = "
    "{needed} > {right}. Write {least} or more, or make the other times shorter.",
    "E（`right_ms`）が短すぎます。相手を失うたびに、投票で権利を更新する前に自分の権利が終わり、正常なノードまで停止"
    "します。検出 {detect} + ビート {beat} × 2 + 呼び出し {store} × 2 + 停止の猶予 {grace} = {needed} > {right}。"
    "{least} 以上にするか、ほかの時間を短くしてください。",
    "error",
)
RIGHT_SHORT_OF_MAJORITY = Message(
    "KM1722",
    "E (`right_ms`) is too short: healthy nodes would stop whenever another one is lost, because their right ends "
    "before they have renewed it among themselves. detect {detect} + 4 beats of {beat} + grace {grace} = {needed} > "
    "{right}. Write {least} or more, or make the other times shorter.",
    "E（`right_ms`）が短すぎます。ノードを 1 台失うたびに、残りのノードの間で権利を更新する前に権利が終わり、正常な"
    "ノードまで停止します。検出 {detect} + ビート {beat} × 4 + 停止の猶予 {grace} = {needed} > {right}。"
    "{least} 以上にするか、ほかの時間を短くしてください。",
    "error",
)
WAIT_SHORT = Message(
    "KM1723",
    "D (`wait_ms`) is too short for E (`right_ms`): with clocks that differ by 1 % a lost node could still act when "
    "another one starts. (E x 1.01 + 500) / 0.99 = ({right} x 1.01 + 500) / 0.99 = {needed} > {wait}. Write {needed} "
    "or more, or remove `wait_ms`.",
    "D（`wait_ms`）が E（`right_ms`）に対して短すぎます。クロックの速さが 1 % ずれていると、通信不能のノードがまだ"
    "動作している間に別のノードが起動します。(E × 1.01 + 500) / 0.99 = ({right} × 1.01 + 500) / 0.99 = {needed} > "
    "{wait}。{needed} 以上にするか、`wait_ms` を削除してください。",
    "error",
)
WAIT_BEFORE_WATCHDOG = Message(
    "KM1728",
    "D (`wait_ms`) does not allow for a watchdog, which counts whole seconds: it may reset a lost node a second after "
    "its right E has ended, and {resources} is ended by nothing less. (E x 1.01 + 500) / 0.99 + 1000 = {needed} > "
    "{wait}. Write {needed} or more, or remove `wait_ms`.",
    "D（`wait_ms`）に、秒単位で数えるウォッチドッグの遅れが含まれていません。通信不能のノードは権利 E が終わってから"
    "最大 1 秒後にリセットされることがあり、{resources} はリセットでしか終わりません。(E × 1.01 + 500) / 0.99 + 1000 = "
    "{needed} > {wait}。{needed} 以上にするか、`wait_ms` を削除してください。",
    "error",
)
STORE_SLOW = Message(
    "KM1724",
    "One call to the store may take {store} ms, more than a fifth of E ({right} ms): a node that is alone and loses a "
    "few answers cannot renew its right in time, and stops. Write `store_timeout_ms` {most} or less, or `right_ms` "
    "{least} or more.",
    "投票先への 1 回の呼び出しに {store} ミリ秒かかることがあり、E（{right} ミリ秒）の 5 分の 1 を超えています。単独で"
    "動作しているノードが応答を数回失うと、権利の更新が間に合わずに停止します。`store_timeout_ms` を {most} 以下に"
    "するか、`right_ms` を {least} 以上にしてください。",
    "warning",
)
RETURN_CAPPED = Message(
    "KM1725",
    "A node whose daemon ended is left alone for {right} ms, not for {value} ms: after E (`right_ms`) its right has "
    "ended in any case.",
    "デーモンが終了したノードを待つ時間は、{value} ミリ秒ではなく {right} ミリ秒になります。E（`right_ms`）を過ぎると、"
    "そのノードの権利はいずれにしても終わるためです。",
)
NOTHING_EXCLUSIVE = Message(
    "KM1726",
    "No group here has an exclusive resource: after a loss they start as soon as the vote or the majority is won, "
    "without the wait D ({wait} ms). When the nodes are cut off from each other, the side that lost goes on until its "
    "right ends.",
    "排他リソースを含むグループがありません。ノードを失うと、投票または過半数を得た時点で、D（{wait} ミリ秒）を待たずに"
    "起動します。ノード間が分断された場合、得られなかった側は、権利が終わるまで動作を続けます。",
)
RESET_ONLY = Message(
    "KM1727",
    "What these resources do cannot be cut off by the kernel, only ended by a reset of the machine if they do not stop "
    "in time: {resources}. Give every node a watchdog (/dev/watchdog, better of hardware): without one nothing ends "
    "them on a node that is frozen and wakes. `komainu status` says what each node has.",
    "次のリソースの動作はカーネルでは遮断できず、時間内に停止しなければマシンのリセットで終わらせるしかありません: "
    "{resources}。各ノードにウォッチドッグ（/dev/watchdog、できればハードウェア）を用意してください。ない場合、"
    "凍結してから再び動き出したノードでは、これらを終わらせるものがありません。各ノードの状況は `komainu status` で確"
    "認できます。",
    "warning",
)
MESSAGES = (
    *(FENCE, CHOOSE, NONE_EXCLUSIVE, NONE_SHARED, OPERATOR_WAITS, LEASE_AS_WORD, NO_STORE, LEASE_IS_FOR_TWO),
    *(MAJORITY_OF_THREE, MAJORITY_EVEN, NO_MEANING, FENCE_ALONE, FENCE_ELSEWHERE, RIGHT_SHORT),
    *(RIGHT_SHORT_OF_MAJORITY, WAIT_SHORT, STORE_SLOW, RETURN_CAPPED, NOTHING_EXCLUSIVE, RESET_ONLY),
)

_PATH: Path = ("cluster", "arbitration")
_OF_LEASE = ("lease", "store_timeout_ms", "head_start_ms")
_OF_LIMITED = ("right_ms", "wait_ms", "stop_grace_ms")


def choose(written: Any) -> Said:
    """What to say of a kind that is none, by what was written."""
    kind = written.get("kind") if isinstance(written, dict) else written
    if kind == "fence":
        return FENCE.said()
    return LEASE_AS_WORD.said() if written == "lease" else CHOOSE.said()


def of_form(written: Any) -> Iterator[Finding]:
    """Keys that the kind has no use for."""
    if not isinstance(written, dict):
        return
    kind: Any = written.get("kind")
    if kind not in KINDS:
        return
    limited = kind in ("lease", "majority")
    for key in written:
        if (key in _OF_LEASE and kind != "lease") or (key in _OF_LIMITED and not limited):
            kinds = "`lease`" if key in _OF_LEASE else "`lease`, `majority`"
            yield Finding((*_PATH, key), NO_MEANING.said(key=key, kind=kind, kinds=kinds), at_key=True)


def findings(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    """What is wrong with the arbitration, and its price."""
    arbitration = cluster.arbitration
    yield from _nodes(cluster)
    yield from _fence(cluster, declared)
    if arbitration.kind == "lease" and arbitration.lease is None:
        yield Finding(_PATH, NO_STORE.said())
    if arbitration.limited:
        yield from _times(cluster, declared)
        yield from _limits(cluster, declared)
    elif len(cluster.nodes) > 1:
        yield from _price(cluster)


def _nodes(cluster: Cluster) -> Iterator[Finding]:
    kind, count = cluster.arbitration.kind, len(cluster.nodes)
    if kind == "lease" and count != 2:
        yield Finding(_PATH, LEASE_IS_FOR_TWO.said(count=count))
    if kind == "majority" and count < 3:
        yield Finding(_PATH, MAJORITY_OF_THREE.said(count=count))
    elif kind == "majority" and count % 2 == 0:
        yield Finding(_PATH, MAJORITY_EVEN.said(count=count, bearable=(count - 1) // 2, fewer=count - 1))


def _fence(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    arbitration, fence = cluster.arbitration, cluster.arbitration.fence
    if fence is None:
        return
    if arbitration.kind and not arbitration.limited:
        yield Finding((*_PATH, "fence"), FENCE_ALONE.said(kind=arbitration.kind), at_key=True)
    kind = declared.fences.get(fence.type)
    if kind is not None and cluster.environment and cluster.environment not in kind.environments:
        possible = ", ".join(kind.environments)
        said = FENCE_ELSEWHERE.said(type=fence.type, environment=named(cluster.environment), possible=possible)
        yield Finding((*_PATH, "fence", "type"), said)


def _times(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    arbitration, detect = cluster.arbitration, cluster.detect_within_ms
    right, wait = arbitration.right_ms, arbitration.wait_ms
    needed = needed_right_ms(arbitration, detect)
    if right < needed:
        yield Finding((*_PATH, "right_ms"), _right_short(arbitration, detect, needed))
    needed = least_wait_ms(right)
    if wait < needed:
        yield Finding((*_PATH, "wait_ms"), WAIT_SHORT.said(right=right, wait=wait, needed=needed))
    elif wait < needed + WATCHDOG_STEP_MS and (hard := _hard(cluster, declared)):
        said = WAIT_BEFORE_WATCHDOG.said(resources=hard, wait=wait, needed=needed + WATCHDOG_STEP_MS)
        yield Finding((*_PATH, "wait_ms"), said)
    if arbitration.kind == "lease":
        store = arbitration.store_timeout_ms
        if store * STORE_SHARE > right:
            said = STORE_SLOW.said(store=store, right=right, most=right // STORE_SHARE, least=store * STORE_SHARE)
            yield Finding((*_PATH, "store_timeout_ms"), said)
    if cluster.agent_return_ms > right:
        yield Finding(("cluster", "agent_return_ms"), RETURN_CAPPED.said(right=right, value=cluster.agent_return_ms))


def _right_short(arbitration: Arbitration, detect: int, needed: int) -> Said:
    numbers = {
        "detect": detect,
        "beat": interval_ms(detect, arbitration.right_ms),
        "grace": arbitration.stop_grace_ms,
        "needed": needed,
        "right": arbitration.right_ms,
        "least": shortest_right_ms(arbitration, detect),
    }
    if arbitration.kind == "majority":
        return RIGHT_SHORT_OF_MAJORITY.said(**numbers)
    return RIGHT_SHORT.said(store=arbitration.store_timeout_ms, **numbers)


def _limits(cluster: Cluster, declared: Declared) -> Iterator[Finding]:
    if cluster.groups and not any(group.exclusive for group in cluster.groups):
        yield Finding(_PATH, NOTHING_EXCLUSIVE.said(wait=cluster.arbitration.wait_ms))
    hard = _hard(cluster, declared)
    if hard:
        yield Finding(_PATH, RESET_ONLY.said(resources=hard))


def _hard(cluster: Cluster, declared: Declared) -> str:
    """The exclusive resources that nothing less than a reset surely ends, by name."""
    return ", ".join(
        named(resource.name)
        for group in cluster.groups
        for resource in group.resources
        if resource.exclusive and resource.name and _is_ended_by_reset(resource.type, declared)
    )


def _is_ended_by_reset(name: str, declared: Declared) -> bool:
    kind = declared.resources.get(name)
    return kind is not None and kind.traits.ended_by == "reset"


def _price(cluster: Cluster) -> Iterator[Finding]:
    exclusive = ", ".join(named(group.name) for group in cluster.groups if group.exclusive and group.name)
    if cluster.arbitration.kind == "none":
        if exclusive:
            yield Finding(_PATH, NONE_EXCLUSIVE.said(groups=exclusive))
        elif cluster.groups:
            yield Finding(_PATH, NONE_SHARED.said())
    elif cluster.arbitration.kind == "operator" and exclusive:
        yield Finding(_PATH, OPERATOR_WAITS.said(groups=exclusive))
