"""What is missing on the machine is said in one sentence with the remedy."""

from pathlib import Path

import pytest

from komainu_lab import ground
from komainu_lab.errors import LabError

FILE_SYSTEMS = "nodev\ttmpfs\n\text4\nnodev\toverlay\n"


def test_what_the_kernel_has_is_enough(tmp_path: Path) -> None:
    ground.check_file_systems(FILE_SYSTEMS, tmp_path)


def test_a_module_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "kernel" / "fs"
    folder.mkdir(parents=True)
    (folder / "overlay.ko.xz").touch()
    ground.check_file_systems("nodev\ttmpfs\n", tmp_path)


def test_a_missing_file_system_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no overlay file system; use a kernel of"):
        ground.check_file_systems("nodev\ttmpfs\n", tmp_path)


def test_not_root_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="must run as root: use sudo"):
        ground.check()


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(ground, "SEARCH", str(tmp_path))
    with pytest.raises(LabError, match="unshare is missing; install it: apt-get install util-linux"):
        ground.check()
