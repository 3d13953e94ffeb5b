"""corosync.conf for Pacemaker: what an administrator writes for two nodes, with the times that are to be compared."""

from dataclasses import dataclass

from komainu_lab.topology import Machine


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of corosync, in milliseconds; None leaves corosync's own default."""

    token_ms: int | None = None
    consensus_ms: int | None = None
    ping_interval_ms: int | None = None
    ping_timeout_ms: int | None = None


DEFAULTS = Timing(token_ms=3000)
"A token of 3000 ms is corosync's default since 3.1; written down, so that an older corosync is measured alike."
EQUAL = Timing(token_ms=300, consensus_ms=150, ping_interval_ms=200, ping_timeout_ms=1000)
"""Those of Komainu's preset `fast`. Without the two ping times such a token is not stable: they would be derived from
it, and be shorter than the interval at which libknet looks at its links."""


def conf(nodes: tuple[Machine, ...], timing: Timing) -> str:
    """The whole file. Encrypted as Komainu's."""
    lines = [
        "totem {",
        "    version: 2",
        "    cluster_name: bench",
        "    transport: knet",
        "    crypto_cipher: aes256",
        "    crypto_hash: sha256",
    ]
    if timing.token_ms is not None:
        lines.append(f"    token: {timing.token_ms}")
    if timing.consensus_ms is not None:
        lines.append(f"    consensus: {timing.consensus_ms}")
    if timing.ping_interval_ms is not None and timing.ping_timeout_ms is not None:
        lines += [
            "    interface {",
            "        linknumber: 0",
            f"        knet_ping_interval: {timing.ping_interval_ms}",
            f"        knet_ping_timeout: {timing.ping_timeout_ms}",
            "    }",
        ]
    lines += ["}", "nodelist {"]
    for number, machine in enumerate(nodes, start=1):
        lines += [
            "    node {",
            f"        name: {machine.name}",
            f"        nodeid: {number}",
            f"        ring0_addr: {machine.address}",
            "    }",
        ]
    lines += [
        "}",
        "quorum {",
        "    provider: corosync_votequorum",
        "    two_node: 1",
        "    wait_for_all: 0",
        "}",
        "logging {",
        "    to_stderr: no",
        "    to_syslog: no",
        "    to_logfile: yes",
        "    logfile: /var/log/corosync/corosync.log",
        "    timestamp: hires",
        "}",
        "",
    ]
    return "\n".join(lines)
