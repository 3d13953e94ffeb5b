"""What one configuration means for what runs under another (C11)."""

from komainu.model.config import Cluster, Group, Resource


def restarting(group: Group, old: Cluster, cluster: Cluster) -> dict[str, tuple[bool, ...]]:
    """Per node, which resources of the group cannot go on running under the other configuration.

    Nothing may where another third vote is to count: a node that learns of it later than the others would go on by the
    old one, and nobody could say for how long (rule 12 of docs/en/safety.md).
    """
    if vote_differs(old, cluster):
        return {node: tuple(True for _ in group.resources) for node in group.nodes}
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


def arbitration_differs(old: Cluster, new: Cluster) -> bool:
    """True when a node that goes on by the old rules could take itself to be in the right against the new ones.

    Then all nodes of the old configuration have to be there when the new one comes into force (rule 12 of
    docs/en/safety.md): one that was away would wake with the old store, the old nodes or the old times.
    """
    if not (old.arbitration.limited or new.arbitration.limited):
        return False
    return _rights(old) != _rights(new)


def vote_differs(old: Cluster, new: Cluster) -> bool:
    """True when two nodes, one by each, would ask different votes, or one of them none."""
    one, other = old.arbitration, new.arbitration
    return (one.kind, one.lease) != (other.kind, other.lease) and (one.limited or other.limited)


def divides(old: Cluster, new: Cluster) -> bool:
    """True when two sides, one by each, could both take themselves to be in the right.

    Two nodes with one store go by the longer wait in its record; for all else nobody knows what the others go by.
    """
    return vote_differs(old, new) or (
        "majority" in (old.arbitration.kind, new.arbitration.kind) and arbitration_differs(old, new)
    )


def keeps_majority(old: Cluster, new: Cluster) -> bool:
    """True when the nodes that stay are a majority of the old and of the new nodes, where a majority decides.

    Otherwise the nodes that go and the nodes that come could each be more than half of what they know.
    """
    stay = [name for name in _names(old) if name in _names(new)]
    return all(2 * len(stay) > len(cluster.nodes) for cluster in (old, new) if cluster.arbitration.kind == "majority")


def _rights(cluster: Cluster) -> tuple[object, ...]:
    """What all nodes have to know alike, so that a right of one is respected by the others."""
    arbitration = cluster.arbitration
    return sorted(_names(cluster)), arbitration.kind, arbitration.lease, arbitration.right_ms, arbitration.wait_ms


def _names(cluster: Cluster) -> tuple[str, ...]:
    return tuple(node.name for node in cluster.nodes)
