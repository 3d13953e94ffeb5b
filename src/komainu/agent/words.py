"""The state in the words of an administrator (C12): what each node, group, resource and monitor is, and why. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from komainu.core.state import GroupFacts, Hold, Presence, Proof, State, Status, Wanted
from komainu.model.config import Group
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
TAKEN_AS_GONE = Message(
    "KM5411",
    "It is lost and taken as gone because arbitration is `none`; nothing proves it.",
    "通信不能です。アービトレーションが none のため停止済みとみなしていますが、証拠はありません。",
    "warning",
)

MESSAGES = (
    WAITS_TO_FORM, NOT_PROBED, JOINING, IS_LEAVING, DAEMON_SILENT, IS_LOST, NEVER_SEEN, LEFT_CLEANLY, WAS_FENCED,
    SAID_GONE, TAKEN_AS_GONE,
)  # fmt: skip

_PROOFS = {
    Proof.CLEAN_LEAVE: LEFT_CLEANLY,
    Proof.FENCED: WAS_FENCED,
    Proof.OPERATOR: SAID_GONE,
    Proof.ASSUMED: TAKEN_AS_GONE,
}


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
    UNUSED = "Unused"


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
    "`node` or `group`."
    name: str
    before: str
    now: str
    node: str | None
    "Where a group is now, or should be."


def node(state: State, name: str) -> Told:
    """One node: Online, Offline, Online Pending, Offline Pending, Caution or Unknown."""
    facts = state.nodes[name]
    match facts.presence:
        case Presence.MEMBER if facts.leaving:
            return Told(Word.OFFLINE_PENDING, name, IS_LEAVING.said(node=name))
        case Presence.MEMBER if not facts.probed:
            return Told(Word.ONLINE_PENDING, name, NOT_PROBED.said(node=name))
        case Presence.MEMBER if not state.formed:
            return Told(Word.ONLINE_PENDING, name, WAITS_TO_FORM.said(nodes=", ".join(_awaited(state))))
        case Presence.MEMBER:
            return Told(Word.ONLINE, name)
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
        word = Word.ONLINE_PENDING if not state.formed else Word.OFFLINE
        why = _last(facts.because) if state.formed else WAITS_TO_FORM.said(nodes=", ".join(_awaited(state)))
        return Told(word, at, why)
    if all(part.word is Word.ONLINE and part.node == facts.home for part in parts):
        return Told(Word.ONLINE, facts.home)
    waiting = facts.hindrance or next((part.why for part in parts if part.why is not None), None)
    return Told(Word.ONLINE_PENDING, facts.home, waiting)


def resource(state: State, group: Group, index: int) -> Told:
    """One resource, where it has effect or should have."""
    facts = state.groups[group.name]
    at = _where(facts, index)
    if at is None:
        return Told(Word.OFFLINE)
    hold = facts.holds[at][index]
    return Told(_word(facts, hold, at), at, hold.said)


def monitor(state: State, group: Group, index: int) -> Told:
    """A resource's own check: it is in use only where the resource runs (V3)."""
    facts = state.groups[group.name]
    at = _where(facts, index)
    hold = facts.holds[at][index] if at is not None else Hold()
    match hold.status:
        case Status.RUNNING if hold.said is None:
            return Told(Word.NORMAL, at)
        case Status.RUNNING:
            return Told(Word.CAUTION, at, hold.said)
        case Status.FAILED:
            return Told(Word.ERROR, at, hold.said)
        case Status.UNKNOWN if at is not None:
            return Told(Word.UNKNOWN, at, hold.said)
        case _:
            return Told(Word.UNUSED, at)


def line(state: State, me: str) -> str:
    """How this node and the groups stand, in one line."""
    told = [(each.name, group(state, each)) for each in state.cluster.groups]
    groups = [f"{name} {each.word}" + (f" ({each.node})" if each.node else "") for name, each in told]
    return "; ".join((f"{me} {node(state, me).word}", *groups))


Summary = dict[tuple[str, str], Told]
"""The word of every node and group, by kind and name."""


def summary(state: State) -> Summary:
    """The word of every node and group, by kind and name: to see what an event changed."""
    words = {("node", name): node(state, name) for name in state.nodes}
    words.update({("group", each.name): group(state, each) for each in state.cluster.groups})
    return words


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
    home_first = sorted(facts.holds, key=lambda name: name != facts.home)
    for status in (Status.STUCK, Status.RUNNING, Status.STARTING, Status.STOPPING, Status.FAILED):
        for name in home_first:
            if facts.holds[name][index].status is status:
                return name
    if facts.home is not None and facts.wanted is Wanted.UP:
        return facts.home
    return None


def _word(facts: GroupFacts, hold: Hold, at: str) -> Word:
    match hold.status:
        case Status.RUNNING:
            return Word.ONLINE
        case Status.STARTING:
            return Word.ONLINE_PENDING
        case Status.STOPPING:
            return Word.OFFLINE_PENDING
        case Status.FAILED:
            # It counts as a failure once nothing more is tried.
            return Word.ONLINE_FAILURE if facts.given_up or facts.wanted is not Wanted.UP else Word.ONLINE_PENDING
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
