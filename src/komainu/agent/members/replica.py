"""One member's copy of the state, kept equal to the others' by the order of the bus. No input or output of its own.

The shell (`agent.loop`, and the simulator) brings views and messages in delivery order; the answer says what to
multicast and which actions this node has to carry out.

When members with different histories meet, they agree whose state goes on. One of them opens a round; every member
says Hello; at the last Hello, the same place in the order for all, the member chosen by `agent.members.succession`
sends its state as it is there; everybody keeps what is delivered meanwhile, takes that state, and goes on from there. A
change of view before that ends the round: each goes on with its own history, and another round is opened.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from komainu import __version__
from komainu.agent.members import wire
from komainu.agent.members.snapshot import decode, digest, encode
from komainu.agent.members.succession import Claim, successor
from komainu.core import suspension
from komainu.core.audit import InvariantBroken
from komainu.core.state import NO_MARKS, RULES, Marks, Presence, State, Status, initial
from komainu.core.step import step
from komainu.model import events as e
from komainu.model.actions import Action, ArmTimer, Ending, RaiseAlert
from komainu.model.config import Cluster
from komainu.model.message import Message

DIFFERENT_STATE = Message(
    "KM7901",
    "The state of {node} differs from that of {other}: it is taken over afresh. This is a defect; please report it.",
    "{node} の状態が {other} と食い違っているため、取り込み直します。不具合ですので報告してください。",
    "error",
)
DIFFERENT_CONFIGURATION = Message(
    "KM7902",
    "Nodes met with different configurations: {nodes}. That of {source} goes on.",
    "構成情報の異なるノードが参加しました: {nodes}。{source} の構成情報を採用します。",
    "warning",
)
BROKEN = Message(
    "KM7903",
    "A decision would have broken a law and was not carried out: {what}. This is a defect; please report it.",
    "法則に反する決定を実行しませんでした: {what}。不具合ですので報告してください。",
    "error",
)

UNREADABLE = Message(
    "KM7904",
    "The state of the cluster, which {source} sent, holds what release {release} on {node} does not know ({reason}). "
    "{node} takes no part in the cluster and leaves alone what runs on it. Install the release of the other nodes on "
    "{node}; komainud is started again by that.",
    "{source} から受信したクラスタの状態に、{node} のリリース {release} では解釈できない内容があります ({reason})。"
    "{node} はクラスタに参加せず、動作中のリソースには触れません。{node} に他のノードと同じリリースをインストールして"
    "ください (komainud はその際に再起動されます)。",
    "error",
)

MOST_NAMED = 3
"So many unknown parts of a state are named."


@dataclass(frozen=True, slots=True)
class View:
    """The view of the bus in names: `members` have a daemon in the group, `nodes` are in the ring."""

    ring: str
    members: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """One event as it was absorbed: for the journal."""

    event: e.Event
    actions: tuple[Action, ...]
    rules: int
    "The rules number under which it was absorbed: whoever replays it needs the same."


@dataclass(slots=True)
class Effects:
    """What the shell has to do after an input."""

    send: list[wire.Message] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    "For this node, timers and alerts among them."
    decided: list[Decided] = field(default_factory=list)
    adopted: bool = False
    "The state was replaced by another's: disarm all timers but those in `actions`; persist the configuration."


class Replica:
    """See the module."""

    def __init__(
        self,
        me: str,
        cluster: Cluster,
        epoch: int,
        incarnations: Callable[[], str],
        marks: Marks = NO_MARKS,
        rules: int = RULES,
        read: Callable[[bytes], State] = decode,
    ) -> None:
        """`epoch`, `marks`: as this node remembers them. `incarnations` gives fresh names.
        `rules`: the newest this release knows, `read`: what it makes of a snapshot; it raises ValueError for what it
        does not know. The simulator has older releases take part.

        `silent` holds the members known not to speak: whoever times the beats proposes AgentSilent for a member that
        missed three of them and is not in it.
        """
        self.me = me
        self.state: State = initial(cluster, epoch, marks)
        self.incarnation = incarnations()
        self.rules = rules
        self.synced = False
        self.mute = False
        "The state of the others cannot be read by this release: it says no more than that it is silent (ADR 0010)."
        self.silent: tuple[str, ...] = ()
        self._incarnations = incarnations
        self._read = read
        self.view = View("", (), ())
        self.lineage = f"new:{self.incarnation}"
        self._round = ""
        self._rounds = 0
        self._opening = ""
        self._hellos: dict[str, wire.Hello] = {}
        self._source = ""
        self._parts: dict[int, str] = {}
        self._held: list[tuple[str, wire.Message]] = []
        self._number = 0
        self._unheard: dict[int, e.Event] = {}
        self._leaving = False
        self._then: Ending = "end"
        self._digests: dict[int, str] = {}

    # --- what the shell brings -------------------------------------------------------------------------------------

    def propose(self, event: e.Event) -> list[wire.Message]:
        """Something happened here: the messages to send. It is repeated by `unheard` until it is delivered."""
        if self.mute:
            return []
        self._number += 1
        if not isinstance(event, e.CommandGiven):
            self._unheard[self._number] = event
        self._leaving = self._leaving or isinstance(event, e.NodeLeaving)
        return [wire.Proposal(self._number, event)]

    def unheard(self) -> list[wire.Message]:
        """What happened here and was never delivered: to be sent again.

        Commands are not among it: an operator who got no answer looks again and gives his command anew. His word
        must never arrive after the situation of which it spoke.
        """
        return [wire.Proposal(number, event) for number, event in self._unheard.items()]

    def view_changed(self, view: View) -> Effects:
        """The bus has a new view."""
        effects = Effects()
        newcomers = tuple(node for node in view.members if node not in self.view.members)
        if self.mute:
            self.view = view
            if newcomers:
                self._say_silent(effects)  # they do not know it
            return effects
        self._abandon_round(effects)
        self.silent = tuple(node for node in self.silent if node in view.members and node not in newcomers)
        self.view = view
        self.lineage = _hash(f"{self.lineage} {view.ring} {view.members} {view.nodes}")
        self.synced = self.synced and not newcomers
        self._absorb(e.ViewChanged(view.ring, self._speaking(), view.nodes), effects)
        self._opening = ""
        if self.me in self.silent:
            self._renew(effects)
        self._open_if_first(effects)
        return effects

    def delivered(self, sender: str, message: wire.Message) -> Effects:
        """The bus delivered a message."""
        effects = Effects()
        if self.mute:
            return effects
        if sender == self.me and isinstance(message, wire.Proposal):
            self._unheard.pop(message.number, None)
        self._deliver(sender, message, effects)
        return effects

    @property
    def rank(self) -> int:
        """This node's place among the members: the lowest fires timers first (law 9)."""
        return self.view.members.index(self.me) if self.me in self.view.members else 0

    # --- delivery --------------------------------------------------------------------------------------------------

    def _deliver(self, sender: str, message: wire.Message, effects: Effects) -> None:
        match message:
            case wire.Hello():
                self._hello(sender, message, effects)
            case wire.Snapshot():
                self._snapshot(sender, message, effects)
            case wire.RoundOpened():
                self._round_opened(sender, message, effects)
            case wire.Proposal(event=e.AgentSilent(node=node)) if node == self._source:
                self._abandon_round(effects)
                self._proposal(sender, message.event, effects)
            case _ if self._source:
                self._held.append((sender, message))
            case wire.Proposal():
                self._proposal(sender, message.event, effects)
            case wire.DigestAsked():
                self._digest_asked(sender, message, effects)
            case wire.DigestTold():
                self._digest_told(sender, message, effects)
            case _:
                pass  # a beat has no meaning for the state

    def _proposal(self, sender: str, event: e.Event, effects: Effects) -> None:
        if not _about_known(self.state, event):
            return
        self._absorb(event, effects)
        if isinstance(event, e.AgentSilent):
            self._fell_silent(event.node, effects)

    def _fell_silent(self, node: str, effects: Effects) -> None:
        # All members do the same here, the silent one too when it wakes: only so do they agree who is waited for.
        if node not in self.view.members:
            return
        self.silent = (*(other for other in self.silent if other != node), node)
        if node == self.me:
            # The others took this daemon for dead while it slept. It has to ask what became of its resources.
            self._renew(effects)
        self._conclude_hellos(effects)
        if not self._round:
            self._open_if_first(effects)

    def _absorb(self, event: e.Event, effects: Effects) -> None:
        rules = _rules(self.state, event)
        if rules > self.rules:
            # The others have lost sight of this older release and decide without it: from here on its history is
            # another one, and it has to come in afresh.
            rules, self.lineage = self.rules, f"behind:{self.incarnation}"
        try:
            done = step(self.state, event, rules)
        except InvariantBroken as error:
            alert = RaiseAlert(BROKEN.said(what=str(error)))
            effects.actions.append(alert)
            effects.decided.append(Decided(event, (alert,), rules))
            return
        self.state = done.state
        mine = self.state.nodes.get(self.me)
        if mine is not None and mine.leaving:
            # Others may have seen it leave and rely on that; it is never taken back, whatever becomes of this state.
            self._leaving, self._then = True, mine.then
        effects.decided.append(Decided(event, done.actions, rules))
        effects.actions.extend(action for action in done.actions if _is_for(action, self.me))

    def _speaking(self) -> tuple[str, ...]:
        return tuple(node for node in self.view.members if node not in self.silent)

    # --- putting histories together --------------------------------------------------------------------------------

    def _renew(self, effects: Effects) -> None:
        """Come in afresh, as a daemon of which nothing is known."""
        self.incarnation = self._incarnations()
        self.lineage = f"new:{self.incarnation}"
        self._open(effects)

    def _open_if_first(self, effects: Effects) -> None:
        if not self.synced and self._speaking()[:1] == (self.me,):
            self._open(effects)

    def _open(self, effects: Effects) -> None:
        if not self._opening:
            self._rounds += 1
            self._opening = f"{self.incarnation}:{self._rounds}"
            effects.send.append(wire.RoundOpened(self._opening, self.silent))

    def _round_opened(self, sender: str, message: wire.RoundOpened, effects: Effects) -> None:
        self.silent = tuple(node for node in message.silent if node != sender)
        self._abandon_round(effects)
        if message.round == self._opening:
            self._opening = ""
        self._begin_round(message.round, effects)
        if self.me in self.silent:
            self._renew(effects)

    def _begin_round(self, name: str, effects: Effects) -> None:
        self._round = name
        self.synced = False
        state = self.state
        effects.send.append(
            wire.Hello(
                round=name,
                incarnation=self.incarnation,
                rules=self.rules,
                epoch=state.epoch,
                formed=state.formed,
                version=state.cluster.version,
                configuration=_hash(state.cluster.model_dump_json(exclude_defaults=True)),
                lineage=self.lineage,
                active=self._active(),
                leaving=self._leaving,
                then=self._then,
                won=state.won,
                noted=suspension.is_noted(state, self.me),
            )
        )

    def _active(self) -> int:
        holds = [facts.holds.get(self.me, ()) for facts in self.state.groups.values()]
        return len([hold for each in holds for hold in each if hold.status is Status.RUNNING])

    def _abandon_round(self, effects: Effects) -> None:
        """The attempt is over: what was kept back belongs to this member's own history after all."""
        held, self._held = self._held, []
        self._round, self._hellos, self._parts, self._source = "", {}, {}, ""
        for sender, message in held:
            self._deliver(sender, message, effects)

    def _hello(self, sender: str, message: wire.Hello, effects: Effects) -> None:
        if message.round == self._round and not self._source:
            self._hellos[sender] = message
            self._conclude_hellos(effects)

    def _conclude_hellos(self, effects: Effects) -> None:
        speaking = self._speaking()
        if not self._round or self._source or not speaking or any(node not in self._hellos for node in speaking):
            return
        claims = [
            Claim(node, hello.formed, hello.won, hello.epoch, hello.version, hello.active)
            for node, hello in ((node, self._hellos[node]) for node in speaking)
        ]
        self._source = successor(claims)
        if self._source == self.me:
            parts = wire.pack(encode(self.state))
            effects.send.extend(wire.Snapshot(self._round, index, len(parts), part) for index, part in enumerate(parts))

    def _snapshot(self, sender: str, message: wire.Snapshot, effects: Effects) -> None:
        if message.round != self._round or sender != self._source:
            return
        self._parts[message.part] = message.data
        if len(self._parts) == message.parts:
            data = wire.unpack([self._parts[index] for index in range(message.parts)])
            try:
                state = self._read(data)
            except ValueError as error:
                self._fall_mute(error, effects)
            else:
                self._adopt(state, effects)

    def _fall_mute(self, error: ValueError, effects: Effects) -> None:
        """The others go on in a state that this release cannot read.

        To them a daemon that cannot follow is one that does not speak (law 5): they wait for it, and then it is lost
        to them. It must not go on with a state of its own while they are there.
        """
        said = UNREADABLE.said(source=self._source, node=self.me, release=__version__, reason=_why(error))
        effects.actions.append(RaiseAlert(said))
        self._say_silent(effects)
        self.mute = True
        self._held, self._unheard = [], {}
        self._round, self._opening, self._hellos, self._parts, self._source = "", "", {}, {}, ""

    def _say_silent(self, effects: Effects) -> None:
        self._number += 1
        effects.send.append(wire.Proposal(self._number, e.AgentSilent(self.me, self.incarnation)))

    def _adopt(self, state: State, effects: Effects) -> None:
        source, hellos = self._source, self._hellos
        held, self._held = self._held, []
        self.state = state
        self.lineage = _hash(self._round)
        self._round, self._hellos, self._parts, self._source = "", {}, {}, ""
        self.synced = True
        effects.adopted = True
        effects.actions.extend(ArmTimer(timer, ms) for timer, ms in self.state.timers.items())
        lineage = hellos[source].lineage
        members = tuple(
            e.Member(
                node,
                hello.incarnation,
                hello.rules,
                hello.epoch,
                hello.lineage == lineage,
                hello.leaving,
                hello.then,
                hello.noted,
            )
            for node, hello in ((node, hellos[node]) for node in self.view.members if node in hellos)
        )
        odd = tuple(node for node in hellos if hellos[node].configuration != hellos[source].configuration)
        if odd:
            effects.actions.append(RaiseAlert(DIFFERENT_CONFIGURATION.said(nodes=", ".join(odd), source=source)))
        self._absorb(e.MembersSynced(self.view.ring, source, members), effects)
        for sender, message in held:
            self._deliver(sender, message, effects)

    # --- divergence ------------------------------------------------------------------------------------------------

    def ask_digest(self) -> list[wire.Message]:
        """Once a minute, on the member of rank 0: compare the states."""
        self._number += 1
        return [wire.DigestAsked(self._number)]

    def _digest_asked(self, sender: str, message: wire.DigestAsked, effects: Effects) -> None:
        # A member that is still putting its state together with the others' has nothing to compare.
        self._digests = {message.number: digest(self.state)} if self.synced else {}
        if sender == self.me and self.synced:
            effects.send.append(wire.DigestTold(message.number, self._digests[message.number]))

    def _digest_told(self, sender: str, message: wire.DigestTold, effects: Effects) -> None:
        mine = self._digests.pop(message.number, message.digest)
        if mine != message.digest and self.synced:
            effects.actions.append(RaiseAlert(DIFFERENT_STATE.said(node=self.me, other=sender)))
            self._renew(effects)


def _why(error: ValueError) -> str:
    """What cannot be read, in a few words."""
    if isinstance(error, ValidationError):
        return ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:MOST_NAMED])
    return str(error)[:200]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rules(state: State, event: e.Event) -> int:
    """The lowest rules number among the members (law 1): old and new releases decide alike during an upgrade."""
    if isinstance(event, e.MembersSynced):
        numbers = [member.rules for member in event.members]
    else:
        # Whoever goes by this very event has no say in it.
        gone = (event.node,) if isinstance(event, e.AgentSilent) else ()
        there = event.members if isinstance(event, e.ViewChanged) else tuple(state.nodes)
        numbers = [
            facts.rules
            for name, facts in state.nodes.items()
            if facts.presence is Presence.MEMBER and name in there and name not in gone
        ]
    return min(numbers, default=1)


def _about_known(state: State, event: e.Event) -> bool:
    """False for an event that speaks of a node this configuration does not have."""
    nodes = state.nodes
    match event:
        case e.AgentSilent() | e.NodeLeaving() | e.ActionFinished() | e.NodeProbed() | e.MonitorChanged():
            return event.node in nodes
        case e.MonitorJudged() | e.ConfigurationJudged():
            return event.node in nodes
        case e.VoteWon() | e.VoteLost() | e.RightEnding() | e.RightRegained() | e.SuspensionNoted():
            return event.node in nodes
        case e.ViewChanged() | e.MembersSynced():
            return False  # made by each member from its own bus, never proposed
        case _:
            return True


def _is_for(action: Action, me: str) -> bool:
    if isinstance(action, ArmTimer | RaiseAlert):
        return True
    return action.node == me
