"""The third vote as all simulated machines see it: it keeps its conditions, whatever becomes of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from komainu.model.config import Cluster
from komainu.model.vote import Record
from komainu.ports import Held
from komainu_lab.sim.clock import Clock


@dataclass
class Store:
    """The third vote, seen by all machines: linearizable, whatever becomes of the answers."""

    clock: Clock
    rng: Random
    version: int = 0
    held: dict[str, tuple[int, str]] = field(default_factory=dict)
    "By key, version and text of each record: another configuration may ask another one."
    old: list[tuple[str, int, str]] = field(default_factory=list)
    "What was there before, oldest first."
    deaf: list[str] = field(default_factory=list)
    "Machines that do not reach it; all when `down`."
    down: bool = False
    slow: float = 0.0
    unclear: float = 0.0
    "How likely the answer is lost after the deed."
    stale: float = 0.0
    "How likely a read shows what was there before: no store that is allowed, and yet nothing bad may come of it."
    writes: int = 0

    def spoil(self, kind: str, name: str) -> None:
        """From now on it is `down`, `deaf` (for that machine), `slow`, `unclear` or `stale`."""
        match kind:
            case "down":
                self.down = True
            case "deaf":
                self.deaf = [name]
            case "slow":
                self.slow = 1.0
            case "unclear":
                self.unclear = 0.5
            case _:
                self.stale = 0.5

    def mend(self) -> None:
        """It works as it should again."""
        self.down, self.deaf, self.slow, self.unclear, self.stale = False, [], 0.0, 0.0, 0.0

    def create(self, key: str, record: Record) -> None:
        """`komainu lease init`, with or without `--replace`."""
        self._put(key, record.text())

    def reset(self) -> None:
        """Somebody puts back an older copy."""
        if self.old:
            key, _, text = self.rng.choice(self.old)
            self._put(key, text)

    def lose(self) -> None:
        """Somebody deletes a record."""
        if self.held:
            del self.held[self.rng.choice(list(self.held))]

    def reaches(self, name: str) -> bool:
        """True when the machine's requests get through now."""
        return not self.down and name not in self.deaf

    def read(self, key: str) -> Held | None:
        """What is there."""
        before = [each for each in self.old if each[0] == key]
        if before and self.rng.random() < self.stale:
            return Held(str(before[-1][1]), before[-1][2])
        there = self.held.get(key)
        return None if there is None else Held(str(there[0]), there[1])

    def replace(self, key: str, version: str, text: str) -> str | None:
        """Compare and swap."""
        there = self.held.get(key)
        if there is None or version != str(there[0]):
            return None
        self._put(key, text)
        return str(self.version)

    def _put(self, key: str, text: str) -> None:
        if key in self.held:
            self.old.append((key, *self.held[key]))
        self.version += 1
        self.writes += 1
        self.held[key] = (self.version, text)


def key_of(cluster: Cluster) -> str:
    """Which record a configuration asks."""
    lease = cluster.arbitration.lease
    return str(lease.params.get("key", "a")) if lease is not None else ""
