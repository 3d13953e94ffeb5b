"""A store of the third vote in memory, and two nodes that have one."""

from komainu.model.config import Arbitration, Cluster, Lease
from komainu.model.message import Message, Said
from komainu.model.vote import Record
from komainu.ports import Held, StoreSilent
from tests.doubles.daemons import cluster
from tests.doubles.virtual_time import now_ms

RIGHT_MS, WAIT_MS = 4_000, 4_600
DOWN = Message("TEST9", "The store is down.", "ストアが停止しています。", "warning")
CHEATS = Message("TEST10", "The store ignores conditions.", "ストアが条件を無視しています。", "error")


class MemoryVotes:
    """`komainu.ports.VoteStore` in memory; it can be down, hold anything, and lose its answers."""

    def __init__(self) -> None:
        self.version = 1
        self.text: str | None = Record(cluster="test", config=1, epoch=1, wait_ms=WAIT_MS, nonce="init").text()
        self.down = False
        self.mute = False
        "What is written is written, and the answer is lost."
        self.findings: tuple[Said, ...] = ()
        self.writes = 0
        self.reads = 0
        self.creations = 0
        self.first_write_ms = 0

    async def read(self, timeout_ms: int) -> Held | None:
        self._answer()
        self.reads += 1
        return Held(str(self.version), self.text) if self.text is not None else None

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        self._answer()
        if version != str(self.version) or self.text is None:
            return None
        self.first_write_ms = self.first_write_ms or now_ms()
        return self._put(text)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        self._answer()
        if self.text is not None:
            return None
        self.creations += 1
        return self._put(text)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        self._answer()
        return self.findings

    def _put(self, text: str) -> str:
        self.version, self.text, self.writes = self.version + 1, text, self.writes + 1
        if self.mute:
            raise StoreSilent(DOWN.said())
        return str(self.version)

    def _answer(self) -> None:
        if self.down:
            raise StoreSilent(DOWN.said())


def lease(**changes: object) -> Cluster:
    """Two nodes with a third vote."""
    arbitration = Arbitration(
        kind="lease", lease=Lease(type="lease_test", params={}), right_ms=RIGHT_MS, wait_ms=WAIT_MS
    )
    return cluster(**{"startup_sync_wait_ms": 3_000, **changes}).model_copy(update={"arbitration": arbitration})  # type: ignore[arg-type]
