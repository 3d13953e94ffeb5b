"""What the parts of a configuration must be to each other. A table of contents: every line names its file."""

from collections.abc import Mapping

from komainu.config.problem import Finding
from komainu.config.rules import addresses, groups, nodes, safety
from komainu.model.config import Cluster
from komainu.ports import ResourceType

MESSAGES = (*nodes.MESSAGES, *groups.MESSAGES, *addresses.MESSAGES, *safety.MESSAGES)


def judge(cluster: Cluster, types: Mapping[str, ResourceType]) -> list[Finding]:
    """Everything that is wrong, or should be known, about a cluster whose parts are right each for itself.

    Names that are empty belong to parts that were refused already; nothing is said of them.
    """
    return [
        *nodes.findings(cluster),
        *groups.findings(cluster, types),
        *addresses.findings(cluster, types),
        *safety.findings(cluster),
    ]
