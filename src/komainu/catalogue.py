"""Every resource type that ships. A type is declared in one file and listed here, and nowhere else (design law 12).

The schema of the configuration, its errors, the reference in the documentation and the executor all start from this
tuple.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from komainu.ports import ResourceType
from komainu.types.aws.vip import AWSVIP
from komainu.types.exec import EXEC
from komainu.types.fip import FIP

TYPES: tuple[ResourceType, ...] = (AWSVIP, FIP, EXEC)
"""In the order of the documentation."""


def by_name(types: Iterable[ResourceType]) -> Mapping[str, ResourceType]:
    """The types under the names they have in the configuration. Raises ValueError when two share a name."""
    named: dict[str, ResourceType] = {}
    for declared in types:
        if declared.name in named:
            raise ValueError(f"two resource types are called {declared.name}")
        named[declared.name] = declared
    return MappingProxyType(named)


RESOURCE_TYPES: Mapping[str, ResourceType] = by_name(TYPES)
"""What `komainu.config.read` and the executor ask for a type by its name."""
