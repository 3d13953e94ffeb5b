"""The witness of a loss on a node: says when the node learnt that the other one is gone. The same for every contender.

    python3 -I -m komainu_lab.bench.witness ring          corosync's membership, as a client of its own
    python3 -I -m komainu_lab.bench.witness fifo PATH     keepalived's notify FIFO

One line on standard output for each change: CLOCK_BOOTTIME in ns and what was told. For `ring` these are the node ids
in the ring, with commas; for `fifo` the line of keepalived (`INSTANCE "VI" MASTER 100`).
"""

import os
import select
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from komainu.adapters.corosync.libcpg import Connection, CpgError, RingChanged
from komainu_lab.clock import boottime_ns

GROUP = "komainu-bench-witness"
READY = "ready"
"The first line of a witness of keepalived: its FIFO is there, and whoever writes to it is heard."
AGAIN_S = 0.02
"Between two attempts to reach a corosync that does not run yet."


@dataclass(frozen=True, slots=True)
class Told:
    """One line."""

    at_ns: int
    what: str


def parse(text: str) -> list[Told]:
    """The complete lines of a witness."""
    return [
        Told(int(at), what)
        for at, _, what in (line.rstrip("\n").partition(" ") for line in text.splitlines(keepends=True) if "\n" in line)
    ]


def ring_without(told: Iterable[Told], node: int, since_ns: int) -> int | None:
    """When a ring without that node was first told of after a time; None when none was."""
    return next((line.at_ns for line in told if line.at_ns > since_ns and str(node) not in line.what.split(",")), None)


def became_master(told: Iterable[Told], since_ns: int) -> int | None:
    """When keepalived first said after a time that this node has the address; None when it did not."""
    return next((line.at_ns for line in told if line.at_ns > since_ns and vrrp_state(line.what) == "MASTER"), None)


def vrrp_state(line: str) -> str:
    """The state in a line of keepalived's; empty in a line about something else."""
    words = line.split()
    return words[2] if len(words) >= 3 and words[0] == "INSTANCE" else ""


def current_state(told: Iterable[Told]) -> str:
    """What keepalived said last since the witness began, after the last boot; empty when it said nothing yet."""
    state = ""
    for line in told:
        state = "" if line.what == READY else vrrp_state(line.what) or state
    return state


def rings() -> Iterator[str]:
    """The ids of the nodes in each new ring, for ever: also after a restart of corosync."""
    while True:
        try:
            connection = Connection()
        except CpgError:
            time.sleep(AGAIN_S)
            continue
        try:
            _join(connection)
            yield from _changes(connection)
        except CpgError:
            connection.close()


def _join(connection: Connection) -> None:
    """Join the group as soon as corosync has time for it."""
    while True:
        try:
            connection.join(GROUP)
            return
        except CpgError as error:
            if error.status != 6:  # busy forming a ring
                raise
        time.sleep(AGAIN_S)


def _changes(connection: Connection) -> Iterator[str]:
    poll = select.poll()
    poll.register(connection.fd, select.POLLIN)
    while True:
        poll.poll()
        while (event := connection.receive()) is not None:
            if isinstance(event, RingChanged):
                yield ",".join(map(str, event.nodes))


def lines_of(path: str) -> Iterator[str]:
    """What is written into a FIFO, which is made first, for ever; before that READY."""
    if not os.path.exists(path):
        os.mkfifo(path, 0o600)
    # Open for writing too: else every writer's leaving would be the end of the file.
    with open(os.open(path, os.O_RDWR), encoding="utf-8") as fifo:
        yield READY
        for line in fifo:
            yield line.strip()


def main() -> None:
    """Write a line for each change, until killed."""
    # The instrument must not wait for the processes that it measures. Where that is refused, its word is a little late.
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    for what in rings() if sys.argv[1] == "ring" else lines_of(sys.argv[2]):
        os.write(1, f"{boottime_ns()} {what}\n".encode())


if __name__ == "__main__":
    main()
