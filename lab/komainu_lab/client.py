"""What the client saw: the prober in the client's namespaces, and its records read from outside."""

import itertools
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from komainu_lab import prober
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node

PORT = 80
INTERVAL_MS = 10
TIMEOUT_MS = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One request. Times are CLOCK_BOOTTIME in nanoseconds."""

    sent_ns: int
    answered_ns: int
    "0 when it was not answered."
    who: str
    "The node that answered; empty when none did."

    @property
    def good(self) -> bool:
        """True when it was answered."""
        return self.answered_ns != 0


@dataclass(frozen=True, slots=True)
class Gap:
    """The time between one good answer and the next."""

    last: Record
    next: Record

    @property
    def ms(self) -> float:
        """Its length in milliseconds."""
        return (self.next.answered_ns - self.last.answered_ns) / 1e6


def parse(text: str) -> list[Record]:
    """The records in complete lines of the prober's output."""
    records = []
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            sent, answered, who = line.split()
            records.append(Record(int(sent), 0 if answered == "-" else int(answered), "" if who == "-" else who))
    return records


def longest_gap(records: Iterable[Record], since_ns: int, until_ns: int | None = None) -> Gap | None:
    """The longest time between two consecutive good answers of which the later came after `since_ns`.

    With `until_ns`, the earlier one came before it. None when there was no answer after `since_ns`.
    """
    good = sorted((record for record in records if record.good), key=lambda record: record.answered_ns)
    gaps = [
        Gap(last, following)
        for last, following in itertools.pairwise(good)
        if following.answered_ns > since_ns and (until_ns is None or last.answered_ns < until_ns)
    ]
    return max(gaps, key=lambda gap: gap.ms, default=None)


def failures(records: Iterable[Record], since_ns: int, until_ns: int) -> int:
    """How many requests sent in that time were not answered."""
    return sum(1 for record in records if since_ns <= record.sent_ns < until_ns and not record.good)


class Log:
    """The prober's output, read as it grows."""

    def __init__(self, path: Path) -> None:
        """The file need not exist yet."""
        self.path = path
        self._offset = 0
        self._rest = ""
        self._records: list[Record] = []

    def records(self) -> list[Record]:
        """Everything since the beginning, in the order the requests ended."""
        if self.path.exists():
            with self.path.open() as file:
                file.seek(self._offset)
                text = self._rest + file.read()
                self._offset = file.tell()
            complete, newline, self._rest = text.rpartition("\n")
            self._records += parse(complete + newline)
        return self._records


class Client:
    """The prober on a machine."""

    def __init__(
        self, node: Node, address: str, port: int = PORT, interval_ms: int = INTERVAL_MS, service: str = "prober"
    ) -> None:
        """`address` is what moves between the nodes, or one of theirs. Nothing is started yet.

        `service`: its name on the machine, where there are several.
        """
        self.node = node
        self._service = service
        self._target = [address, str(port), str(interval_ms), str(TIMEOUT_MS)]
        self.log = Log(node.disk.path(f"/var/log/lab/{service}.log"))

    def start(self) -> None:
        """Begin to ask; nothing when it asks already."""
        self.node.start_service(self._service, [sys.executable, "-I", "-S", prober.__file__, *self._target])

    def stop(self) -> None:
        """Ask no more."""
        self.node.stop_service(self._service, timeout_s=10)

    def records(self) -> list[Record]:
        """Everything since the beginning, in the order the requests ended."""
        return self.log.records()

    def wait(self, wanted: Callable[[Record], bool], timeout_s: float, what: str) -> Record:
        """The first record that is as wanted. Raises LabError after the timeout, naming `what` was waited for."""
        deadline = time.monotonic() + timeout_s
        seen = 0
        while True:
            records = self.records()
            for record in records[seen:]:
                if wanted(record):
                    return record
            seen = len(records)
            if time.monotonic() > deadline:
                raise LabError(f"the client waited {timeout_s:.0f} s for {what}")
            time.sleep(0.01)

    def wait_answer(self, since_ns: int, timeout_s: float, by: str = "") -> Record:
        """The first good answer to a request sent after a time, by any node or a certain one."""
        return self.wait(
            lambda record: record.good and record.sent_ns > since_ns and by in ("", record.who),
            timeout_s,
            f"an answer{' by ' + by if by else ''}",
        )
