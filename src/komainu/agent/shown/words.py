"""The state in the words of an administrator (C12): what each node, group, resource and monitor is, and why. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from komainu.core import presence, rights
from komainu.core.state import (
    GroupFacts,
    Hold,
    Presence,
    Proof,
    State,
    Status,
    Verdict,
    Wanted,
    Watch,
)
from komainu.model.config import Group, Monitor
from komainu.model.message import Message, Said

WAITS_TO_FORM = Message(
    "KM5401",
    "The cluster has not formed yet: it waits for {nodes}, at most for the startup sync wait.",
    "クラスタはまだ構成されていません。{nodes} の参加を起動同期待ち時間まで待っています。",
)
NOT_PROBED = Message(
    "KM5402", "It is being found out what runs on {node}.", "{node} で動作しているものを確認しています。"
)
JOINING = Message(
    "KM5403",
    "The daemon of {node} is there; its state is being put together with the others'.",
    "{node} のデーモンが参加し、状態を揃えています。",
)
IS_LEAVING = Message(
    "KM5404", "{node} stops its groups and then leaves.", "{node} はグループを停止した後に離脱します。"
)
DAEMON_SILENT = Message(
    "KM5405",
    "The node is alive and its daemon does not answer. What runs there goes on; nothing is started elsewhere for now.",
    "ノードは動作中ですが、デーモンが応答しません。動作中のものはそのまま継続し、当面は他のノードで起動しません。",
    "warning",
)
IS_LOST = Message(
    "KM5406",
    "The node is not to be heard and not proven gone: it may be dead, or cut off and at work.",
    "ノードと通信できず、停止も確認されていません。停止しているか、切断されたまま動作している可能性があります。",
    "error",
)
NEVER_SEEN = Message(
    "KM5407",
    "The node has not been seen since this cluster began.",
    "このクラスタの開始以降、ノードが確認されていません。",
    "warning",
)
LEFT_CLEANLY = Message("KM5408", "It left after stopping everything.", "全リソースを停止した後に離脱しました。")
WAS_FENCED = Message("KM5409", "It was fenced.", "強制停止されました。", "warning")
SAID_GONE = Message("KM5410", "An operator confirmed that it is gone.", "操作者が停止を確認しました。", "warning")
RIGHT_ENDED = Message(
    "KM5490",
    "Whatever right it had to act has ended since the connection was lost: it is proven gone.",
    "通信が途絶えた後、動作する権利がすべて終了しているため、停止済みであることが確認されています。",
    "warning",
)
TAKEN_AS_GONE = Message(
    "KM5411",
    "It is lost and taken as gone because arbitration is `none`; nothing proves it.",
    "通信不能です。アービトレーションが none のため停止済みとみなしていますが、証拠はありません。",
    "warning",
)

SUSPENDED = Message(
    "KM5412",
    "It is suspended: what runs there goes on, nothing is checked, recovered, started or stopped. `komainu node resume "
    "{node}` ends that.",
    "サスペンド中です。動作中のものはそのまま継続し、監視、復旧、起動、停止は行いません。"
    "`komainu node resume {node}` で解除します。",
    "warning",
)
IS_ENDING = Message(
    "KM5413",
    "{node} was told to end at once. It is not proven gone by that.",
    "{node} に即時の終了が指示されました。これだけでは停止の証拠になりません。",
    "warning",
)
AWAITS_VOTE = Message(
    "KM5423",
    "{node} stays until {others} holds the vote: without it, what runs there would lose its right. Is the store of the "
    "vote within reach of {others}? See `komainu lease check`. To leave without waiting, stop what runs on {others}.",
    "{others} が投票権を得るまで {node} は離脱しません。離脱すると {others} で動作中のものが権利を失うためです。"
    "{others} から投票先に到達できるか `komainu lease check` で確認してください。待たずに離脱するには、{others} で"
    "動作中のものを停止してください。",
    "warning",
)
STOPS = Message(
    "KM5414",
    "{node} stops its groups, then leaves the cluster.",
    "{node} はグループを停止した後、クラスタから離脱します。",
)
SHUTS_DOWN = Message(
    "KM5415",
    "{node} stops its groups, then shuts its operating system down.",
    "{node} はグループを停止した後、OS をシャットダウンします。",
)
REBOOTS = Message(
    "KM5416",
    "{node} stops its groups, then reboots its operating system.",
    "{node} はグループを停止した後、OS を再起動します。",
)
WAS_STOPPED = Message(
    "KM5417",
    "It was stopped, after all its groups. `komainu node start {node}` starts it.",
    "全グループの停止後に停止されました。`komainu node start {node}` で開始します。",
)
IS_PARKED = Message(
    "KM5418",
    "It was stopped by itself, by an operator or a final action. `komainu resource start {resource}` starts it.",
    "操作者または最終動作により単独で停止されました。`komainu resource start {resource}` で起動します。",
)
NEEDS_PARKED = Message(
    "KM5419",
    "It is not started because it depends on {needed}, which was stopped by itself.",
    "依存する {needed} が単独で停止されているため、起動しません。",
)
PARTLY = Message(
    "KM5420",
    "It runs without {resources}: stopped by an operator or a final action.",
    "操作者または最終動作により停止された {resources} を除いて動作しています。",
    "warning",
)
IS_OUTDATED = Message(
    "KM5425",
    "It runs under the configuration that is about to be replaced, and stops first.",
    "置き換え予定の構成情報で動作しているため、先に停止します。",
)
HAS_NO_RIGHT = Message(
    "KM5494",
    "{node} has no right to act: what it ran was stopped or cut off, and nothing starts there. It acts again when it "
    "hears the other nodes or gets the vote; `komainu status` on {node} says what keeps it from that.",
    "{node} は動作する権利を持っていません。動作していたものは停止または遮断され、何も起動しません。他のノードと通信"
    "できるか、投票権を得ると再開します。得られない理由は {node} の `komainu status` で確認できます。",
    "error",
)
JUST_ADDED = Message(
    "KM5426",
    "It was just added to the configuration, and takes part once it has it from a member.",
    "構成情報に追加された直後です。メンバーから構成情報を受け取った後に参加します。",
)
SIMULATED = Message(
    "KM5427",
    "Verification mode: it finds an error because an operator wants it to. `komainu monitor fail {monitor} --off` ends "
    "that.",
    "検証モードです。操作者の指示により異常として扱います。`komainu monitor fail {monitor} --off` で解除します。",
    "warning",
)
CHECK_SUSPENDED = Message(
    "KM5428",
    "An operator suspended it. `komainu monitor resume {monitor}` ends that.",
    "操作者により一時停止されています。`komainu monitor resume {monitor}` で再開します。",
    "warning",
)
NOT_ACTIVE = Message(
    "KM5429",
    "What it watches is not active on {node}.",
    "監視対象が {node} で活性していません。",
)
RECOVERS = Message(
    "KM5433",
    "A step of its recovery is under way; it checks again after that.",
    "復旧処理中です。完了後に監視を再開します。",
    "warning",
)
NOT_YET = Message(
    "KM5434",
    "Its first check on {node} has not ended yet.",
    "{node} での最初の監視がまだ完了していません。",
)
NODE_AWAY = Message(
    "KM5435",
    "Node {node} is not a member: nobody knows what it finds there.",
    "ノード {node} がメンバーではないため、監視結果は不明です。",
)
NODE_OFF = Message("KM5436", "Node {node} is off.", "ノード {node} は停止しています。")


class Word(StrEnum):
    """The words of C12."""

    ONLINE = "Online"
    OFFLINE = "Offline"
    ONLINE_PENDING = "Online Pending"
    OFFLINE_PENDING = "Offline Pending"
    ONLINE_FAILURE = "Online Failure"
    OFFLINE_FAILURE = "Offline Failure"
    CAUTION = "Caution"
    UNKNOWN = "Unknown"
    NORMAL = "Normal"
    ERROR = "Error"
    SUSPEND = "Suspend"
    UNUSED = "Unused"


_PROOFS = {
    Proof.ADDED: JUST_ADDED,
    Proof.CLEAN_LEAVE: LEFT_CLEANLY,
    Proof.FENCED: WAS_FENCED,
    Proof.LEASE: RIGHT_ENDED,
    Proof.MAJORITY: RIGHT_ENDED,
    Proof.OPERATOR: SAID_GONE,
    Proof.ASSUMED: TAKEN_AS_GONE,
}
_VERDICTS = {
    Verdict.NORMAL: Word.NORMAL,
    Verdict.CAUTION: Word.CAUTION,
    Verdict.ERROR: Word.ERROR,
    Verdict.UNKNOWN: Word.UNKNOWN,
}
_EFFECT = {
    status: rank
    for rank, status in enumerate((Status.STUCK, Status.RUNNING, Status.STARTING, Status.STOPPING, Status.FAILED))
}
"""How much effect a resource may have, most first; in any other status it has none, or nobody knows."""
_WORST = (Word.ERROR, Word.UNKNOWN, Word.CAUTION, Word.SUSPEND, Word.NORMAL, Word.UNUSED)
_FAREWELLS = {"end": IS_LEAVING, "stop": STOPS, "shutdown": SHUTS_DOWN, "reboot": REBOOTS}


@dataclass(frozen=True, slots=True)
class Told:
    """A word, where it holds, and why."""

    word: Word
    node: str | None = None
    why: Said | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A word that changed."""

    what: str
    "`node`, `group` or `monitor`."
    name: str
    before: str
    now: str
    node: str | None
    "Where a group is now, or should be."


def node(state: State, name: str) -> Told:
    """One node: Online, Offline, Online Pending, Offline Pending, Caution or Unknown."""
    facts = state.nodes[name]
    match facts.presence:
        case Presence.MEMBER if facts.ended:
            return Told(Word.OFFLINE_PENDING, name, IS_ENDING.said(node=name))
        case Presence.MEMBER if facts.leaving and not _may_go(state, name):
            others = ", ".join(other for other in state.members() if other != name)
            return Told(Word.OFFLINE_PENDING, name, AWAITS_VOTE.said(node=name, others=others))
        case Presence.MEMBER if facts.leaving:
            return Told(Word.OFFLINE_PENDING, name, _FAREWELLS[facts.then].said(node=name))
        case Presence.MEMBER if not facts.probed:
            return Told(Word.ONLINE_PENDING, name, NOT_PROBED.said(node=name))
        case Presence.MEMBER if not state.formed:
            return Told(Word.ONLINE_PENDING, name, WAITS_TO_FORM.said(nodes=", ".join(_awaited(state))))
        case Presence.MEMBER if facts.powerless:
            return Told(Word.CAUTION, name, HAS_NO_RIGHT.said(node=name))
        case Presence.MEMBER:
            return Told(Word.ONLINE, name, SUSPENDED.said(node=name) if facts.suspended else None)
        case Presence.JOINING:
            return Told(Word.ONLINE_PENDING, name, JOINING.said(node=name))
        case Presence.AGENT_LOST:
            return Told(Word.CAUTION, name, DAEMON_SILENT.said())
        case Presence.LOST:
            return Told(Word.UNKNOWN, name, IS_LOST.said())
        case Presence.UNSEEN:
            return Told(Word.UNKNOWN, name, NEVER_SEEN.said())
        case Presence.GONE:
            return Told(Word.OFFLINE, name, _PROOFS[facts.proof].said() if facts.proof is not None else None)


def _may_go(state: State, name: str) -> bool:
    """False for a node that has nothing more to stop, and stays because the other one would lose its right."""
    return not presence.runs_nothing(state, name) or rights.may_leave(state, name)


def group(state: State, group: Group) -> Told:
    """One group, by what is known of its resources and by where it should be."""
    facts = state.groups[group.name]
    parts = [resource(state, group, index) for index in range(len(group.resources))]
    at = facts.home or next((part.node for part in parts if part.node is not None), None)
    for word in (Word.OFFLINE_FAILURE, Word.ONLINE_FAILURE):
        worst = next((part for part in parts if part.word is word), None)
        if worst is not None:
            return Told(word, worst.node, worst.why)
    if facts.wanted is not Wanted.UP:
        stopped = all(part.word is Word.OFFLINE for part in parts)
        return Told(Word.OFFLINE if stopped else Word.OFFLINE_PENDING, at, _last(facts.because))
    if facts.home is None:
        stopped = all(part.word is Word.OFFLINE for part in parts)
        word = Word.ONLINE_PENDING if not state.formed else Word.OFFLINE if stopped else Word.OFFLINE_PENDING
        why = _last(facts.because) if state.formed else WAITS_TO_FORM.said(nodes=", ".join(_awaited(state)))
        return Told(word, at, why)
    left = _left_out(group, facts)
    if len(left) == len(parts) and all(part.word is Word.OFFLINE for part in parts):
        return Told(Word.OFFLINE, at, parts[0].why)
    wanted = [part for each, part in zip(group.resources, parts, strict=True) if each.name not in left]
    if all(part.word is Word.ONLINE and part.node == facts.home for part in wanted):
        return Told(Word.ONLINE, facts.home, PARTLY.said(resources=", ".join(left)) if left else None)
    waiting = facts.hindrance or next((part.why for part in parts if part.why is not None), None)
    return Told(Word.ONLINE_PENDING, facts.home, waiting)


def resource(state: State, group: Group, index: int) -> Told:
    """One resource, where it has effect or should have."""
    facts, name = state.groups[group.name], group.resources[index].name
    at = _where(facts, index)
    left = _left_out(group, facts)
    if at is None or (name in left and facts.holds[at][index].status is Status.STOPPED):
        return Told(Word.OFFLINE, None, _why_left_out(group, facts, name) if name in left else None)
    hold = facts.holds[at][index]
    return Told(_word(state, facts, hold, at), at, IS_OUTDATED.said() if hold.outdated else hold.said)


def own_monitor(state: State, group: Group, index: int) -> Told:
    """A resource's own check: it is in use only where the resource runs (V3)."""
    facts, name = state.groups[group.name], group.resources[index].monitor
    at = _where(facts, index)
    hold = facts.holds[at][index] if at is not None else Hold()
    known = state.monitor(name)
    if at is not None and hold.status in (Status.RUNNING, Status.FAILED):
        if at in known.suspended:
            return Told(Word.SUSPEND, at, CHECK_SUSPENDED.said(monitor=name))
        if state.nodes[at].suspended:
            return Told(Word.SUSPEND, at, SUSPENDED.said(node=at))
    said = SIMULATED.said(monitor=name) if at in known.simulated else hold.said
    match hold.status:
        case Status.RUNNING if said is None:
            return Told(Word.NORMAL, at)
        case Status.RUNNING:
            return Told(Word.CAUTION, at, said)
        case Status.FAILED:
            return Told(Word.ERROR, at, said)
        case Status.UNKNOWN if at is not None:
            return Told(Word.UNKNOWN, at, said)
        case _:
            return Told(Word.UNUSED, at)


def monitor_on(state: State, monitor: Monitor, name: str) -> Told:
    """A monitor of its own on one node."""
    facts, at = state.monitor(monitor.name), state.nodes[name]
    watch = facts.on.get(name) or Watch()
    if at.presence is Presence.GONE:
        return Told(Word.UNUSED, name, NODE_OFF.said(node=name))
    if at.presence is not Presence.MEMBER:
        return Told(Word.UNKNOWN, name, NODE_AWAY.said(node=name))
    if name in facts.suspended:
        return Told(Word.SUSPEND, name, CHECK_SUSPENDED.said(monitor=monitor.name))
    if at.suspended:
        return Told(Word.SUSPEND, name, SUSPENDED.said(node=name))
    if not watch.round:
        return Told(Word.UNUSED, name, RECOVERS.said() if watch.recovering else NOT_ACTIVE.said(node=name))
    if watch.verdict is None:
        return Told(Word.UNUSED, name, NOT_YET.said(node=name))
    said = SIMULATED.said(monitor=monitor.name) if name in facts.simulated else watch.said
    return Told(_VERDICTS[watch.verdict], name, said)


def monitor(state: State, monitor: Monitor) -> Told:
    """A monitor of its own as a whole: the worst it is on any node."""
    told = [monitor_on(state, monitor, name) for name in monitor.nodes]
    return min(told, key=lambda each: _WORST.index(each.word), default=Told(Word.UNUSED))


def line(state: State, me: str) -> str:
    """How this node and the groups stand, in one line."""
    told = [(each.name, group(state, each)) for each in state.cluster.groups]
    groups = [f"{name} {each.word}" + (f" ({each.node})" if each.node else "") for name, each in told]
    switch = ("MAINTENANCE",) if state.maintenance else ()
    members = state.members()
    if members and all(state.nodes[name].suspended for name in members):
        switch = (*switch, "SUSPENDED")
    return "; ".join((*switch, f"{me} {node(state, me).word}", *groups))


Summary = dict[tuple[str, str], Told]
"""The word of every node, group and monitor of its own, by kind and name."""


def summary(state: State, known: tuple[State, Summary] | None = None) -> Summary:
    """The word of every node, group and monitor, by kind and name: to see what an event changed.

    `known`, an earlier state and its summary: what cannot have changed since is not looked at again.
    """
    words = {("node", name): node(state, name) for name in state.nodes}
    old, told = known if known is not None and _alike(known[0], state) else (None, {})
    for each in state.cluster.groups:
        key = ("group", each.name)
        same = old is not None and old.groups[each.name] is state.groups[each.name]
        words[key] = told[key] if same else group(state, each)
    for monitor_ in state.cluster.monitors:
        key = ("monitor", monitor_.name)
        same = old is not None and old.monitors.get(monitor_.name) is state.monitors.get(monitor_.name)
        words[key] = told[key] if same else monitor(state, monitor_)
    return words


def _alike(one: State, other: State) -> bool:
    """True when words of groups and monitors can differ by their own facts only."""
    return one.cluster is other.cluster and one.nodes is other.nodes and (one.formed, one.maintenance) == (
        other.formed, other.maintenance,
    )  # fmt: skip


def changes(before: Summary, now: Summary) -> tuple[Change, ...]:
    """What is said otherwise than before."""
    return tuple(
        Change(*key, before[key].word if key in before else "", told.word, told.node)
        for key, told in now.items()
        if key not in before or (before[key].word, before[key].node) != (told.word, told.node)
    )


def _awaited(state: State) -> list[str]:
    waiting = [name for name, facts in state.nodes.items() if facts.presence is not Presence.MEMBER]
    return waiting or list(state.nodes)


def _where(facts: GroupFacts, index: int) -> str | None:
    """The node whose part in a resource matters most: where it has effect, else where it should."""
    best, found = len(_EFFECT), None
    for name, holds in facts.holds.items():
        rank = _EFFECT.get(holds[index].status, len(_EFFECT))
        if rank < best or (rank == best and found is not None and name == facts.home):
            best, found = rank, name
    if found is None and facts.wanted is Wanted.UP:
        return facts.home
    return found


def _left_out(group: Group, facts: GroupFacts) -> tuple[str, ...]:
    """Resources that were stopped by themselves, and those that depend on them."""
    left: tuple[str, ...] = ()
    for each in group.resources if facts.parked else ():
        if each.name in facts.parked or any(needed in left for needed in each.depends_on):
            left = (*left, each.name)
    return left


def _why_left_out(group: Group, facts: GroupFacts, name: str) -> Said:
    if name in facts.parked:
        return IS_PARKED.said(resource=name)
    left = _left_out(group, facts)
    needed = next(each for each in group.resources if each.name == name).depends_on
    return NEEDS_PARKED.said(needed=next(each for each in needed if each in left))


def _word(state: State, facts: GroupFacts, hold: Hold, at: str) -> Word:
    match hold.status:
        case Status.RUNNING:
            return Word.ONLINE
        case Status.STARTING:
            return Word.ONLINE_PENDING
        case Status.STOPPING:
            return Word.OFFLINE_PENDING
        case Status.FAILED:
            # It counts as a failure while nothing more is tried.
            tried = facts.wanted is Wanted.UP and not (facts.given_up or state.maintenance or state.nodes[at].suspended)
            return Word.ONLINE_PENDING if tried else Word.ONLINE_FAILURE
        case Status.STUCK:
            return Word.OFFLINE_FAILURE
        case Status.UNKNOWN if facts.wanted is not Wanted.UP:
            return Word.OFFLINE_PENDING
        case Status.UNKNOWN:
            return Word.ONLINE_PENDING
        case Status.STOPPED:
            coming = facts.wanted is Wanted.UP and facts.home == at and not facts.given_up
            return Word.ONLINE_PENDING if coming else Word.OFFLINE


def _last(because: tuple[Said, ...]) -> Said | None:
    return because[-1] if because else None
