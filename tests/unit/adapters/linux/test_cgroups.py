"""Where control groups can be made, and what one does."""

import asyncio
import os
import subprocess
import uuid
from pathlib import Path

import pytest

from komainu.adapters.linux import cgroups, proc
from komainu.adapters.linux.cgroups import Cgroup

UNIFIED = "0::/system.slice/komainud.service\n"
UNIFIED_MOUNT = "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = "5:pids:/system.slice/a\n1:name=systemd:/system.slice/b\n0::/system.slice/c\n"
HYBRID_MOUNTS = """\
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
"""


def own(membership: str, mounts: str) -> str:
    found = cgroups.own(membership, mounts)
    return str(found.path) if found else ""


def test_version_2_is_preferred() -> None:
    assert own(UNIFIED, UNIFIED_MOUNT) == "/sys/fs/cgroup/system.slice/komainud.service"
    assert own(HYBRID, HYBRID_MOUNTS) == "/sys/fs/cgroup/unified/system.slice/c"


def test_version_1_is_used_where_nothing_else_is_mounted_for_writing() -> None:
    read_only = HYBRID_MOUNTS.replace("unified rw", "unified ro")
    assert own(HYBRID, read_only) == "/sys/fs/cgroup/systemd/system.slice/b"
    assert own(HYBRID, HYBRID_MOUNTS.splitlines()[2]) == "/sys/fs/cgroup/pids/system.slice/a"


def test_without_a_hierarchy_there_is_none() -> None:
    assert own("", UNIFIED_MOUNT) == ""
    assert own(HYBRID, "33 30 0:29 / /proc rw - proc proc rw\n") == ""
    assert own("3:memory:/x\n", "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n") == ""


def test_a_part_of_the_tree_may_be_mounted() -> None:
    mount = UNIFIED_MOUNT.replace(" / /sys", " /system.slice /sys")
    assert own(UNIFIED, mount) == "/sys/fs/cgroup/komainud.service"
    assert own("0::/elsewhere\n", mount) == ""
    assert own("0::/../elsewhere\n", UNIFIED_MOUNT) == ""


def test_a_group_that_is_gone_holds_nobody(tmp_path: Path) -> None:
    gone = Cgroup(tmp_path / "gone")
    assert gone.pids() == ()
    assert not gone.kill()
    gone.remove()


@pytest.mark.processes
@pytest.mark.skipif(cgroups.here() is None, reason="no writable cgroup")
def test_a_real_group_holds_kills_and_goes() -> None:
    here = cgroups.here()
    assert here is not None
    group = Cgroup(here.path / f"komainu-test-{uuid.uuid4().hex[:8]}")
    group.make()
    below = Cgroup(group.path / "below")
    below.make()
    with subprocess.Popen(("sleep", "1000")) as child:
        try:
            below.entry.write_text(str(child.pid))
            assert group.pids() == (child.pid,)

            group.remove()
            assert group.pids() == (child.pid,), "a group in use stays"

            if not group.kill():
                child.kill()
            descriptor = os.pidfd_open(child.pid)
            assert asyncio.run(proc.wait_ended([descriptor], 10_000))
            os.close(descriptor)
            child.wait()
        finally:
            child.kill()
    group.remove()
    assert not group.path.exists()
