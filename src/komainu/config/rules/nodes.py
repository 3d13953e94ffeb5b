"""Nodes and their interconnects (C1)."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from komainu.config.problem import Finding, named, shown
from komainu.config.refusals import NOT_ADDRESS
from komainu.model.config import Cluster
from komainu.model.message import Message

SAME_NAME = Message(
    "KM1201",
    "Another node is called {name} already. Give each node its own name.",
    "ノード名 {name} はすでに使われています。ノードごとに別の名前を付けてください。",
    "error",
)
SAME_ID = Message(
    "KM1202",
    "Node {other} has the id {id} already (an id that is not written is the node's place in the list). Write an id "
    "of its own for each node.",
    "番号 {id} はノード {other} がすでに使っています（`id` を省略すると一覧での順番が番号になります）。ノードごとに別の"
    "番号を書いてください。",
    "error",
)
LINK_COUNT = Message(
    "KM1203",
    "Node {node} has {count} interconnect addresses, but {first} has {wanted}. An interconnect joins all nodes: write "
    "one address per interconnect for every node, in the same order.",
    "ノード {node} のインタコネクトのアドレスは {count} 個ですが、{first} は {wanted} 個です。"
    "インタコネクトは全ノードをつなぎます。全ノードに同じ順序で同じ個数のアドレスを書いてください。",
    "error",
)
LINK_TWICE = Message(
    "KM1204",
    "The interconnect address {address} belongs to node {other} already. Every node has its own address on each "
    "interconnect.",
    "インタコネクトのアドレス {address} はすでにノード {other} が使っています。ノードごと、インタコネクトごとに別の"
    "アドレスを書いてください。",
    "error",
)
LINK_FAMILY = Message(
    "KM1205",
    "{address} is IPv{version}, but {first} has an IPv{wanted} address on this interconnect. All addresses of one "
    "interconnect must be of one kind.",
    "{address} は IPv{version} ですが、このインタコネクトの {first} のアドレスは IPv{wanted} です。1 つのインタコネクト"
    "ではどちらかに統一してください。",
    "error",
)
LINK_UNFIT = Message(
    "KM1206",
    "{address} cannot carry an interconnect: no other node can reach a loopback, multicast or link-local address, or "
    "`0.0.0.0`. Write the node's own address in its subnet.",
    "{address} はインタコネクトに使えません。ループバック、マルチキャスト、リンクローカル、`0.0.0.0` などのアドレスには"
    "ほかのノードから届きません。サブネット内のノード自身のアドレスを書いてください。",
    "error",
)
ONE_NODE = Message(
    "KM1207",
    "The cluster has one node only: nothing can fail over. Add a second node before anything depends on it.",
    "ノードが 1 台しかないため、フェイルオーバできません。業務に使う前に 2 台目のノードを追加してください。",
    "warning",
)
MESSAGES = (SAME_NAME, SAME_ID, LINK_COUNT, LINK_TWICE, LINK_FAMILY, LINK_UNFIT, ONE_NODE)

Address = IPv4Address | IPv6Address


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Names, ids and interconnects of the nodes."""
    if len(cluster.nodes) == 1:
        yield Finding(("nodes",), ONE_NODE.said())
    yield from _names(cluster)
    yield from _ids(cluster)
    yield from _counts(cluster)
    yield from _links(cluster)


def address(text: str) -> Address | None:
    """The IP address that a text is, or None."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _names(cluster: Cluster) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for place, node in enumerate(cluster.nodes):
        if node.name and node.name in seen:
            yield Finding(("nodes", place, "name"), SAME_NAME.said(name=named(node.name)))
        seen.setdefault(node.name, place)


def _ids(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[int, str] = {}
    for place, node in enumerate(cluster.nodes):
        if node.id and node.id in owner:
            said = SAME_ID.said(id=node.id, other=named(owner[node.id]))
            yield Finding(("nodes", place, "id"), said)
        owner.setdefault(node.id, node.name)


def _counts(cluster: Cluster) -> Iterator[Finding]:
    counted = [(place, node) for place, node in enumerate(cluster.nodes) if node.links]
    for place, node in counted[1:]:
        first = counted[0][1]
        if len(node.links) != len(first.links):
            values = {"count": len(node.links), "wanted": len(first.links)}
            said = LINK_COUNT.said(node=named(node.name), first=named(first.name), **values)
            yield Finding(("nodes", place, "links"), said)


def _links(cluster: Cluster) -> Iterator[Finding]:
    owner: dict[Address, str] = {}
    first: dict[int, tuple[str, int]] = {}
    for place, node in enumerate(cluster.nodes):
        for link, text in enumerate(node.links):
            path = ("nodes", place, "links", link)
            found = address(text)
            if found is None:
                if text:
                    yield Finding(path, NOT_ADDRESS.said(value=shown(text)))
                continue
            if found.is_loopback or found.is_multicast or found.is_unspecified or found.is_link_local:
                yield Finding(path, LINK_UNFIT.said(address=str(found)))
            if found in owner:
                yield Finding(path, LINK_TWICE.said(address=str(found), other=named(owner[found])))
            other, version = first.setdefault(link, (node.name, found.version))
            if found.version != version:
                values = {"version": found.version, "wanted": version}
                yield Finding(path, LINK_FAMILY.said(address=str(found), first=named(other), **values))
            owner.setdefault(found, node.name)
