"""A node's right and vote on a stage: the cluster as the node sees it, beacons, and the record."""

from itertools import count
from typing import Any

from komainu.agent.rights.claimant import Ask
from komainu.agent.rights.voter import Turn, Voter
from komainu.model import events as e
from komainu.model.vote import Owner, Record
from komainu.ports import Held
from komainu_lab.sim.arbitrations import RIGHT_MS, WAIT_MS
from tests.unit.core.clusters import Life, cluster, formed

TWO = cluster(arbitration="lease")
GRACE_MS = TWO.arbitration.stop_grace_ms
THIRD_MS = RIGHT_MS // 3
BORN_MS = 100_000
"When the daemon of the tests began; its first chance of a right is over then."
LATER_MS = BORN_MS + RIGHT_MS


class Bench:
    """A node, the cluster as it sees it, and the record."""

    def __init__(self, life: Life, me: str = "a") -> None:
        self.life = life
        self.me = me
        self.now_ms = BORN_MS
        self.nonces = count(1)
        self.voter = Voter(me, f"{me}.x", life.state, lambda: f"{me}{next(self.nonces)}", 0)
        self.events: list[e.Event] = []
        self.store = Record(cluster="test", config=1, epoch=3, wait_ms=WAIT_MS, nonce="first")
        self.version = 1
        self.numbers = count(1)
        self.asked: Ask | None = None
        "What the store has not answered yet."
        self.follow()

    def follow(self, synced: bool = True) -> None:
        """The state is as it is."""
        self.voter.follow(self.life.state, self.incarnation, synced, self.now_ms)

    @property
    def incarnation(self) -> str:
        return self.life.state.nodes[self.me].incarnation

    def turn(self, at_ms: int | None = None) -> Turn:
        """One turn; its events are kept and not delivered."""
        self.now_ms = self.now_ms if at_ms is None else at_ms
        turn = self.voter.turn(self.now_ms)
        self.events += turn.events
        self.asked = turn.ask or self.asked
        return turn

    def beat(self) -> tuple[int, dict[int, int]]:
        """It sends a beacon: its number, and what it answers."""
        number = next(self.numbers)
        return number, self.voter.beacon(number, self.now_ms)

    def answered(self, by: str = "b") -> None:
        """A beacon, and its answer at once."""
        number, _ = self.beat()
        self.voter.heard(by, 10_000 + number, {self.id(self.me): number})

    def id(self, name: str) -> int:
        return next(node.id for node in self.life.state.cluster.nodes if node.name == name)

    def serve(self) -> bool:
        """The store answers what is asked now; False when nothing is."""
        self.turn()
        ask, claimant, self.asked = self.asked, self.voter.claimant, None
        if ask is None:
            return False
        if ask.record is None:
            self.voter.answered(claimant.read(ask, Held(f"v{self.version}", self.store.text()), self.now_ms))
        elif ask.version == f"v{self.version}":
            self.put(ask.record)
            self.voter.answered(claimant.replaced(ask, f"v{self.version}", self.now_ms))
        else:
            self.voter.answered(claimant.replaced(ask, None, self.now_ms))
        return True

    def epoch_of_vote(self) -> int | None:
        """Of the vote as the members know it."""
        vote = self.life.state.vote
        return vote.epoch if vote is not None else None

    def put(self, what: Record) -> None:
        self.store, self.version = what, self.version + 1

    def put_by(self, node: str) -> None:
        """Another node claims or renews."""
        told: dict[str, Any] = {"owner": Owner(node=node, incarnation=f"{node}.x"), "mode": "alone"}
        self.put(self.store.model_copy(update={**told, "nonce": f"n{self.version}"}))

    def deliver(self) -> tuple[str, ...]:
        """What it proposed is delivered; the names of the events."""
        told, self.events = self.events, []
        for event in told:
            self.life.happens(event)
        self.follow()
        return tuple(type(event).__name__ for event in told)

    def wins(self) -> None:
        """It reads and claims, and all hear of it."""
        self.now_ms += 1_000
        while self.serve():
            pass
        assert self.voter.claimant.won
        self.turn()
        assert "VoteWon" in self.deliver()


def together(kind: str = "lease", nodes: str = "a b", me: str = "a") -> Bench:
    return Bench(formed(cluster(nodes, arbitration=kind)), me)


def alone(me: str = "a", nodes: str = "a b") -> Bench:
    """`me` after the loss of the other node; `db` was running on a."""
    bench = together(nodes=nodes, me=me)
    bench.now_ms = LATER_MS
    bench.answered("b" if me == "a" else "a")
    bench.life.view(me)
    bench.follow()
    return bench
