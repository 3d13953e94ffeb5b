"""keepalived's configuration."""

from komainu_lab.bench import keepalived


def test_one_node_s_configuration() -> None:
    lines = [line.strip() for line in keepalived.conf(101, "0.1", "192.168.10.20").splitlines()]
    for line in ("priority 101", "advert_int 0.1", "192.168.10.20/24", "nopreempt", "vrrp_version 3"):
        assert line in lines
    assert lines.count("}") == 3
