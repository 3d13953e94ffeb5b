"""corosync.conf from the configuration: links, encryption and the two times that decide how soon a loss is noticed.

Pure, but for `new_authkey`. There is no votequorum section: the process group's view and the configured nodes are the
one source of membership, and what may be done alone is decided by arbitration.
"""

import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from komainu.model.config import Cluster
from komainu.model.message import Message, Said

CONF_PATH = "/etc/corosync/corosync.conf"
AUTHKEY_PATH = "/etc/corosync/authkey"
LOG_PATH = "/var/log/corosync/corosync.log"
AUTHKEY_BYTES = 256

FIRST_PORT = 5405
"UDP port of the first link; each further link has the next one."

LOWEST_TOKEN_MS = 130
"Below 126 ms corosync cannot fit its four retransmissions of the token, 30 ms apart at least."
LOWEST_CONSENSUS_MS = 51
"It must exceed the join timeout, which is 50 ms."

PING_INTERVAL_MS = 200
PING_TIMEOUT_MS = 1_000
# Not derived from the token on purpose. Left to itself the link's ping timeout is half a token, and libknet looks at
# its links every 200 ms only: a token below about 400 ms then makes the cluster re-form every 9 seconds, even idle.

TOO_QUICK = Message(
    "KM2101",
    "detect_within_ms: {asked_ms} ms is too short for {count} node(s): a token of {token_ms} ms and a consensus of "
    "{consensus_ms} ms would report losses that are none. Set it to {least_ms} or more.",
    "detect_within_ms: {asked_ms} ms は {count} ノード構成には短すぎます。トークン {token_ms} ms、コンセンサス "
    "{consensus_ms} ms では、実際には起きていないノード障害が検出されます。{least_ms} 以上を設定してください。",
    "error",
)
LINKS_DIFFER = Message(
    "KM2102",
    "Node {node} has {count} interconnect address(es) and node {other} has {other_count}: a link joins all nodes. "
    "Give every node an address on every interconnect.",
    "ノード {node} のインタコネクトのアドレスは {count} 個、ノード {other} は {other_count} 個です。"
    "インタコネクトは全ノードをつなぐ必要があります。全ノードに各インタコネクトのアドレスを設定してください。",
    "error",
)
NOT_AN_ADDRESS = Message(
    "KM2103",
    "Node {node}: {address} is not an IP address. Write the address itself: a name could resolve differently at the "
    "very moment when it matters.",
    "ノード {node}: {address} は IP アドレスではありません。"
    "名前は肝心なときに正しく解決されないおそれがあるため、アドレスそのものを記述してください。",
    "error",
)
FAMILIES_DIFFER = Message(
    "KM2104",
    "Interconnect {link}: node {node} has an IPv{version} address and node {other} has not. "
    "Use one IP version on each interconnect.",
    "インタコネクト {link}: ノード {node} は IPv{version} アドレスですが、ノード {other} は異なります。"
    "1 つのインタコネクトでは IP のバージョンをそろえてください。",
    "error",
)
ADDRESS_TWICE = Message(
    "KM2105",
    "The interconnect address {address} is used twice, by node {node} and node {other}: packets would reach only one "
    "of them. Give each its own address.",
    "インタコネクトのアドレス {address} がノード {node} とノード {other} で重複しています。"
    "パケットは一方にしか届きません。それぞれ別のアドレスを設定してください。",
    "error",
)


class ConfRefusedError(ValueError):
    """No safe corosync.conf can be made of this configuration; `said` holds every reason."""

    def __init__(self, said: tuple[Said, ...]) -> None:
        super().__init__(" ".join(each.en for each in said))
        self.said = said


@dataclass(frozen=True, slots=True)
class Timing:
    """What corosync is told. The loss of a node is reported after token + consensus."""

    token_ms: int
    consensus_ms: int


def timing(cluster: Cluster) -> Timing:
    """The two times whose sum is `detect_within_ms`. Raises ConfRefusedError when they would be too short to be safe.

    With one or two nodes a consensus below the token is safe (corosync.conf(5)): two parts to one. With three and more
    it must exceed the token: 1.2 times.
    """
    few = len(cluster.nodes) <= 2
    within = cluster.detect_within_ms
    token = within * 2 // 3 if few else within * 10 // 22
    consensus = within - token
    if token < LOWEST_TOKEN_MS or consensus < LOWEST_CONSENSUS_MS:
        least = -(-LOWEST_TOKEN_MS * 3 // 2) if few else -(-LOWEST_TOKEN_MS * 22 // 10)
        raise ConfRefusedError(
            (
                TOO_QUICK.said(
                    asked_ms=within,
                    count=len(cluster.nodes),
                    token_ms=token,
                    consensus_ms=consensus,
                    least_ms=least,
                ),
            )
        )
    return Timing(token, consensus)


def refusals(cluster: Cluster) -> tuple[Said, ...]:
    """Every reason why no corosync.conf can be made of this configuration; empty when it can."""
    found = [*_link_refusals(cluster)]
    try:
        timing(cluster)
    except ConfRefusedError as error:
        found.extend(error.said)
    return tuple(found)


def _link_refusals(cluster: Cluster) -> list[Said]:
    found: list[Said] = []
    first = cluster.nodes[0]
    owner: dict[str, str] = {}
    for node in cluster.nodes:
        if len(node.links) != len(first.links):
            found.append(
                LINKS_DIFFER.said(node=node.name, count=len(node.links), other=first.name, other_count=len(first.links))
            )
        for link, written in enumerate(node.links):
            try:
                address = ip_address(written)
            except ValueError:
                found.append(NOT_AN_ADDRESS.said(node=node.name, address=written))
                continue
            if str(address) in owner:
                found.append(ADDRESS_TWICE.said(address=written, node=owner[str(address)], other=node.name))
            owner[str(address)] = node.name
            if link < len(first.links) and _version(first.links[link]) not in (None, address.version):
                found.append(
                    FAMILIES_DIFFER.said(link=link + 1, node=node.name, version=address.version, other=first.name)
                )
    return found


def _version(address: str) -> int | None:
    try:
        return ip_address(address).version
    except ValueError:
        return None


def corosync_conf(cluster: Cluster, crypto_model: Literal["nss", "openssl"] = "nss") -> str:
    """The whole file: the same text for the same configuration, on every node. Raises ConfRefusedError."""
    found = refusals(cluster)
    if found:
        raise ConfRefusedError(found)
    times = timing(cluster)
    links = range(len(cluster.nodes[0].links))
    lines = [
        "# Written by komainud from the cluster's configuration. Changes made here are overwritten.",
        "totem {",
        "    version: 2",
        f"    cluster_name: {cluster.name}",
        "    transport: knet",
        "    link_mode: active",
        f"    crypto_model: {crypto_model}",
        "    crypto_cipher: aes256",
        "    crypto_hash: sha256",
        f"    keyfile: {AUTHKEY_PATH}",
        f"    token: {times.token_ms}",
        "    token_coefficient: 0",
        f"    consensus: {times.consensus_ms}",
    ]
    for link in links:
        lines += [
            "    interface {",
            f"        linknumber: {link}",
            f"        mcastport: {FIRST_PORT + link}",
            f"        knet_ping_interval: {PING_INTERVAL_MS}",
            f"        knet_ping_timeout: {PING_TIMEOUT_MS}",
            "    }",
        ]
    lines += ["}", "nodelist {"]
    # Its address is the node's name here. Corosync looks for this machine's host name among the names first, and a
    # machine that is called like another node would take that node's place.
    for node in sorted(cluster.nodes, key=lambda each: each.id):
        addresses = [str(ip_address(written)) for written in node.links]
        lines += ["    node {", f"        name: {addresses[0]}", f"        nodeid: {node.id}"]
        lines += [f"        ring{link}_addr: {addresses[link]}" for link in links]
        lines += ["    }"]
    lines += [
        "}",
        "logging {",
        "    to_stderr: no",
        "    to_syslog: yes",
        "    to_logfile: yes",
        f"    logfile: {LOG_PATH}",
        "    timestamp: hires",
        "    debug: off",
        "}",
        "",
    ]
    return "\n".join(lines)


def new_authkey() -> bytes:
    """A fresh secret for the links; every node needs the same one."""
    return secrets.token_bytes(AUTHKEY_BYTES)
