"""The neighbours, in our own words. A port exists only for a neighbour that has two implementations.

Nothing here knows EC2, corosync or Linux by name: `komainu.adapters` does, and `komainu.compose` chooses.
No port raises for what is expected to go wrong: it answers with an `Outcome` or with a named error of this file.
"""

from komainu.ports.bus import Bus, BusListener, BusView, Links, LinkSeen, RingId
from komainu.ports.cloud import Address, Cloud, CloudError, CloudFault, Instance, Interface, Route, Zone
from komainu.ports.fence import FenceDevice, FenceHost, FenceType
from komainu.ports.machine import Guarded, Isolation, Network, Power, Watchdog, WatchdogMeans
from komainu.ports.metadata import Announced, Announcement, AnnouncementKind, Metadata
from komainu.ports.monitors import MonitorHands, MonitorHost, MonitorTraits, MonitorType
from komainu.ports.names import NameRecord, NameService, RecordType
from komainu.ports.notifiers import Alert, Notice, NotifierHands, NotifierHost, NotifierType, Topics
from komainu.ports.ping import Pinger, PingRefused
from komainu.ports.resolver import Resolver
from komainu.ports.resources import Host, ResourceHands, ResourceType
from komainu.ports.vote import (
    Buckets,
    Held,
    Https,
    HttpsAnswer,
    HttpsError,
    HttpsFault,
    HttpsRequest,
    LeaseHost,
    LeaseType,
    StoreSilent,
    TableFacts,
    Tables,
    VoteStore,
)

__all__ = [
    "Address",
    "Alert",
    "Announced",
    "Announcement",
    "AnnouncementKind",
    "Buckets",
    "Bus",
    "BusListener",
    "BusView",
    "Cloud",
    "CloudError",
    "CloudFault",
    "FenceDevice",
    "FenceHost",
    "FenceType",
    "Guarded",
    "Held",
    "Host",
    "Https",
    "HttpsAnswer",
    "HttpsError",
    "HttpsFault",
    "HttpsRequest",
    "Instance",
    "Interface",
    "Isolation",
    "LeaseHost",
    "LeaseType",
    "LinkSeen",
    "Links",
    "Metadata",
    "MonitorHands",
    "MonitorHost",
    "MonitorTraits",
    "MonitorType",
    "NameRecord",
    "NameService",
    "Network",
    "Notice",
    "NotifierHands",
    "NotifierHost",
    "NotifierType",
    "PingRefused",
    "Pinger",
    "Power",
    "RecordType",
    "Resolver",
    "ResourceHands",
    "ResourceType",
    "RingId",
    "Route",
    "StoreSilent",
    "TableFacts",
    "Tables",
    "Topics",
    "VoteStore",
    "Watchdog",
    "WatchdogMeans",
    "Zone",
]
