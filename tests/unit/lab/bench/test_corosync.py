"""corosync.conf for Pacemaker."""

from komainu_lab import topology
from komainu_lab.bench import corosync
from komainu_lab.bench.corosync import Timing

NODES = topology.onprem().nodes


def test_equal_times_come_with_the_ping_times_that_make_them_stable() -> None:
    text = corosync.conf(NODES, corosync.EQUAL)
    for line in ("token: 300", "consensus: 150", "knet_ping_interval: 200", "knet_ping_timeout: 1000"):
        assert f"{line}\n" in text


def test_defaults_say_nothing_but_the_token() -> None:
    text = corosync.conf(NODES, corosync.DEFAULTS)
    assert "token: 3000\n" in text
    assert "consensus" not in text
    assert "knet_ping" not in text


def test_without_times_corosync_has_its_own() -> None:
    assert "token:" not in corosync.conf(NODES, Timing())


def test_both_nodes_are_listed_by_name_and_address() -> None:
    text = corosync.conf(NODES, corosync.DEFAULTS)
    assert [line.split(": ")[1] for line in text.splitlines() if " ring0_addr" in line] == [
        "192.168.10.11",
        "192.168.10.12",
    ]
    assert [line.split(": ")[1] for line in text.splitlines() if " nodeid" in line] == ["1", "2"]
