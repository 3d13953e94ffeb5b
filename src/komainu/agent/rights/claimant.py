"""How this node gets the vote and keeps it: read, wait, compare-and-swap, read back, renew (docs/en/safety.md).

Pure: `due` says what to ask of the store, `read` and `replaced` take its answers. An answer that is not a clear success
is unknown; the record itself tells, by the nonce of our write. What was asked in one period means nothing in another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.vote import Owner, Record, record
from komainu.ports import Held

MISSING = Message(
    "KM5601",
    "The store has no vote record: nobody can hold the vote. It is never created by itself. Bring all nodes together, "
    "then write it with `komainu lease init`.",
    "投票先に投票レコードがないため、どのノードも投票権を得られません。レコードは自動では作成されません。全ノードを"
    "参加させてから `komainu lease init` で作成してください。",
    "error",
)
UNREADABLE = Message(
    "KM5602",
    "The vote record cannot be used ({reason}). Look at it with `komainu lease show`.",
    "投票レコードを使用できません ({reason})。`komainu lease show` で確認してください。",
    "error",
)
OF_ANOTHER = Message(
    "KM5603",
    "The vote record belongs to cluster {other}, not to {cluster}. Two clusters must not share one.",
    "投票レコードはクラスタ {other} のもので、{cluster} のものではありません。レコードは共有できません。",
    "error",
)
SET_BACK = Message(
    "KM5604",
    "The vote record has epoch {epoch}, but this node has seen epoch {known}: it is an old copy, and what it says may "
    "be untrue. Bring all nodes together, then write a new one with `komainu lease init --replace`.",
    "投票レコードのエポックは {epoch} ですが、このノードはエポック {known} を確認済みです。古いコピーであり、内容が"
    "正しくない可能性があります。全ノードを参加させてから `komainu lease init --replace` で作成し直してください。",
    "error",
)
HELD_BY = Message(
    "KM5605",
    "Node {owner} holds the vote. It can be taken over once the record has not changed for {ms} ms.",
    "投票権はノード {owner} が持っています。レコードが {ms} ミリ秒変化しなければ引き継ぎます。",
    "warning",
)
TAKEN = Message("KM5606", "node {owner} has claimed it.", "ノード {owner} が投票権を取得したためです。")
RELEASED = Message(
    "KM5607",
    "nothing can be started here, so it was given back.",
    "このノードでは何も起動できないため、投票権を返却しました。",
)


class Wish(StrEnum):
    """What this node wants of the vote."""

    REST = "rest"
    "Nothing."
    KEEP = "keep"
    "Renew it if it is ours; do not claim it."
    HEAD_START = "head start"
    "Claim it, after leaving the other node its head start."
    AT_ONCE = "at once"
    "Claim it: what it is needed for runs here."
    SETTLE = "settle"
    "All nodes are together: if it is ours, say in the record that nobody acts alone."
    RELEASE = "release"
    "Give it back: nothing can be started here."


RENEWING = frozenset((Wish.KEEP, Wish.HEAD_START, Wish.AT_ONCE))


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to the store: a read, or a replacement of exactly that version."""

    number: int
    version: str = ""
    record: Record | None = None
    "What to write; None: read."


class Claimant:
    """The claims of one life of the daemon."""

    def __init__(self, me: Owner, cluster: Cluster, nonces: Callable[[], str], known_epoch: int) -> None:
        """`nonces` gives a fresh word at each call; `known_epoch`: of the newest record this node remembers."""
        self._me = me
        self._cluster = cluster
        self._nonces = nonces
        self.epoch = known_epoch
        "Of the newest record ever seen here: to be kept on disk."
        self.period = ""
        self.wish = Wish.REST
        self.won = False
        "The vote was won in this period, and is not known to be lost."
        self.waited = False
        "The record that the claim replaced had been unchanged for D, and nobody was answered since."
        self.record: Record | None = None
        "As last seen."
        self.trouble: Said | None = None
        "Why there is no vote, or what the store last refused."
        self.together_ms = 0
        "For how long all nodes have been together."
        self.by_word = False
        "An operator has said that the other node is gone: then an old copy of the record may be claimed as well."
        self.contradicted = False
        "Another node has written the record in this period: it is alive, whatever was said of it."
        self._base: tuple[str, Record] | None = None
        "The version that our next write replaces: our own last one, or one that was read and may be claimed."
        self._rested = False
        "That version had been unchanged for D when it was chosen."
        self.wait_ms = 0
        "D as it holds for the last claim: the longer one of ours and of whoever wrote the record that it replaced."
        self._seen: tuple[str, int] | None = None
        "The version first seen in this period, and when."
        self._unsure = False
        "A write of ours may have been made or not: the record has to be read before anything else."
        self._sent: dict[str, tuple[Record, int]] = {}
        "What was written in this period, by nonce, and when it was sent: each may arrive late."
        self._looked = False
        "The record was read or written in this period."
        self._ask: Ask | None = None
        self._numbers = 0
        self._next_ms = 0

    # --- what is wanted --------------------------------------------------------------------------------------------

    def follow(self, period: str, wish: Wish, cluster: Cluster, now_ms: int) -> None:
        """The period and the wish that hold now."""
        self._cluster = cluster
        if period != self.period:
            self.period = period
            self.won = self.contradicted = self._looked = False
            self._unsure = self._unsure or (self._ask is not None and self._ask.record is not None)
            self._ask = None
            self._sent = {}
            # What was read in another period must not be claimed; what we wrote ourselves may be written anew.
            self._base = self._base if self.owns() else None
            self.void()
        elif wish is self.wish or (self.won and {wish, self.wish} <= RENEWING):
            self.wish = wish  # what is won is renewed at its time, whatever it was won for
            return
        late = wish is Wish.HEAD_START and not self.owns()
        self._next_ms = now_ms + (cluster.arbitration.head_start_ms if late else 0)
        self.wish = wish

    def void(self) -> None:
        """This node has answered another one: whatever it waited for has to be waited for anew."""
        self.waited = self._rested = False
        self._seen = None

    def owns(self) -> bool:
        """True when the record, as far as is known, says that this node acts alone."""
        return self._base is not None and self._is_mine(self._base[1])

    def due(self, now_ms: int) -> Ask | None:
        """What to ask of the store now."""
        if self._ask is not None or now_ms < self._next_ms or not self._wants_something():
            return None
        self._numbers += 1
        if self._unsure or self._base is None:
            self._ask = Ask(self._numbers)
        else:
            version, base = self._base
            written = self._next(base)
            self._sent[written.nonce] = (written, now_ms)
            self._ask = Ask(self._numbers, version, written)
        return self._ask

    def next_ms(self) -> int | None:
        """When `due` is to be asked again; None: not before an answer or another wish."""
        return self._next_ms if self._ask is None and self._wants_something() else None

    # --- what the store answers ------------------------------------------------------------------------------------

    def read(self, ask: Ask, held: Held | None, now_ms: int) -> int | None:
        """The record was read. The time of sending of a write of ours that is confirmed by it."""
        if ask != self._ask:
            return None
        self._ask = None
        found = self._understood(held)
        if found is None or held is None:
            self._base, self.won = None, False
            self._next_ms = now_ms + self._retry_ms
            return None
        self.record, self.epoch, self._unsure, self._looked = found, max(self.epoch, found.epoch), False, True
        if found.nonce in self._sent:
            return self._written(held.version, *self._sent[found.nonce])
        if self._base is not None and self._base[0] == held.version:
            self._next_ms = now_ms  # what we sent was not written: again
            return None
        self._base, self.won = None, False
        self._meet(held.version, found, now_ms)
        return None

    def replaced(self, ask: Ask, version: str | None, now_ms: int) -> int | None:
        """The store has written the record, or (None) has not clearly done so. Answers like `read`."""
        if ask != self._ask or ask.record is None:
            return None
        self._ask = None
        if version is not None:
            return self._written(version, *self._sent[ask.record.nonce])
        self._unsure = True
        self._next_ms = now_ms
        return None

    def silent(self, ask: Ask, said: Said, now_ms: int) -> None:
        """The store did not answer: nobody knows whether it has written anything."""
        if ask == self._ask:
            self._ask = None
            self._unsure = self._unsure or ask.record is not None
            self.trouble = said
            self._next_ms = now_ms if ask.record is not None else now_ms + self._retry_ms

    # --- its decisions ---------------------------------------------------------------------------------------------

    @property
    def _retry_ms(self) -> int:
        return max(1, self._cluster.arbitration.right_ms // 6)

    def _wants_something(self) -> bool:
        if self.wish is Wish.SETTLE:
            # An earlier life of this daemon may have claimed it, or an answer may have been lost: one look tells.
            return self.owns() or not self._looked or self._may_shorten()
        if self.wish in (Wish.KEEP, Wish.RELEASE):
            return self.owns()
        return self.wish is not Wish.REST

    def _may_shorten(self) -> bool:
        """True when the record asks for a longer wait than is needed: all have been together for that long."""
        if self._base is None or self._base[1].wait_ms <= self._cluster.arbitration.wait_ms:
            return False
        return self.together_ms >= self._base[1].wait_ms

    def _is_mine(self, found: Record) -> bool:
        """True when it says that this node acts alone, whichever life of its daemon wrote it."""
        return found.owner is not None and found.owner.node == self._me.node and found.mode == "alone"

    def _understood(self, held: Held | None) -> Record | None:
        if held is None:
            self.trouble = MISSING.said()
            return None
        try:
            found = record(held.text)
        except ValueError as error:
            self.trouble = UNREADABLE.said(reason=str(error))
            return None
        name = self._cluster.name
        if found.cluster != name:
            self.trouble = OF_ANOTHER.said(other=found.cluster, cluster=name)
        elif found.epoch < self.epoch and not self.by_word:
            self.trouble = SET_BACK.said(epoch=found.epoch, known=self.epoch)
        else:
            return found
        return None

    def _meet(self, version: str, found: Record, now_ms: int) -> None:
        """The record is not as we wrote it last: claim it, now or once it has not changed for long enough."""
        if self.wish is Wish.SETTLE:
            ours = found.owner is None or found.owner.node == self._me.node
            self._base = (version, found) if ours else None
            return
        wait_ms = max(self._cluster.arbitration.wait_ms, found.wait_ms)
        other = found.owner is not None and found.owner.node != self._me.node and found.mode == "alone"
        if self._seen is None or self._seen[0] != version:
            self.contradicted = self.contradicted or (other and self._seen is not None)
            self._seen = (version, now_ms)
        rested = now_ms - self._seen[1] >= wait_ms
        if other and not rested and found.owner is not None:
            self.trouble = HELD_BY.said(owner=found.owner.node, ms=wait_ms)
            self._next_ms = min(now_ms + self._retry_ms, self._seen[1] + wait_ms)
            return
        self._base, self._rested, self._next_ms = (version, found), rested, now_ms

    def _next(self, base: Record) -> Record:
        """What to write in its place."""
        alone = self.wish not in (Wish.SETTLE, Wish.RELEASE)
        # Whoever still has a right under longer times must be waited for that long, until all are together.
        own_ms = self._cluster.arbitration.wait_ms
        self.wait_ms = own_ms if self.wish is Wish.SETTLE and self._may_shorten() else max(own_ms, base.wait_ms)
        claims = alone and not (self.won and base.owner == self._me)
        return base.model_copy(
            update={
                "config": self._cluster.version,
                "epoch": max(base.epoch, self.epoch) + 1 if claims else base.epoch,
                "owner": None if self.wish is Wish.RELEASE else self._me,
                "mode": "alone" if alone else "together",
                "wait_ms": self.wait_ms,
                "nonce": self._nonces(),
            }
        )

    def _written(self, version: str, written: Record, sent_ms: int) -> int:
        self.record, self.trouble, self._unsure, self._looked = written, None, False, True
        self.epoch = max(self.epoch, written.epoch)
        self._base = (version, written)
        # No earlier write can be made any more: the version that it was to replace is gone.
        self._sent = {written.nonce: (written, sent_ms)}
        self.waited = self.waited or self._rested
        self._rested = False
        self.won = written.mode == "alone"
        self._next_ms = sent_ms + self._retry_ms
        return sent_ms
