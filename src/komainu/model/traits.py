"""What may be known of a resource type without asking it: the defaults its resources get in the configuration."""

from dataclasses import dataclass
from typing import Literal

Environment = Literal["aws", "onprem"]


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts of a resource type."""

    exclusive: bool
    "True when two nodes must never have it at once (N1). A resource may say otherwise only if the type allows it."
    exclusive_may_be_cleared: bool = False
    "True when the administrator may set `exclusive: false` (exec, service)."
    environments: tuple[Environment, ...] = ("aws", "onprem")
    "Where it can be used (O1)."
    order: int = 50
    "Default place in a group: lower starts first (addresses before applications, C4)."
    listed: bool = False
    "True for applications: of the same `order`, each waits by default for those listed before it; others do not."
    addresses: tuple[str, ...] = ()
    "Parameters that are IP addresses which move with the resource: used once, and never a node's own."
    used_once: tuple[tuple[str, ...], ...] = ()
    "Parameters whose values, those of one tuple together, one resource of the cluster can use, and no second one."
    used_once_per_node: tuple[str, ...] = ()
    "Parameters whose value one resource of a node can use: a second one that is active there would displace it."
    known_by: str = ""
    "The parameter by which people know such a resource, such as its address; it stands beside the type in status."
    ended_by: Literal["network", "mirror", "reset"] = "reset"
    (
        "What surely ends its effect on the world when the node's right ends, even if it does not stop: the kernel "
        "drops the packets of what it guards, the mirror takes no more writes, or nothing less than a reset (N2)."
    )
    start_timeout_ms: int = 60_000
    stop_timeout_ms: int = 60_000
    check_interval_ms: int = 60_000
    check_timeout_ms: int = 30_000
    prepare_interval_ms: int = 60_000
    "How often a node where the resource is not running checks that it could start it."
