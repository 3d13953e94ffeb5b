"""The neighbours, in our own words. A port exists only for a neighbour that has two implementations.

Nothing here knows EC2, corosync or Linux by name: `komainu.adapters` does, and `komainu.compose` chooses.
No port raises for what is expected to go wrong: it answers with an `Outcome` or with a named error of this file.
"""

from komainu.ports.bus import Bus, BusListener, BusView, Links, LinkSeen, RingId
from komainu.ports.cloud import Cloud, CloudError, CloudFault, Interface, Route
from komainu.ports.machine import Network, Power, Watchdog
from komainu.ports.monitors import MonitorHands, MonitorHost, MonitorTraits, MonitorType
from komainu.ports.notifiers import Alert, Notice, NotifierHands, NotifierHost, NotifierType, Topics
from komainu.ports.resources import Host, ResourceHands, ResourceType

__all__ = [
    "Alert",
    "Bus",
    "BusListener",
    "BusView",
    "Cloud",
    "CloudError",
    "CloudFault",
    "Host",
    "Interface",
    "LinkSeen",
    "Links",
    "MonitorHands",
    "MonitorHost",
    "MonitorTraits",
    "MonitorType",
    "Network",
    "Notice",
    "NotifierHands",
    "NotifierHost",
    "NotifierType",
    "Power",
    "ResourceHands",
    "ResourceType",
    "RingId",
    "Route",
    "Topics",
    "Watchdog",
]
