"""Everything that is declared elsewhere and that a configuration may use, such as the types of resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType

Kind = ResourceType | MonitorType | NotifierType | LeaseType | FenceType


@dataclass(frozen=True, slots=True)
class Declared:
    """What may stand behind the names in a file. Each is under the name it has there."""

    resources: Mapping[str, ResourceType]
    monitors: Mapping[str, MonitorType] = field(default_factory=dict)
    notifiers: Mapping[str, NotifierType] = field(default_factory=dict)
    leases: Mapping[str, LeaseType] = field(default_factory=dict)
    fences: Mapping[str, FenceType] = field(default_factory=dict)
