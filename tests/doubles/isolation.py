"""A kernel that only remembers what it would cut: `komainu.ports.Isolation` without packets."""

import errno
import os
from collections.abc import Callable

from komainu.ports import Guarded


class FakeIsolation:
    """The suite in tests/ports/test_isolation.py holds it to the manners of the real one."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.guarded: Guarded | None = None
        "None: nobody ever asked, or it was lifted."
        self.until_ms = 0
        self.asked: list[str] = []
        self.trouble: OSError | None = None
        "What every request raises."

    def guard(self, guarded: Guarded) -> None:
        self._take("guard")
        if self.guarded is None:
            self.until_ms = 0
        self.guarded = guarded

    def hold(self, for_ms: int, *, afresh: bool = True) -> None:
        self._take(f"hold {for_ms}" if afresh else f"go on {for_ms}")
        if self.guarded is None or not (afresh or self._now_ms() < self.until_ms):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.until_ms = self._now_ms() + for_ms

    def lift(self) -> None:
        self._take("lift")
        self.guarded = None

    def lose(self) -> None:
        """Somebody else empties the whole rule set."""
        self.guarded = None

    def passes(self, address: str = "", port: int = 0) -> bool:
        """Whether a UDP packet for this address and port would come in."""
        if self.guarded is None or self._now_ms() < self.until_ms:
            return True
        return address not in self.guarded.addresses and ("udp", port) not in self.guarded.ports

    def _take(self, request: str) -> None:
        self.asked.append(request)
        if self.trouble is not None:
            raise self.trouble
