"""Addresses that move with a resource: each used once, and none of them a node's own (V1, O1)."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named
from komainu.config.rules.nodes import Address, address
from komainu.model.config import Cluster, Resource
from komainu.model.message import Message
from komainu.ports import ResourceType

NODES_OWN = Message(
    "KM1241",
    "{address} is an interconnect address of node {node}: an address that moves must belong to no machine. Choose a "
    "free one.",
    "{address} はノード {node} のインタコネクトのアドレスです。切り替えるアドレスは、"
    "どのマシンのものでもあってはなりません。空いているアドレスを指定してください。",
    "error",
)
USED_TWICE = Message(
    "KM1242",
    "{address} is used by resource {other} already: with both active nobody could say where it leads. Choose another.",
    "{address} はすでにリソース {other} が使っています。両方が活性化すると通信先が定まりません。別のアドレスを指定して"
    "ください。",
    "error",
)
MESSAGES = (NODES_OWN, USED_TWICE)


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Every moving address against the nodes' addresses and against the other moving ones."""
    own = {found: node.name for node in cluster.nodes for link in node.links if (found := address(link)) is not None}
    users: dict[Address, tuple[Path, str]] = {}
    for path, _, resource in resources(cluster):
        declared = types.get(resource.type)
        keys = () if declared is None else declared.traits.addresses
        for place, value in chain.from_iterable(_written(path, resource, key) for key in keys):
            found = address(value) if isinstance(value, str) else None
            if found is None:
                continue
            if found in own:
                yield Finding(place, NODES_OWN.said(address=str(found), node=named(own[found])))
            user, name = users.setdefault(found, (path, resource.name))
            if user != path:
                yield Finding(place, USED_TWICE.said(address=str(found), other=named(name)))


def _written(path: Path, resource: Resource, key: str) -> Iterator[tuple[Path, Any]]:
    """Every value of a parameter with its place: the common one and those of single nodes."""
    if key in resource.params:
        yield (*path, "params", key), resource.params[key]
    for node, own in resource.per_node.items():
        if key in own:
            yield (*path, "per_node", node, key), own[key]
