"""What the parts of a configuration must be to each other. A table of contents: every line names its file."""

from komainu.config.declared import Declared
from komainu.config.problem import Finding
from komainu.config.rules import (
    addresses,
    arbitration,
    calls,
    dependencies,
    ending_monitors,
    exclusions,
    groups,
    ip_monitors,
    monitors,
    network_partition,
    nodes,
    notifications,
    recovery,
    references,
    safety,
    times,
    used_once,
)
from komainu.model.config import Cluster

MESSAGES = (
    *(*nodes.MESSAGES, *references.MESSAGES, *groups.MESSAGES, *dependencies.MESSAGES, *exclusions.MESSAGES),
    *(*monitors.MESSAGES, *recovery.MESSAGES, *times.MESSAGES, *notifications.MESSAGES, *addresses.MESSAGES),
    *(*safety.MESSAGES, *arbitration.MESSAGES, *network_partition.MESSAGES, *ip_monitors.MESSAGES),
    *(*ending_monitors.MESSAGES, *calls.MESSAGES, *used_once.MESSAGES),
)


def judge(cluster: Cluster, declared: Declared) -> list[Finding]:
    """Everything that is wrong, or should be known, about a cluster whose parts are right each for itself.

    Names that are empty belong to parts that were refused already; nothing is said of them.
    """
    return [
        *nodes.findings(cluster),
        *groups.findings(cluster, declared.resources),
        *dependencies.findings(cluster, declared.resources),
        *exclusions.findings(cluster),
        *monitors.findings(cluster, declared),
        *recovery.findings(cluster),
        *times.findings(cluster),
        *notifications.findings(cluster),
        *addresses.findings(cluster, declared.resources),
        *used_once.findings(cluster, declared.resources),
        *safety.findings(cluster),
        *calls.findings(cluster),
        *arbitration.findings(cluster, declared),
        *network_partition.findings(cluster, declared.resources),
        *ip_monitors.findings(cluster, declared.resources),
        *ending_monitors.findings(cluster, declared),
    ]
