"""The hands of this node: for every resource that may run here, the object of its type that does the work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from komainu.model.config import Cluster, Group, Resource
from komainu.model.difference import same_work
from komainu.model.message import Message, Said
from komainu.ports import Host, ResourceHands, ResourceType

UNKNOWN_TYPE = Message(
    "KM5101",
    "Resource {resource} has the type {type}, which this release of Komainu does not know. Install the same release on "
    "all nodes.",
    "リソース {resource} のタイプ {type} は、このリリースの Komainu では使用できません。"
    "全ノードに同じリリースをインストールしてください。",
    "error",
)
BAD_PARAMETERS = Message(
    "KM5102",
    "The parameters of resource {resource} do not hold on node {node}: {reason}. Correct them and apply the "
    "configuration again.",
    "リソース {resource} のパラメータがノード {node} で正しくありません: {reason}。"
    "修正して構成情報を再度適用してください。",
    "error",
)

Key = tuple[str, str]
"""Group and resource."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One resource on this node."""

    group: Group
    resource: Resource
    work: ResourceHands | None
    "None when there is nobody who could do it; `refusal` says why."
    refusal: Said | None
    monitor: str
    "The name of its own monitor (V3)."
    label: str = ""
    "What people know it by, such as its address; empty: its name is all there is."

    @property
    def key(self) -> Key:
        """Group and resource."""
        return (self.group.name, self.resource.name)


class Hands:
    """All of them, for the configuration that holds."""

    def __init__(self, me: str, types: Mapping[str, ResourceType], host: Callable[[str, str, str], Host]) -> None:
        """`host(cluster, group, resource)` makes what a resource sees of this node."""
        self._me = me
        self._types = types
        self._host = host
        self._hands: dict[Key, Hand] = {}
        self._elsewhere: dict[Key, dict[str, dict[str, Any]]] = {}
        "Per resource, its parameters on other nodes: a node more or less there changes nothing of the work here."

    def configure(self, cluster: Cluster) -> tuple[Hand, ...]:
        """Take over a configuration; answers the hands whose work is not configured here any more.

        What does the same work keeps its object, and with that what it knows of what runs.
        """
        hands: dict[Key, Hand] = {}
        for group in cluster.groups:
            if self._me not in group.nodes:
                continue
            for resource in group.resources:
                known = self._hands.get((group.name, resource.name))
                if known is not None and same_work(known.resource, resource):
                    self._elsewhere[known.key].clear()
                    self._elsewhere[known.key].update(self._others(group, resource))
                    hands[known.key] = Hand(group, resource, known.work, known.refusal, known.monitor, known.label)
                else:
                    hand = self._make(cluster.name, group, resource)
                    hands[hand.key] = hand
        gone = tuple(hand for key, hand in self._hands.items() if key not in hands or hands[key].work is not hand.work)
        self._hands = hands
        self._elsewhere = {key: others for key, others in self._elsewhere.items() if key in hands}
        return gone

    def all(self) -> tuple[Hand, ...]:
        """In the order of the configuration."""
        return tuple(self._hands.values())

    def get(self, group: str, resource: str) -> Hand | None:
        """None when that resource cannot run here."""
        return self._hands.get((group, resource))

    def _make(self, cluster: str, group: Group, resource: Resource) -> Hand:
        declared = self._types.get(resource.type)
        self._elsewhere[group.name, resource.name] = {}
        if declared is None:
            said = UNKNOWN_TYPE.said(resource=resource.name, type=resource.type)
            return Hand(group, resource, None, said, resource.name)
        monitor = declared.monitor_name(resource.name)
        try:
            params = declared.params.model_validate(resource.params_on(self._me))
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            said = BAD_PARAMETERS.said(resource=resource.name, node=self._me, reason=reason)
            return Hand(group, resource, None, said, monitor)
        others = self._elsewhere[group.name, resource.name] = self._others(group, resource)
        host = replace(self._host(cluster, group.name, resource.name), elsewhere=others)
        label = str(resource.params_on(self._me).get(declared.traits.known_by, ""))
        return Hand(group, resource, declared.make(params, host), None, monitor, label)

    def _others(self, group: Group, resource: Resource) -> dict[str, dict[str, Any]]:
        return {node: resource.params_on(node) for node in group.nodes if node != self._me}
