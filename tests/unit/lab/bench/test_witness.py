"""What the witnesses of a loss say, and when it counts."""

import os
import threading
from pathlib import Path

from komainu_lab.bench import witness
from komainu_lab.bench.witness import READY, Told


def test_complete_lines_are_read() -> None:
    assert witness.parse("10 1,2\n20 1\n30 ") == [Told(10, "1,2"), Told(20, "1")]


def test_a_loss_is_the_first_later_ring_without_the_node() -> None:
    told = [Told(5, "2"), Told(10, "1,2"), Told(20, "2"), Told(30, "2")]
    assert witness.ring_without(told, node=1, since_ns=9) == 20
    assert witness.ring_without(told, node=1, since_ns=30) is None
    assert witness.ring_without(told, node=2, since_ns=0) is None


def test_node_1_is_not_taken_for_node_11() -> None:
    assert witness.ring_without([Told(10, "11,2")], node=1, since_ns=0) == 10


def test_a_survivor_learns_by_becoming_master() -> None:
    told = [Told(5, 'INSTANCE "VI" MASTER 100'), Told(10, 'INSTANCE "VI" BACKUP 100'), Told(20, 'GROUP "G" MASTER 1')]
    assert witness.became_master(told, since_ns=5) is None
    assert witness.became_master([*told, Told(30, 'INSTANCE "VI" MASTER 100')], since_ns=5) == 30


def test_what_was_said_before_the_last_boot_does_not_count() -> None:
    before = [Told(1, READY), Told(2, 'INSTANCE "VI" MASTER 100')]
    assert witness.current_state(before) == "MASTER"
    assert witness.current_state([*before, Told(3, READY)]) == ""
    assert witness.current_state([*before, Told(3, READY), Told(4, 'INSTANCE "VI" BACKUP 100')]) == "BACKUP"


def test_a_fifo_is_heard_from_one_writer_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    lines = witness.lines_of(str(path))
    assert next(lines) == READY
    for text in ("one", "two"):
        # A writer that leaves must not end it: keepalived is stopped and started again.
        writer = threading.Thread(target=_write, args=(path, text))
        writer.start()
        assert next(lines) == text
        writer.join()
    lines.close()  # type: ignore[attr-defined]


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY), "w") as fifo:
        fifo.write(text + "\n")
