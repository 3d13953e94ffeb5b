"""The process of the emulated VPC: it starts, or says why not, and it never outlives the lab."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu_lab import topology
from komainu_lab.errors import LabError
from komainu_lab.topology import Topology
from komainu_lab.vpc.launch import Vpc

pytestmark = pytest.mark.lab
HOLD = """
import sys
from pathlib import Path
from komainu_lab import topology
from komainu_lab.vpc.launch import Vpc
vpc = Vpc(topology.vip(), Path(sys.argv[1]), int(sys.argv[2]))
print(vpc._process.pid, flush=True)
sys.stdin.read()
"""


def bridges(wanted: Topology) -> str:
    lines = ["ip link set lo up"]
    for subnet in wanted.subnets:
        lines.append(f"ip link add {subnet.bridge} type bridge forward_delay 0")
        lines.append(f"ip address add {subnet.gateway}/{subnet.cidr.prefixlen} dev {subnet.bridge}")
        lines.append(f"ip link set {subnet.bridge} up")
    return " && ".join(lines)


@pytest.fixture
def router(request: pytest.FixtureRequest) -> Iterator[int]:
    """A network namespace with the bridges of the topology, or bare."""
    prepare = "true" if getattr(request, "param", "") == "bare" else bridges(topology.vip())
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-ec", f"{prepare}; echo ready; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process.pid
    process.communicate(timeout=10)


def ends(pid: int, timeout_s: float) -> bool:
    """Whether a process is gone in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], timeout_s)[0])
    finally:
        os.close(handle)


def test_start_and_stop(router: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "an-account-of-the-user")
    vpc = Vpc(topology.vip(), tmp_path / "vpc", router)
    try:
        pid = vpc._process.pid
        assert vpc.routes()["Private-A"] == {"target": "node1", "state": "active"}
        assert "ec2.ap-northeast-1.amazonaws.com" in vpc.hosts(vpc.topology.machine("node1"))
        assert vpc.trust().endswith(vpc.authority.read_bytes())
        assert vpc.calls() == []
    finally:
        vpc.stop()
    assert ends(pid, 0)
    vpc.stop()
    with pytest.raises(LabError, match="does not run"):
        vpc.routes()


@pytest.mark.parametrize("router", ["bare"], indirect=True)
def test_a_router_without_the_subnets_is_refused(router: int, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="did not start"):
        Vpc(topology.vip(), tmp_path / "vpc", router)


def test_it_ends_with_the_lab_that_is_killed(router: int, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "vpc"), str(router)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=10)
    assert ends(pid, 20)
