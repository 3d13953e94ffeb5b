"""Addresses that move with a resource: none of them is a node's own (V1, O1)."""

from collections.abc import Iterator, Mapping
from itertools import chain

from komainu.config.parameters import resources
from komainu.config.problem import Finding, named
from komainu.config.rules.nodes import address
from komainu.config.rules.used_once import written
from komainu.model.config import Cluster
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
MESSAGES = (NODES_OWN,)


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Every moving address against the nodes' addresses."""
    own = {found: node.name for node in cluster.nodes for link in node.links if (found := address(link)) is not None}
    for path, _, resource in resources(cluster):
        declared = types.get(resource.type)
        keys = () if declared is None else declared.traits.addresses
        for place, value in chain.from_iterable(written(path, resource, key) for key in keys):
            found = address(value) if isinstance(value, str) else None
            if found in own:
                yield Finding(place, NODES_OWN.said(address=str(found), node=named(own[found])))
