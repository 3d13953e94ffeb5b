"""The safety statement of one configuration, whole (N5): what cannot happen, on what that rests, what is not covered.

Pure, and made from the configuration alone. What only a running node can know (which watchdog it has, what it may do
at the moment) is for `komainu status`. docs/en/safety.md has the argument.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from komainu.config.arbitration import needed_right_ms
from komainu.model.config import Cluster, Group, Resource
from komainu.model.message import Message, Said
from komainu.model.times import WATCHDOG_STEP_MS, interval_ms, least_wait_ms
from komainu.ports import ResourceType

CANNOT_HAPPEN = Message("KM5901", "What cannot happen", "起こり得ないこと")
RESTS_ON = Message("KM5902", "What this rests on", "その前提")
NOT_COVERED = Message("KM5903", "What is not covered", "保証されないこと")
TIMES = Message("KM5904", "The times", "時間")

ONE_NODE = Message(
    "KM5918",
    "There is one node only, so nothing can be on two.",
    "ノードが 1 台だけなので、2 つのノードで動くことはありません。",
)
MOVED_AFTER_STOP = Message(
    "KM5911",
    "While the nodes hear each other nothing exclusive is on two of them: in a move, a failover or a clean leave a "
    "group starts elsewhere only after its stop was confirmed.",
    "ノードが互いに通信できている間は、排他リソースが 2 つのノードで動くことはありません。移動、フェイルオーバ、"
    "正常な離脱のいずれでも、停止が確認されてから別のノードで起動します。",
)
NOT_TWICE_BY_LEASE = Message(
    "KM5912",
    "These groups are never at work on both nodes, whatever cable is cut, whichever node freezes or boots alone: "
    "{groups}. A node starts them without the other one only after it has won the vote ({type}), and after the right "
    "of the other one has ended by any clock.",
    "次のグループが両方のノードで動くことはありません。どのケーブルが切れても、どちらのノードが凍結しても、単独で起動"
    "しても同じです: {groups}。相手なしに起動するのは、投票（{type}）を得て、さらに、どのクロックで計っても相手の権利が"
    "終わった後だけです。",
)
NOT_TWICE_BY_MAJORITY = Message(
    "KM5913",
    "These groups are never at work on two nodes, however the nodes are cut apart, whichever node freezes or boots "
    "alone: {groups}. They start elsewhere only on a side with more than half of the {nodes} nodes, and after the "
    "right of the missing nodes has ended by any clock.",
    "次のグループが 2 つのノードで動くことはありません。ノード間がどのように分断されても、どのノードが凍結しても、"
    "単独で起動しても同じです: {groups}。別のノードで起動するのは、{nodes} ノードの過半数がいる側で、さらに、"
    "どのクロックで計っても、いないノードの権利が終わった後だけです。",
)
NOT_TWICE_BY_WORD = Message(
    "KM5914",
    "These groups are never at work on two nodes: {groups}. After the loss of a node that may run them they wait for "
    "`komainu node confirm-gone`.",
    "次のグループが 2 つのノードで動くことはありません: {groups}。それを動かしているかもしれないノードが通信不能になる"
    "と、`komainu node confirm-gone` を待ちます。",
)
SHARED_BY_VOTE = Message(
    "KM5915",
    "These groups have no exclusive resource: {groups}. While nodes are missing, one side alone starts them; it does "
    "not wait for the end of the right on the other side.",
    "次のグループには排他リソースがありません: {groups}。一部のノードがいない間、起動するのは一方の側だけですが、"
    "もう一方の側の権利が終わるのは待ちません。",
)
SHARED_AT_ONCE = Message(
    "KM5916",
    "These groups have no exclusive resource: {groups}. They start elsewhere as soon as a node is lost.",
    "次のグループには排他リソースがありません: {groups}。ノードが通信不能になると、直ちに別のノードで起動します。",
)
NOTHING_EXCLUDED = Message(
    "KM5917",
    "Nothing more. Arbitration is `none`: a lost node is taken as gone, and nothing proves it.",
    "これ以外には何もありません。アービトレーションは `none` で、通信不能のノードを証拠なしに停止済みとみなします。",
    "warning",
)

CLOCK_RATES = Message(
    "KM5921",
    "The clocks of all nodes run at the right speed within 1 %, also while a time service corrects them: chrony needs "
    "`maxslewrate 5000` for that (by default it goes up to 8 %). Which time of day they show does not matter.",
    "全ノードのクロックの進む速さが、時刻同期による補正中も含めて 1 % 以内で正確であること。chrony では "
    "`maxslewrate 5000` の設定が必要です（既定では最大約 8 %）。時刻そのものが合っている必要はありません。",
)
STORE_LINEARIZABLE = Message(
    "KM5922",
    "The store ({type}) answers a read with the last write, and never lets two conditional writes replace the same "
    "version. Both nodes use the same one, and nobody deletes the record or puts an older one in its place.",
    "投票先（{type}）が、読み出しに対して常に最後の書き込みを返し、同じバージョンに対する条件付き書き込みを 2 つ受け付"
    "けないこと。両ノードが同じ投票先を使い、記録を削除したり古いものに戻したりしないこと。",
)
CHANGED_TOGETHER = Message(
    "KM5923",
    "Nodes, store and times are changed through Komainu only, which allows it only while all nodes are there: a node "
    "that was away must not wake with other rules.",
    "ノード、投票先、時間の変更を Komainu を通してだけ行うこと。変更できるのは全ノードがそろっている間だけです。"
    "不在だったノードが別の規則で動き出すのを防ぎます。",
)
CUT_BY_KERNEL = Message(
    "KM5924",
    "At the end of a right the kernel drops all packets of these resources, without any help of Komainu: {resources}.",
    "権利が終わると、カーネルが次のリソースのパケットをすべて破棄すること（Komainu の動作には依存しません）: "
    "{resources}。",
)
CUT_BY_MIRROR = Message(
    "KM5925",
    "At the end of a right these resources take no more writes: {resources}.",
    "権利が終わると、次のリソースが書き込みを受け付けなくなること: {resources}。",
)
ENDED_BY_RESET = Message(
    "KM5926",
    "At the end of a right these resources have stopped, or the machine is reset, because nothing less surely ends "
    "what they do: {resources}. On a node that hangs this takes a watchdog, of hardware rather than of the kernel. A "
    "file cannot say which one a node has; `komainu status` does.",
    "権利が終わるまでに次のリソースが停止しているか、そうでなければマシンがリセットされること。それ以外に、"
    "その動作を確実に終わらせる手段がありません: {resources}。ハングしたノードでこれを行うのはウォッチドッグです（カー"
    "ネルのものよりハードウェアのものが確実です）。どのウォッチドッグがあるかはファイルからは分かりません。"
    "`komainu status` で確認してください。",
    "warning",
)
FENCE_TRUE = Message(
    "KM5927",
    "When {type} says that a node is off, it is off, and it is the node that was meant.",
    "{type} が停止を確認したノードは、実際に停止しており、対象のノードに間違いないこと。",
)
WORD_TRUE = Message(
    "KM5928",
    "`komainu node confirm-gone` is said only of a node that is off, and that stays off until the others can hear it.",
    "`komainu node confirm-gone` の対象が実際に停止しており、ほかのノードと通信できるようになるまで停止したままである"
    "こと。",
)
MARKED_RIGHT = Message(
    "KM5929",
    "What is marked `exclusive: false` may really run twice for a while.",
    "`exclusive: false` としたリソースが、しばらく二重に動いても実際に問題ないこと。",
)

PAUSED_MACHINE = Message(
    "KM5941",
    "A machine that its hypervisor pauses (snapshot, migration, suspend) and that wakes later. Its clocks, its "
    "kernel's timers and a watchdog inside it stand still meanwhile, so that for a moment after it wakes it may act "
    "beside the node that took over. No clock of a guest covers this, and a fence only when it was confirmed before D "
    "was over.",
    "ハイパーバイザによるマシンの一時停止（スナップショット、移行、サスペンド）とその再開。"
    "その間はゲストのクロックも、カーネルのタイマも、内部のウォッチドッグも止まるため、再開した直後の短い間、"
    "引き継いだノードと同時に動くことがあります。ゲストのクロックでは防げません。強制停止で防げるのも、"
    "D が過ぎる前に確認された場合だけです。",
    "warning",
)
ALREADY_SENT = Message(
    "KM5942",
    "What was sent before a right ended: a request on its way to a service outside the cluster arrives there.",
    "権利が終わる前に送信されたもの。クラスタの外のサービスに向かっている要求は、そのまま届きます。",
)
BY_HAND = Message(
    "KM5943",
    "What is started by hand or by another program (systemd, cron) beside Komainu.",
    "手動で、またはほかのプログラム（systemd、cron など）が、Komainu の外で起動したもの。",
)
STORE_DOWN = Message(
    "KM5944",
    "Service while a node is lost and the store is silent: a node that cannot renew its right stops after E and starts "
    "nothing, until the store answers, the other node comes back, or `komainu node confirm-gone` is said. While both "
    "nodes hear each other the store is not needed.",
    "一方のノードが通信不能で、投票先も応答しない間の業務。権利を更新できないノードは E の後に停止し、"
    "投票先が応答するか、相手が復帰するか、`komainu node confirm-gone` が実行されるまで何も起動しません。"
    "両ノードが互いに通信できている間は、投票先は必要ありません。",
)
NO_MAJORITY = Message(
    "KM5945",
    "Service while no side has more than half of the nodes: {bearable} of {nodes} may be lost at a time, beyond that "
    "everything stops, until enough of them come back or `komainu node confirm-gone` is said of the missing ones.",
    "どの側も過半数に満たない間の業務。{nodes} ノードのうち同時に失ってよいのは {bearable} 台までです。それを超えると、"
    "十分な数が復帰するか、いないノードすべてについて `komainu node confirm-gone` が実行されるまで、すべて停止します。",
)
SHARED_FOR_A_WHILE = Message(
    "KM5946",
    "When the nodes are cut apart, these groups may be on both sides until the right of the side that lost has ended, "
    "{right} after its last renewal: {groups}.",
    "ノード間が分断されると、次のグループは、続けられない側の権利が終わるまで（最後の更新から {right}）両側で動くことが"
    "あります: {groups}。",
)
TWO_ACTIVES = Message(
    "KM5947",
    "Two actives: when the nodes cannot hear each other while both are alive (a cut cable, a frozen node that wakes, a "
    "node that boots alone), these groups run on both: {groups}. The older one is stopped when they hear each other "
    "again; what both have written is not put together.",
    "両系活性。両方のノードが動作したまま互いに通信できないと（ケーブルの切断、凍結したノードの再開、単独での起動）、"
    "次のグループが両方で動きます: {groups}。再び通信できると古い方を停止しますが、"
    "両方で書き込まれたものは統合されません。",
    "warning",
)
NO_SERVICE_BY_ITSELF = Message(
    "KM5948",
    "Service by itself: after a loss these groups are down until somebody has looked: {groups}. The lost node is "
    "neither stopped nor cut off; if it is alive it goes on.",
    "自動での復旧。ノードを失うと、だれかが確認するまで次のグループは停止したままです: {groups}。通信不能のノードを停止"
    "させたり切り離したりはしません。動作していれば、そのまま続けます。",
    "warning",
)

NOTICED = Message(
    "KM5961",
    "A node that is dead or cut off is noticed within {detect}.",
    "停止または切断されたノードは、{detect}以内に検出されます。",
)
RIGHT = Message(
    "KM5962",
    "E = {right}: so long may a node act after the last sign that renewed its right. Stopping in order begins {grace} "
    "before the end, at the end it is cut off. Needed: {needed}.",
    "E = {right}: 最後に権利を更新してから、ノードが動作できる時間です。終わりの {grace}前に通常の停止を始め、終わると"
    "切り離されます。必要な長さ: {needed}。",
)
WAIT = Message(
    "KM5963",
    "D = {wait}: so long the side that goes on waits until the right of a lost node has ended for certain. Needed: "
    "(E x 1.01 + 0.5 s) / 0.99 = {needed}.",
    "D = {wait}: 続ける側が、通信不能のノードの権利が確実に終わるまで待つ時間です。必要な長さ: (E × 1.01 + 0.5 秒) / "
    "0.99 = {needed}。",
)
WAIT_FOR_WATCHDOG = Message(
    "KM5988",
    "D = {wait}: so long the side that goes on waits until the right of a lost node has ended for certain, and the "
    "watchdog has reset it where nothing less helps. Needed: (E x 1.01 + 0.5 s) / 0.99 + 1 s = {needed}.",
    "D = {wait}: 続ける側が、通信不能のノードの権利が確実に終わり、必要ならウォッチドッグがそのノードをリセットするまで"
    "待つ時間です。必要な長さ: (E × 1.01 + 0.5 秒) / 0.99 + 1 秒 = {needed}。",
)
BACK_EXCLUSIVE = Message(
    "KM5964",
    "Service of groups with an exclusive resource is back about {back} after the loss of their node, plus the time of "
    "their start ({parts}).",
    "排他リソースを含むグループは、ノードを失ってからおよそ {back}と起動の時間の後に復旧します（{parts}）。",
)
BACK_SHARED = Message(
    "KM5965",
    "Service of groups without an exclusive resource is back about {back} after the loss of their node, plus the time "
    "of their start ({parts}).",
    "排他リソースのないグループは、ノードを失ってからおよそ {back}と起動の時間の後に復旧します（{parts}）。",
)
BACK_BY_FENCE = Message(
    "KM5966",
    "When {type} confirms earlier that the lost node is off, nobody waits for the rest of D.",
    "{type} が通信不能のノードの停止を先に確認すれば、D の残りは待ちません。",
)
BACK_BY_WORD = Message(
    "KM5967",
    "Service of groups with an exclusive resource is back when somebody has confirmed the loss, plus the time of their "
    "start.",
    "排他リソースを含むグループは、だれかが停止を確認してから、起動の時間の後に復旧します。",
)
DAEMON_GONE = Message(
    "KM5968",
    "A node whose daemon ended, but whose corosync lives, is left alone for {time} before it counts as lost.",
    "デーモンだけが終了し corosync が動作しているノードは、{time}の間、通信不能とみなしません。",
)
STARTS_ALONE = Message(
    "KM5969",
    "A node that starts waits up to {time} for the others; then it goes on as after a loss.",
    "起動したノードは、ほかのノードを最大 {time}待ち、その後はノードを失った場合と同じように動作します。",
)

PART_DETECT = Message("KM5981", "detection {time}", "検出 {time}")
PART_CLAIM = Message(
    "KM5982",
    "head start {time}, one read and one conditional write",
    "譲る時間 {time}、読み出しと条件付き書き込みを 1 回ずつ",
)
PART_WAIT = Message("KM5983", "D {time}", "D {time}")
NEEDED_BY_LEASE = Message(
    "KM5984",
    "detection {detect} + 2 beats of {beat} + 2 calls of {store} + grace {grace} = {needed}",
    "検出 {detect} + ビート {beat} × 2 + 呼び出し {store} × 2 + 停止の猶予 {grace} = {needed}",
)
NEEDED_BY_MAJORITY = Message(
    "KM5985",
    "detection {detect} + 4 beats of {beat} + grace {grace} = {needed}",
    "検出 {detect} + ビート {beat} × 4 + 停止の猶予 {grace} = {needed}",
)
SECONDS = Message("KM5986", "{number} s", "{number} 秒")
PLUS = Message("KM5987", "{one} + {other}", "{one} + {other}")


@dataclass(frozen=True, slots=True)
class Chapter:
    """Sentences under one head."""

    title: Said
    sentences: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the chapters have in common."""

    cluster: Cluster
    types: Mapping[str, ResourceType]

    @property
    def kind(self) -> str:
        return self.cluster.arbitration.kind

    @property
    def right(self) -> Said:
        return _seconds(self.cluster.arbitration.right_ms)

    def groups(self, *, exclusive: bool | None = None) -> str:
        """The names of those groups; empty when there is none."""
        return _names(group for group in self.cluster.groups if exclusive in (None, group.exclusive))

    def ended_by(self, means: str, *, exclusive: bool = False) -> str:
        """The names of the resources that this ends, or of the exclusive ones among them."""
        resources = (each for group in self.cluster.groups for each in group.resources)
        return _names(
            each
            for each in resources
            if each.type in self.types
            and self.types[each.type].traits.ended_by == means
            and (each.exclusive or not exclusive)
        )


def chapters(cluster: Cluster, types: Mapping[str, ResourceType]) -> tuple[Chapter, ...]:
    """The statement. `types` say what ends each resource."""
    facts = _Facts(cluster, types)
    if len(cluster.nodes) == 1:
        return (Chapter(CANNOT_HAPPEN.said(), (ONE_NODE.said(),)), Chapter(NOT_COVERED.said(), (BY_HAND.said(),)))
    made = (
        (CANNOT_HAPPEN, _cannot_happen(facts)),
        (RESTS_ON, _rests_on(facts)),
        (NOT_COVERED, _not_covered(facts)),
        (TIMES, _times(facts)),
    )
    found = (Chapter(title.said(), tuple(sentences)) for title, sentences in made)
    return tuple(chapter for chapter in found if chapter.sentences)


def _cannot_happen(facts: _Facts) -> Iterator[Said]:
    yield MOVED_AFTER_STOP.said()
    exclusive, shared = facts.groups(exclusive=True), facts.groups(exclusive=False)
    lease = facts.cluster.arbitration.lease
    if exclusive and lease is not None:
        yield NOT_TWICE_BY_LEASE.said(groups=exclusive, type=lease.type)
    elif exclusive and facts.kind == "majority":
        yield NOT_TWICE_BY_MAJORITY.said(groups=exclusive, nodes=len(facts.cluster.nodes))
    elif exclusive and facts.kind == "operator":
        yield NOT_TWICE_BY_WORD.said(groups=exclusive)
    if shared and facts.kind != "none":
        yield (SHARED_BY_VOTE if facts.cluster.arbitration.limited else SHARED_AT_ONCE).said(groups=shared)
    if facts.kind == "none":
        yield NOTHING_EXCLUDED.said()


def _rests_on(facts: _Facts) -> Iterator[Said]:
    arbitration = facts.cluster.arbitration
    if arbitration.limited:
        yield CLOCK_RATES.said()
    if arbitration.lease is not None:
        yield STORE_LINEARIZABLE.said(type=arbitration.lease.type)
    if arbitration.limited:
        yield CHANGED_TOGETHER.said()
        yield from _means(facts)
    if arbitration.fence is not None:
        yield FENCE_TRUE.said(type=arbitration.fence.type)
    if facts.kind != "none":
        yield WORD_TRUE.said()
    if any(_is_cleared(each, facts.types) for group in facts.cluster.groups for each in group.resources):
        yield MARKED_RIGHT.said()


def _means(facts: _Facts) -> Iterator[Said]:
    """What ends the resources when the right does."""
    by_network, by_mirror = facts.ended_by("network"), facts.ended_by("mirror")
    by_reset = facts.ended_by("reset", exclusive=True)
    if by_network:
        yield CUT_BY_KERNEL.said(resources=by_network)
    if by_mirror:
        yield CUT_BY_MIRROR.said(resources=by_mirror)
    if by_reset:
        yield ENDED_BY_RESET.said(resources=by_reset)


def _not_covered(facts: _Facts) -> Iterator[Said]:
    arbitration, count = facts.cluster.arbitration, len(facts.cluster.nodes)
    if facts.kind == "none":
        if facts.groups():
            yield TWO_ACTIVES.said(groups=facts.groups())
        yield BY_HAND.said()
        return
    if arbitration.limited:
        yield PAUSED_MACHINE.said()
        if facts.groups(exclusive=False):
            yield _filled(SHARED_FOR_A_WHILE, right=facts.right, groups=facts.groups(exclusive=False))
    elif facts.groups(exclusive=True):
        yield NO_SERVICE_BY_ITSELF.said(groups=facts.groups(exclusive=True))
    if facts.kind == "lease":
        yield STORE_DOWN.said()
    elif facts.kind == "majority":
        yield NO_MAJORITY.said(bearable=(count - 1) // 2, nodes=count)
    yield from (ALREADY_SENT.said(), BY_HAND.said())


def _times(facts: _Facts) -> Iterator[Said]:
    cluster, arbitration = facts.cluster, facts.cluster.arbitration
    detect = _seconds(cluster.detect_within_ms)
    yield _filled(NOTICED, detect=detect)
    agent_return_ms = cluster.agent_return_ms
    if arbitration.limited:
        agent_return_ms = min(agent_return_ms, arbitration.right_ms)
        grace, wait = _seconds(arbitration.stop_grace_ms), _seconds(arbitration.wait_ms)
        yield _filled(RIGHT, right=facts.right, grace=grace, needed=_needed(facts))
        by_watchdog = bool(facts.ended_by("reset", exclusive=True))
        needed_ms = least_wait_ms(arbitration.right_ms) + (WATCHDOG_STEP_MS if by_watchdog else 0)
        yield _filled(WAIT_FOR_WATCHDOG if by_watchdog else WAIT, wait=wait, needed=_seconds(needed_ms))
    yield from _back(facts)
    if arbitration.fence is not None:
        yield BACK_BY_FENCE.said(type=arbitration.fence.type)
    yield _filled(DAEMON_GONE, time=_seconds(agent_return_ms))
    yield _filled(STARTS_ALONE, time=_seconds(cluster.startup_sync_wait_ms))


def _back(facts: _Facts) -> Iterator[Said]:
    """When service is back, by how each kind of group has to wait."""
    arbitration, total = facts.cluster.arbitration, facts.cluster.detect_within_ms
    parts = _filled(PART_DETECT, time=_seconds(total))
    if facts.kind == "lease":
        total += arbitration.head_start_ms
        parts = _filled(PLUS, one=parts, other=_filled(PART_CLAIM, time=_seconds(arbitration.head_start_ms)))
    if facts.groups(exclusive=True) and facts.kind == "operator":
        yield BACK_BY_WORD.said()
    elif facts.groups(exclusive=True):
        # Under `none` nobody waits for anything, under the others for the end of the right: 0 or D.
        whole = parts
        if arbitration.limited:
            whole = _filled(PLUS, one=parts, other=_filled(PART_WAIT, time=_seconds(arbitration.wait_ms)))
        yield _filled(BACK_EXCLUSIVE, back=_seconds(total + arbitration.wait_ms), parts=whole)
    if facts.groups(exclusive=False):
        yield _filled(BACK_SHARED, back=_seconds(total), parts=parts)


def _needed(facts: _Facts) -> Said:
    """The inequality of E with its numbers."""
    cluster, arbitration = facts.cluster, facts.cluster.arbitration
    message = NEEDED_BY_MAJORITY if facts.kind == "majority" else NEEDED_BY_LEASE
    return _filled(
        message,
        detect=_seconds(cluster.detect_within_ms),
        beat=_seconds(interval_ms(cluster.detect_within_ms, arbitration.right_ms)),
        store=_seconds(arbitration.store_timeout_ms),
        grace=_seconds(arbitration.stop_grace_ms),
        needed=_seconds(needed_right_ms(arbitration, cluster.detect_within_ms)),
    )


def _is_cleared(resource: Resource, types: Mapping[str, ResourceType]) -> bool:
    """True when the administrator said that it may run twice, other than its type."""
    kind = types.get(resource.type)
    return kind is not None and kind.traits.exclusive and not resource.exclusive


def _names(parts: Iterable[Group | Resource]) -> str:
    return ", ".join(part.name for part in parts)


def _seconds(time_ms: int) -> Said:
    whole, rest = divmod(time_ms, 1000)
    return SECONDS.said(number=f"{whole}.{rest:03}".rstrip("0").rstrip("."))


def _filled(message: Message, **values: Said | str | int) -> Said:
    """The message with values that are texts in both languages themselves."""
    said = message.said(**{key: value.en if isinstance(value, Said) else value for key, value in values.items()})
    japanese = {key: value.ja if isinstance(value, Said) else value for key, value in values.items()}
    return Said(said.code, said.en, message.ja.format(**japanese), said.level)
