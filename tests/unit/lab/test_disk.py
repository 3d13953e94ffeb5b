"""The disk of a machine. Overlay marks need root, so these are tests of the lab."""

import os
from pathlib import Path

import pytest

from komainu_lab.disk import EMPTY, Disk

pytestmark = pytest.mark.lab


def test_a_formatted_disk_hides_the_host_s_directories(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.format()
    for name, folders in EMPTY.items():
        for folder in folders:
            path = disk.path(f"/{name}/{folder}")
            assert os.getxattr(path, "trusted.overlay.opaque") == b"y"


def test_parents_are_not_hidden(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.format()
    assert "trusted.overlay.opaque" not in os.listxattr(disk.path("/var/lib"))


def test_files_are_written_with_their_mode_and_logs_are_read(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.format()
    disk.write("/etc/komainu/key", b"secret", 0o400)
    assert disk.path("/etc/komainu/key").read_bytes() == b"secret"
    assert disk.path("/etc/komainu/key").stat().st_mode & 0o777 == 0o400
    assert disk.log("komainud") == ""
    disk.write("/var/log/lab/komainud.log", "said\n")
    assert disk.log("komainud") == "said\n"
