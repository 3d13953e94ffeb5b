"""Finding the control groups, and making, freezing and ending them (the latter in tests/lab/test_machines.py)."""

from pathlib import Path

import pytest

from komainu_lab import cgroups
from komainu_lab.cgroups import Cgroup, hierarchies, make_lab_group

UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0"
FREEZER = "cgroup /sys/fs/cgroup/freezer cgroup rw,nosuid,freezer 0 0"
OTHER = "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0"
READ_ONLY = "cgroup2 /sys/fs/cgroup cgroup2 ro,nosuid 0 0"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([UNIFIED], (Path("/sys/fs/cgroup"), None)),
        ([OTHER, FREEZER], (None, Path("/sys/fs/cgroup/freezer"))),
        ([FREEZER, UNIFIED], (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/freezer"))),
        ([READ_ONLY, OTHER], (None, None)),
    ],
)
def test_hierarchies_are_found_where_they_can_be_written(
    mounts: list[str], expected: tuple[Path | None, Path | None]
) -> None:
    assert hierarchies("\n".join([*mounts, "proc /proc proc rw 0 0"])) == expected


def test_pids_are_those_of_the_group_and_below(tmp_path: Path) -> None:
    group = Cgroup(tmp_path / "lab", unified=True).make()
    inner = group.child("node1").make()
    group.procs.write_text("10\n11\n")
    inner.procs.write_text("12\n")
    assert sorted(group.pids()) == [10, 11, 12]


@pytest.mark.parametrize(
    ("unified", "file", "frozen", "running"),
    [(True, "cgroup.events", "populated 1\nfrozen 1\n", "populated 1\nfrozen 0\n"),
     (False, "freezer.state", "FROZEN\n", "FREEZING\n")],
)  # fmt: skip
def test_frozen_is_what_the_kernel_says(tmp_path: Path, unified: bool, file: str, frozen: str, running: str) -> None:
    group = Cgroup(tmp_path, unified)
    (tmp_path / file).write_text(frozen)
    assert group.frozen()
    (tmp_path / file).write_text(running)
    assert not group.frozen()


def test_ending_a_group_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    Cgroup(tmp_path / "never", unified=True).end()


def test_a_group_that_cannot_be_made_is_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = tmp_path / "a-file"
    refused.touch()
    monkeypatch.setattr(cgroups, "hierarchies", lambda _mounts: (refused, tmp_path))
    assert make_lab_group("try") == Cgroup(tmp_path / "komainu-lab-try", unified=False)
    monkeypatch.setattr(cgroups, "hierarchies", lambda _mounts: (refused, None))
    assert make_lab_group("try") is None
