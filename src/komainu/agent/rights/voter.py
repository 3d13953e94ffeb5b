"""This node's right to act and its vote, put together: what it claims, whom it answers, what it tells the core.

Pure, like its parts: the daemon (`agent.rights.voting`) and the simulator bring time, beacons and the answers of the
store.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from komainu.agent.rights.claimant import RELEASED, TAKEN, Ask, Claimant, Wish
from komainu.agent.rights.right import Right
from komainu.core import rights, suspension
from komainu.core.state import Hold, Presence, State, Status, Wanted
from komainu.model import events as e
from komainu.model.message import Message, Said
from komainu.model.vote import Owner

STABLE_MS = 2_000
"Together for so long at least before the record says so: a connection that flaps must not cost a claim each time."

NOT_ANSWERED = Message(
    "KM5611",
    "the other nodes do not answer, and there is no vote without them",
    "他のノードから応答がなく、投票権もないため",
)
STORE_SAYS = Message("KM5612", "no vote: {reason}", "投票権がないため: {reason}")
STOOD_STILL = Message(
    "KM5613",
    "this node stood still for longer than a right lasts, and may have missed that a node which you confirmed gone is "
    "back. Look at it, and say it again",
    "このノードは権利の有効時間より長く停止していたため、停止を確認したノードの復帰を見逃した可能性があります。もう一度"
    "確認してください",
)

NOTHING_NOTED = "-"
"No suspension has this id."


@dataclass(slots=True)
class Turn:
    """What has to be done now."""

    events: list[e.Event] = field(default_factory=list)
    "To be proposed."
    ask: Ask | None = None
    "To be asked of the store."


class Voter:
    """See the module. For kinds of arbitration without rights it does nothing and is always entitled."""

    def __init__(self, me: str, life: str, state: State, nonces: Callable[[], str], known_epoch: int) -> None:
        """`life`: the name of this life of the daemon; `known_epoch`: of the newest record this node remembers."""
        self.me = me
        self.right = Right()
        self.claimant = Claimant(Owner(node=me, incarnation=life), state.cluster, nonces, known_epoch)
        self._state = state
        self._synced = False
        self._incarnation = ""
        self._together_since_ms: int | None = None
        self._answerable: tuple[str, ...] = ()
        self._heard: dict[str, int] = {}
        "The newest beacon heard of each member since it was last missing."
        self._periods = 0
        self._period: tuple[str, tuple[str, ...]] = ("", ())
        self._told_vote_ms: int | None = None
        "When the core was told of the vote, as long as it does not know."
        self._told_right_ms: int | None = None
        self._word_ms: int | None = None
        "When an operator's word last renewed the right."
        self._told_word_ms: int | None = None
        self._noted = NOTHING_NOTED
        self._told_noted_ms: int | None = None
        self._born_ms: int | None = None
        "When its chance of a right began for what it has not started itself."
        self._probed = False

    # --- what happens ----------------------------------------------------------------------------------------------

    def follow(self, state: State, incarnation: str, synced: bool, now_ms: int) -> None:
        """The state as it is now; `synced`: it is put together with that of the other members."""
        self._born_ms = now_ms if self._born_ms is None else self._born_ms
        if state.cluster is not self._state.cluster or self._period[0] == "":
            self.right.configure(state.cluster.arbitration, state.nodes, self.me, now_ms)
        was_bound = self.bound
        self._state, self._synced, self._incarnation = state, synced, incarnation
        was_probed, self._probed = self._probed, self.me in state.nodes and state.nodes[self.me].probed
        found = self._probed and not was_probed and self.has_effect()
        if self.bound and (not was_bound or (found and now_ms >= max(self.chance_ms, self.right.until_ms))):
            self._born_ms = now_ms
        there = tuple(name for name, facts in state.nodes.items() if facts.presence is Presence.MEMBER)
        if (state.ring, there) != self._period:
            self._period = (state.ring, there)
            self._periods += 1
        if rights.together(state) or not rights.by_word(state):
            self._word_ms = None
        if state.suspension is None or state.suspension.id != self._noted:
            self._noted = NOTHING_NOTED  # the disk has to be told again, should one of that id come back
        self._answerable = self._whom_to_answer()
        self._heard = {node: number for node, number in self._heard.items() if node in there}
        if not (synced and rights.together(state)):
            self._together_since_ms = None
        elif self._together_since_ms is None:
            self._together_since_ms = now_ms
        self.claimant.follow(self._period_name, self.wish(now_ms), state.cluster, now_ms)

    def beacon(self, number: int, now_ms: int) -> dict[int, int]:
        """A beacon with that number is sent: what it answers, by node id. An answer voids what this node waits for."""
        self.right.sent(number, now_ms)
        answers = {node: self._heard[node] for node in self._answerable if node in self._heard}
        if answers:
            self.claimant.void()
        return {node.id: answers[node.name] for node in self._state.cluster.nodes if node.name in answers}

    def heard(self, sender: str, number: int, answers: dict[int, int]) -> bool:
        """A beacon of another member was delivered. True when it waits for its first answer from this node."""
        first = sender in self._answerable and sender not in self._heard
        if sender in self._answerable:
            self._heard[sender] = number
        mine = next((node.id for node in self._state.cluster.nodes if node.name == self.me), None)
        if self._state.undecided and not rights.together(self._state):
            return False  # whoever answers may go by other rules
        if mine is not None and mine in answers:
            self.right.answered(sender, answers[mine])
        return first

    def turn(self, now_ms: int) -> Turn:
        """What is due now."""
        turn = Turn()
        if not self._limited:
            return turn
        state, claimant = self._state, self.claimant
        claimant.together_ms = 0 if self._together_since_ms is None else now_ms - self._together_since_ms
        claimant.by_word = rights.by_word(state) and not rights.together(state)
        if claimant.by_word and not claimant.contradicted:
            self._rest_on_word(turn, now_ms)
        claimant.follow(self._period_name, self.wish(now_ms), state.cluster, now_ms)
        turn.ask = claimant.due(now_ms)
        if turn.ask is not None and turn.ask.record is not None and turn.ask.record.owner is None:
            self.right.drop()  # once it is given back another node may start; nothing has effect here any more
        if self.me in state.nodes:
            self._tell_vote(turn, now_ms)
            if self.bound:
                self._tell_right(turn, now_ms)
                self._tell_noted(turn, now_ms)
        return turn

    def noted(self, suspension: str) -> None:
        """The disk of this node knows of a suspension with that id: begun, or about to end."""
        self._noted = suspension

    def answered(self, sent_ms: int | None) -> None:
        """The claimant took an answer of the store that confirmed a write sent then (or none)."""
        if sent_ms is not None and self.claimant.won:
            self.right.confirmed(sent_ms)

    # --- what it knows ---------------------------------------------------------------------------------------------

    def entitled(self, now_ms: int) -> bool:
        """True while this node may have effects."""
        return not self.bound or self.right.left_ms(now_ms) > 0

    @property
    def chance_ms(self) -> int:
        """Until then this life of the daemon may still come to a right for what it has found running, however late."""
        return (self._born_ms or 0) + self._state.cluster.arbitration.right_ms

    @property
    def bound(self) -> bool:
        """True while this node needs a right to have effects."""
        return self._limited and not suspension.in_force(self._state)

    def next_ms(self, now_ms: int) -> int | None:
        """When to take the next turn at the latest; None: nothing is due before something happens."""
        if not self._limited:
            return None
        grace_ms = self._state.cluster.arbitration.stop_grace_ms
        dates = [self.claimant.next_ms(), self.right.until_ms - grace_ms, self.right.until_ms]
        dates.extend((self.chance_ms - grace_ms, self.chance_ms))
        dates.append(self.right.answered_ms + self._third_ms)
        if self._together_since_ms is not None:
            dates.append(self._together_since_ms + self._stable_ms)
            dates.append(self._together_since_ms + self._third_ms)
        told = (self._told_vote_ms, self._told_right_ms, self._told_noted_ms)
        dates.extend(told_ms + self._third_ms for told_ms in told if told_ms is not None)
        if rights.by_word(self._state):
            dates.append(now_ms + self._third_ms)
        return min((date for date in dates if date is not None and date > now_ms), default=None)

    def holding(self) -> bool:
        """True when anything of a group has or may have effect here."""
        return any(hold.status not in self._quiet() or hold.action for hold in self._holds())

    def has_effect(self) -> bool:
        """True when something is here that was started under a right: what waits for one is not."""
        return any(hold.status not in (*self._quiet(), Status.STARTING) for hold in self._holds())

    def _holds(self) -> list[Hold]:
        return [hold for facts in self._state.groups.values() for hold in facts.holds.get(self.me, ())]

    def _quiet(self) -> tuple[Status, ...]:
        """What has no effect. Before the probe nothing is known of anything; after it what is unknown may have some."""
        probed = self.me in self._state.nodes and self._state.nodes[self.me].probed
        return (Status.STOPPED,) if probed else (Status.STOPPED, Status.UNKNOWN)

    def wish(self, now_ms: int) -> Wish:
        """What this node wants of the vote."""
        state = self._state
        if state.cluster.arbitration.kind != "lease" or self.me not in state.nodes or not self.bound:
            return Wish.REST
        if state.undecided:
            return Wish.REST  # whichever store it asked, the other node may ask another one
        if rights.together(state):
            since_ms = max(self.right.answered_ms, self._together_since_ms or now_ms)
            if self.holding() and (now_ms - since_ms >= self._third_ms or rights.departing(state)):
                return Wish.AT_ONCE
            stable = self._together_since_ms is not None and now_ms - self._together_since_ms >= self._stable_ms
            return Wish.SETTLE if stable else Wish.KEEP
        if self.holding():
            return Wish.AT_ONCE
        facts = state.nodes[self.me]
        if not state.formed or facts.presence is not Presence.MEMBER or not facts.probed or facts.leaving:
            return Wish.KEEP
        missing = [other.presence for other in state.nodes.values() if other.presence is not Presence.MEMBER]
        if all(presence in (Presence.JOINING, Presence.AGENT_LOST) for presence in missing):
            return Wish.KEEP
        return self._nothing_to_start() or Wish.HEAD_START

    # --- within ----------------------------------------------------------------------------------------------------

    @property
    def _limited(self) -> bool:
        return self._state.cluster.arbitration.limited

    @property
    def _third_ms(self) -> int:
        return self._state.cluster.arbitration.right_ms // 3

    @property
    def _stable_ms(self) -> int:
        return max(STABLE_MS, self._state.cluster.detect_within_ms)

    @property
    def _period_name(self) -> str:
        return f"{self._periods}"

    def _whom_to_answer(self) -> tuple[str, ...]:
        """The members whose beacons may be answered: for two nodes all or none, for a majority whoever is there."""
        state = self._state
        if not self._synced or not self._limited:
            return ()
        if state.cluster.arbitration.kind == "lease" and not rights.together(state):
            return ()
        return tuple(name for name in state.members() if name != self.me)

    def _nothing_to_start(self) -> Wish | None:
        """What to want of the vote when nothing could be started here; None when something could."""
        state = self._state
        here = [facts for facts in state.groups.values() if self.me in facts.holds and facts.wanted is Wanted.UP]
        able = [facts for facts in here if not facts.given_up and (facts.ordered or not state.maintenance)]
        if able and not state.nodes[self.me].suspended:
            return None
        # What has failed here may start elsewhere; what nobody wants must not.
        return Wish.RELEASE if here and all(facts.given_up for facts in here) else Wish.KEEP

    def _tell_vote(self, turn: Turn, now_ms: int) -> None:
        """Level-triggered: the core may have forgotten, with another view, what it was told."""
        state, claimant = self._state, self.claimant
        if state.cluster.arbitration.kind != "lease" or not self._synced:
            return
        if rights.together(state) and not rights.departing(state):
            return
        held = rights.holds_vote(state, self.me)
        proven = any(facts.proven_gone for facts in state.nodes.values())
        lost = not claimant.won and (held or (claimant.contradicted and proven))
        if not lost and claimant.won is held:
            self._told_vote_ms = None
        elif self._told_vote_ms is None or now_ms - self._told_vote_ms >= self._third_ms:
            self._told_vote_ms = now_ms
            won = e.VoteWon(self.me, state.ring, claimant.epoch, claimant.waited, claimant.wait_ms)
            turn.events.append(e.VoteLost(self.me, state.ring, self._why_lost()) if lost else won)

    def _why_lost(self) -> Said:
        found = self.claimant.record
        if found is not None and found.owner is not None and found.owner.node != self.me:
            return TAKEN.said(owner=found.owner.node)
        return self.claimant.trouble or RELEASED.said()

    def _tell_right(self, turn: Turn, now_ms: int) -> None:
        facts = self._state.nodes[self.me]
        if facts.incarnation != self._incarnation or facts.presence is not Presence.MEMBER:
            return
        arbitration = self._state.cluster.arbitration
        # What an earlier daemon had started, or what was started when no right was needed, is not stopped before this
        # one has had its chance of a right: the kernel cuts it when an earlier right ends.
        until_ms = max(self.right.until_ms, self.chance_ms)
        over = now_ms >= until_ms - arbitration.stop_grace_ms
        ahead = self.right.left_ms(now_ms) > arbitration.stop_grace_ms
        if not (over and self.has_effect() and not facts.powerless) and not (ahead and facts.powerless):
            self._told_right_ms = None
        elif self._told_right_ms is None or now_ms - self._told_right_ms >= self._third_ms:
            self._told_right_ms = now_ms
            ending = e.RightEnding(self.me, self._incarnation, self._why_ending())
            turn.events.append(e.RightRegained(self.me, self._incarnation) if ahead else ending)

    def _rest_on_word(self, turn: Turn, now_ms: int) -> None:
        """An operator's word is a right for as long as this node would notice that the other one is back (N1).

        A daemon that stood still may have missed that, and be alone again when it goes on.
        """
        if self._word_ms is None or now_ms - self._word_ms <= self._state.cluster.arbitration.right_ms:
            self._word_ms, self._told_word_ms = now_ms, None
            self.right.confirmed(now_ms)
        elif self._told_word_ms is None or now_ms - self._told_word_ms >= self._third_ms:
            self._told_word_ms = now_ms
            turn.events.append(e.VoteLost(self.me, self._state.ring, STOOD_STILL.said()))

    def _tell_noted(self, turn: Turn, now_ms: int) -> None:
        """The cluster is to be suspended, or resumed: then the others count on this node's right from now on."""
        now = self._state.suspension
        able = now is not None and self._noted == now.id and (now.on or self.right.left_ms(now_ms) > 0)
        if now is None or not able or self.me in now.noted:
            self._told_noted_ms = None
        elif self._told_noted_ms is None or now_ms - self._told_noted_ms >= self._third_ms:
            self._told_noted_ms = now_ms
            turn.events.append(e.SuspensionNoted(self.me, now.id))

    def _why_ending(self) -> Said:
        trouble = self.claimant.trouble
        if trouble is None:
            return NOT_ANSWERED.said()
        return STORE_SAYS.said(reason=trouble)
