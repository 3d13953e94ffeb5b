"""Every type that ships. A type is declared in one file and listed here, and nowhere else (design law 12).

The schema of the configuration, its errors, the reference in the documentation, the executor and the patrol all start
from these tuples.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from komainu.arbitration.ec2_stop import EC2_STOP
from komainu.arbitration.lease_dynamodb import LEASE_DYNAMODB
from komainu.arbitration.lease_http import LEASE_HTTP
from komainu.arbitration.lease_s3 import LEASE_S3
from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType
from komainu.types.aws.az import AWSAZW
from komainu.types.aws.dns import AWSDNS
from komainu.types.aws.eip import AWSEIP
from komainu.types.aws.events import AWSEVW
from komainu.types.aws.sip import AWSSIP
from komainu.types.aws.vip import AWSVIP
from komainu.types.disk import DISK
from komainu.types.exec import EXEC
from komainu.types.fip import FIP
from komainu.types.genw import GENW
from komainu.types.http import HTTP
from komainu.types.ipw import IPW
from komainu.types.notify.mail import MAIL
from komainu.types.notify.sns import SNS
from komainu.types.notify.webhook import WEBHOOK
from komainu.types.process import PROCESS
from komainu.types.reach import REACH
from komainu.types.tcp import TCP
from komainu.types.userw import USERW


class Declared(Protocol):
    """What every declaration of a type has."""

    @property
    def name(self) -> str:
        """As in the configuration."""


T = TypeVar("T", bound=Declared)


def by_name(types: Iterable[T]) -> Mapping[str, T]:
    """The types under the names they have in the configuration. Raises ValueError when two share a name."""
    named: dict[str, T] = {}
    for declared in types:
        if declared.name in named:
            raise ValueError(f"two types are called {declared.name}")
        named[declared.name] = declared
    return MappingProxyType(named)


TYPES: tuple[ResourceType, ...] = (AWSVIP, AWSEIP, AWSSIP, AWSDNS, FIP, EXEC)
"""The resource types, in the order of the documentation."""

RESOURCE_TYPES: Mapping[str, ResourceType] = by_name(TYPES)
"""What `komainu.config.read` and the executor ask for a resource type by its name."""

MONITORS: tuple[MonitorType, ...] = (IPW, AWSAZW, AWSEVW, GENW, TCP, HTTP, REACH, PROCESS, DISK, USERW)
"""The types of monitors of their own, in the order of the documentation."""

MONITOR_TYPES: Mapping[str, MonitorType] = by_name(MONITORS)
"""What `komainu.config.read` and the patrol ask for a monitor type by its name."""

NOTIFICATIONS: tuple[NotifierType, ...] = (MAIL, WEBHOOK, SNS)
"""The kinds of notification, in the order of the documentation."""

NOTIFIERS: Mapping[str, NotifierType] = by_name(NOTIFICATIONS)
"""What `komainu.config.read` and the daemon ask for a kind of notification by its name."""

FENCES: tuple[FenceType, ...] = (EC2_STOP,)
"""The fence types, in the order of the documentation."""

FENCE_TYPES: Mapping[str, FenceType] = by_name(FENCES)
"""What `komainu.config.read` and the daemon ask for a fence type by its name."""

LEASES: tuple[LeaseType, ...] = (LEASE_S3, LEASE_DYNAMODB, LEASE_HTTP)
"""The kinds of store for the third vote, in the order of the documentation."""

LEASE_TYPES: Mapping[str, LeaseType] = by_name(LEASES)
"""What `komainu.config.read` and the daemon ask for a kind of store by its name."""
