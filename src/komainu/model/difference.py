"""What one configuration means for what runs under another (C11)."""

from komainu.model.config import Cluster, Group, Resource


def restarting(group: Group, cluster: Cluster) -> dict[str, tuple[bool, ...]]:
    """Per node, which resources of the group cannot go on running under the other configuration."""
    new = next((each for each in cluster.groups if each.name == group.name), None)
    kept = {each.name: each for each in new.resources} if new is not None else {}
    changed = tuple(each.name not in kept or not same_work(each, kept[each.name]) for each in group.resources)
    return {
        node: changed if new is not None and node in new.nodes else tuple(True for _ in group.resources)
        for node in group.nodes
    }


def gains(old: Cluster, new: Cluster, node: str) -> bool:
    """True when the node may run something that it could not: nobody knows whether it does already (law 8)."""
    had = [(group.name, each.name) for group in old.groups if node in group.nodes for each in group.resources]
    has = [(group.name, each.name) for group in new.groups if node in group.nodes for each in group.resources]
    return any(key not in had for key in has)


def same_work(one: Resource, other: Resource) -> bool:
    """True when what runs as the one may go on as the other: only settings of the daemon differ."""
    return (one.type, one.exclusive, one.params, one.per_node) == (
        other.type, other.exclusive, other.params, other.per_node,
    )  # fmt: skip
