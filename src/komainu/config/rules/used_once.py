"""What only one resource can use: an address that moves, an allocation, a record, an ENI's one public address (V1, E1).

Which parameters these are is in the traits of the types.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named
from komainu.config.rules.nodes import address
from komainu.model.config import Cluster, Group, Resource
from komainu.model.message import Message, Said
from komainu.ports import ResourceType

ADDRESS_USED_TWICE = Message(
    "KM1242",
    "{address} is used by resource {other} already: with both active nobody could say where it leads. Choose another.",
    "{address} はすでにリソース {other} が使っています。両方が活性化すると通信先が定まりません。別のアドレスを指定して"
    "ください。",
    "error",
)
USED_TWICE = Message(
    "KM1243",
    "{what} is used by resource {other} already: with both active each would take it from the other. Give each its "
    "own, or remove one of the two.",
    "{what} はすでにリソース {other} が使っています。両方が活性化すると互いに奪い合います。リソースごとに別の値を"
    "指定するか、一方を削除してください。",
    "error",
)
USED_TWICE_ON_NODE = Message(
    "KM1244",
    "{what} is used by resource {other} on node {node} already: active on the same node, each would displace the "
    "other. Give each its own; or, if they are in different groups, put these groups into an exclusion of the kind "
    "`absolute`, so that they never share a node.",
    "{what} はノード {node} ですでにリソース {other} が使っています。両方が同じノードで活性化すると互いを外して"
    "しまいます。リソースごとに別の値を指定してください。別々のグループにある場合は、それらを種類 `absolute` の"
    "排他ルールに含め、同じノードで動作しないようにする方法もあります。",
    "error",
)
MESSAGES = (ADDRESS_USED_TWICE, USED_TWICE, USED_TWICE_ON_NODE)


@dataclass(frozen=True, slots=True)
class _Use:
    """One value in the use of one resource."""

    claim: tuple[str, ...]
    "What is used; two equal claims are one thing."
    place: Path
    said: Callable[..., Said]
    "What to say of it when the resource `other` uses it already."
    node: str = ""
    "Where it can be used by one only; empty: in the whole cluster."


@dataclass(frozen=True, slots=True)
class _User:
    """Who uses it."""

    path: Path
    group: Group
    name: str


def findings(cluster: Cluster, types: Mapping[str, ResourceType]) -> Iterator[Finding]:
    """Every use of something that another resource uses already, and that both could use at the same time."""
    users: dict[tuple[str, ...], list[_User]] = {}
    for path, group, resource in resources(cluster):
        declared = types.get(resource.type)
        if declared is None:
            continue
        user = _User(path, group, resource.name)
        for use in (*_addresses(path, resource, declared), *_claims(cluster, path, group, resource, declared)):
            earlier = users.setdefault(use.claim, [])
            for other in earlier:
                if other.path != path and not (use.node and _apart(cluster, group, other.group)):
                    yield Finding(use.place, use.said(other=named(other.name)))
                    break
            earlier.append(user)


def written(path: Path, resource: Resource, key: str) -> Iterator[tuple[Path, Any]]:
    """Every value of a parameter with its place: the common one and those of single nodes."""
    if key in resource.params:
        yield (*path, "params", key), resource.params[key]
    for node, own in resource.per_node.items():
        if key in own:
            yield (*path, "per_node", node, key), own[key]


def _addresses(path: Path, resource: Resource, declared: ResourceType) -> Iterator[_Use]:
    """Of whatever type the resources are: one address is one address."""
    for key in declared.traits.addresses:
        for place, value in written(path, resource, key):
            found = address(value) if isinstance(value, str) else None
            if found is not None:
                text = str(found)
                yield _Use(
                    ("", text), place, lambda other, text=text: ADDRESS_USED_TWICE.said(address=text, other=other)
                )


def _claims(cluster: Cluster, path: Path, group: Group, resource: Resource, declared: ResourceType) -> Iterator[_Use]:
    """The values as the type understands them, on every node where the group may start."""
    traits = declared.traits
    if not (traits.used_once or traits.used_once_per_node):
        return
    known = [node.name for node in cluster.nodes]
    for node in dict.fromkeys(group.nodes):
        params = _understood(resource, declared, node) if node in known else None
        if params is None:
            continue
        for keys in traits.used_once:
            claim, place, what = _claim(path, resource, declared, node, keys, params)
            yield _Use(claim, place, partial(USED_TWICE.said, what=what))
        for key in traits.used_once_per_node:
            claim, place, what = _claim(path, resource, declared, node, (key,), params)
            said = partial(USED_TWICE_ON_NODE.said, what=what, node=named(node))
            yield _Use((*claim, node), place, said, node)


def _claim(
    path: Path, resource: Resource, declared: ResourceType, node: str, keys: tuple[str, ...], params: BaseModel
) -> tuple[tuple[str, ...], Path, str]:
    """What is claimed, where the first of its values was written, and how to name it."""
    values = tuple(str(getattr(params, key)) for key in keys)
    first = next((key for key in keys if key in resource.per_node.get(node, {})), "")
    place = (*path, "per_node", node, first) if first else (*path, "params", keys[0])
    what = ", ".join(f"`{key}` {named(value)}" for key, value in zip(keys, values, strict=True))
    return (declared.name, *keys, *values), place, what


def _understood(resource: Resource, declared: ResourceType, node: str) -> BaseModel | None:
    """None: the values were refused, which is said elsewhere."""
    values = {**resource.params, **resource.per_node.get(node, {})}
    try:
        return declared.params.model_validate_json(json.dumps(values), strict=True)
    except ValidationError:
        return None


def _apart(cluster: Cluster, one: Group, other: Group) -> bool:
    """Whether the two groups never share a node (C3)."""
    names = {one.name, other.name}
    return len(names) == 2 and any(
        each.kind == "absolute" and names.issubset(each.groups) for each in cluster.exclusions
    )
