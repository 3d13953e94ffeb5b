"""A node's claimant on a stage: its way to a store that is one text on a shelf."""

from collections.abc import Callable
from itertools import count

from komainu.agent.rights.claimant import Ask, Claimant, Wish
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.model.vote import Owner, Record, record
from komainu.ports import Held
from komainu_lab.sim.arbitrations import RIGHT_MS, WAIT_MS
from tests.unit.core.clusters import cluster

TWO = cluster(arbitration="lease")
RETRY_MS = RIGHT_MS // 6
HEAD_START_MS = TWO.arbitration.head_start_ms
SILENCE = Said("TEST7", "Nobody answered.", "応答がありません。", "warning")
FIRST = Record(cluster="test", config=1, epoch=3, wait_ms=WAIT_MS, nonce="first")
FRESH = count(1)


class Shelf:
    """The store: one text, changed only by compare-and-swap."""

    def __init__(self, first: Record = FIRST) -> None:
        self.versions = 0
        self.held: Held | None = None
        self.put(first)

    def put(self, what: Record) -> None:
        """Whoever writes it."""
        self.versions += 1
        self.held = Held(f"v{self.versions}", what.text())

    def swap(self, ask: Ask) -> str | None:
        """What the store does with a write, whenever it arrives."""
        assert ask.record is not None
        assert self.held is not None
        if self.held.version != ask.version:
            return None
        self.put(ask.record)
        return self.held.version

    @property
    def record(self) -> Record:
        """As it is now."""
        assert self.held is not None
        return record(self.held.text)


class Node:
    """One node's claimant and its way to the store."""

    def __init__(self, name: str, shelf: Shelf, known_epoch: int = 0, life: int = 1, configured: Cluster = TWO) -> None:
        self.shelf = shelf
        self.cluster = configured
        self.claimant = Claimant(
            Owner(node=name, incarnation=f"{name}.{life}"), configured, nonce_of(name), known_epoch
        )

    def wants(self, wish: Wish, now_ms: int, period: str = "1") -> None:
        self.claimant.follow(period, wish, self.cluster, now_ms)

    def vote(self) -> tuple[bool, bool]:
        """Is it won, and was it waited for?"""
        return self.claimant.won, self.claimant.waited

    def ask(self, now_ms: int) -> Ask:
        """What it asks now: it does ask."""
        found = self.claimant.due(now_ms)
        assert found is not None
        return found

    def reads(self, now_ms: int) -> int | None:
        """It asks for the record, and gets it at once."""
        ask = self.ask(now_ms)
        assert ask.record is None
        return self.claimant.read(ask, self.shelf.held, now_ms)

    def writes(self, now_ms: int) -> int | None:
        """It writes, and is answered at once."""
        ask = self.ask(now_ms)
        assert ask.record is not None
        return self.claimant.replaced(ask, self.shelf.swap(ask), now_ms)

    def claims(self, now_ms: int, period: str = "1", wish: Wish = Wish.AT_ONCE) -> int | None:
        """It reads and claims, without delay."""
        self.wants(wish, now_ms, period)
        assert self.reads(now_ms) is None
        return self.writes(now_ms)


def nonce_of(name: str) -> Callable[[], str]:
    return lambda: f"{name}{next(FRESH)}"


def alone(name: str, epoch: int, nonce: str = "", life: int = 1, wait_ms: int = WAIT_MS) -> Record:
    owner = Owner(node=name, incarnation=f"{name}.{life}")
    return FIRST.model_copy(
        update={
            "epoch": epoch,
            "owner": owner,
            "mode": "alone",
            "nonce": nonce or f"{name}{next(FRESH)}",
            "wait_ms": wait_ms,
        }
    )
