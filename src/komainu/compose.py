"""The wiring diagram: which adapters stand behind the ports. Nothing else in Komainu chooses.

Imports stand inside the functions: `komainu status` must not wait for what only the daemon needs.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from komainu.adapters.aws.budget import Budgeted
    from komainu.adapters.aws.ec2 import Ec2Cloud
    from komainu.adapters.aws.route53 import Route53Names
    from komainu.adapters.linux.addresses import LinuxNetwork
    from komainu.adapters.linux.processes import Processes
    from komainu.agent.around import Around
    from komainu.agent.daemon import Daemon
    from komainu.agent.execution.patrol import Host as MonitorHosts
    from komainu.api.offline import Offline
    from komainu.api.server import Server
    from komainu.model.config import Cluster
    from komainu.model.message import Said
    from komainu.model.witness import WitnessSettings
    from komainu.ports import VoteStore

JOURNAL = "/var/lib/komainu/journal"
ALERTS = "/var/lib/komainu/alerts.db"
RUN = "/run/komainu"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def cli() -> int:
    """The command `komainu`."""
    from komainu.cli.main import run

    return run(_offline)


def daemon() -> int:
    """The daemon `komainud`."""
    from komainu.api.service import serve

    return serve(_daemon)


def _offline() -> "Offline":
    """The files of this machine, for the commands that need no daemon."""
    from komainu.adapters.corosync.conf import new_authkey
    from komainu.adapters.files.authkey import AuthKey
    from komainu.adapters.files.configuration import ConfigurationStore
    from komainu.adapters.files.kept import Committing
    from komainu.api.offline import Offline
    from komainu.catalogue import FENCE_TYPES, LEASE_TYPES, MONITOR_TYPES, NOTIFIERS, RESOURCE_TYPES

    store = Committing(ConfigurationStore())
    return Offline(
        RESOURCE_TYPES,
        store,
        AuthKey(),
        new_authkey,
        monitors=MONITOR_TYPES,
        notifiers=NOTIFIERS,
        leases=LEASE_TYPES,
        fences=FENCE_TYPES,
        witness=_witness,
    )


def _witness(settings: "WitnessSettings", report: "Callable[[Said], None]") -> None:
    """The server of a witness, until a signal ends it."""
    from komainu.adapters.net.witness import run

    run(settings, report)


def _daemon() -> "tuple[Daemon, Server]":
    """The daemon of this node and its socket. Raises what has a `said` when something is missing."""
    from pathlib import Path

    from komainu.adapters.corosync.transport import require_corosync
    from komainu.agent.daemon import Daemon
    from komainu.api.client import SOCKET
    from komainu.api.server import Server

    require_corosync()
    daemon = Daemon(_around())
    return daemon, Server(daemon, Path(SOCKET))


def _around() -> "Around":
    """What surrounds the daemon."""
    from pathlib import Path

    from komainu.adapters.aws.sns import SnsTopics
    from komainu.adapters.corosync.bus import CorosyncBus
    from komainu.adapters.corosync.links import CorosyncLinks
    from komainu.adapters.corosync.transport import CorosyncTransport
    from komainu.adapters.files.authkey import AuthKey
    from komainu.adapters.files.configuration import ConfigurationStore
    from komainu.adapters.files.history import History
    from komainu.adapters.files.kept import Kept
    from komainu.adapters.linux.addresses import LinuxNetwork
    from komainu.adapters.linux.isolation import NftIsolation
    from komainu.adapters.linux.power import LinuxPower
    from komainu.adapters.linux.processes import Processes
    from komainu.adapters.linux.watchdog import LinuxWatchdog
    from komainu.agent.around import Around
    from komainu.agent.clock import now_ms
    from komainu.agent.execution.fencing import Fences
    from komainu.agent.fitness import ThisMachine
    from komainu.agent.notify import Notifier
    from komainu.agent.residents import GROUP as RESIDENTS
    from komainu.catalogue import FENCE_TYPES, MONITOR_TYPES, NOTIFIERS, RESOURCE_TYPES
    from komainu.ports import FenceHost, Host

    store = ConfigurationStore()
    cluster, me = store.load(), store.node()
    cloud, network, processes = _cloud(cluster), LinuxNetwork(), Processes()
    watching = _within_budget(cloud, cluster, now_ms)
    names = _names(cluster)

    return Around(
        me=me,
        boot=Path(BOOT_ID).read_text().strip(),
        cluster=cluster,
        epoch=store.epoch(),
        vote_epoch=store.vote_epoch(),
        votes=_votes(me),
        isolation=NftIsolation(),
        undecided=store.undecided(),
        suspended=store.suspended(),
        maintenance=store.maintenance(),
        types=RESOURCE_TYPES,
        monitor_types=MONITOR_TYPES,
        bus=CorosyncBus,
        residents=CorosyncBus(RESIDENTS),
        transport=CorosyncTransport(AuthKey().read()),
        host=lambda name, group, resource, report: Host(
            me, name, group, resource, cloud, network, processes, report, now_ms, watching=watching, names=names
        ),
        monitor_host=_monitor_host(me, watching, network, processes),
        fences=Fences(FENCE_TYPES, lambda name, target: FenceHost(me, name, target, cloud)),
        processes=processes,
        store=Kept(store),
        versions=History(store),
        machine=ThisMachine(),
        run_folder=Path(RUN),
        journal_folder=Path(JOURNAL),
        alerts_file=Path(ALERTS),
        notifiers=NOTIFIERS,
        topics=SnsTopics(),
        links=CorosyncLinks(),
        api_calls=lambda: {name: count for each in (cloud, names) if each for name, count in each.calls().items()},
        api_calls_in_last_minute=lambda: sum(each.calls_in_last_minute() for each in (cloud, names) if each),
        now_ms=now_ms,
        notifier=Notifier(),
        power=LinuxPower(),
        watchdog=LinuxWatchdog(),
    )


def _monitor_host(
    me: str, watching: "Budgeted | None", network: "LinuxNetwork", processes: "Processes"
) -> "MonitorHosts":
    """What a monitor of its own sees of this node: on AWS the API within the budget, and the metadata service."""
    from komainu.adapters.aws.imds import InstanceMetadata
    from komainu.adapters.net.ping import LinuxPinger
    from komainu.adapters.net.resolver import DnsResolver
    from komainu.agent.clock import now_ms
    from komainu.ports import MonitorHost

    pinger, resolver = LinuxPinger(), DnsResolver()
    metadata = InstanceMetadata() if watching is not None else None
    return lambda name, monitor, report: MonitorHost(
        *(me, name, monitor, watching, network, processes, report, now_ms),
        pinger=pinger,
        metadata=metadata,
        resolver=resolver,
    )


def _votes(me: str) -> "Callable[[Cluster], VoteStore | None]":
    """What opens the store of the third vote. The SDK is loaded when something is asked of S3 or DynamoDB."""
    from komainu.adapters.aws.buckets import S3Buckets
    from komainu.adapters.aws.tables import DynamoTables
    from komainu.adapters.net.https import HttpsClient
    from komainu.arbitration.opening import Stores
    from komainu.catalogue import LEASE_TYPES

    return Stores(me, LEASE_TYPES, S3Buckets(), DynamoTables(), HttpsClient()).open


def _within_budget(cloud: "Ec2Cloud | None", cluster: "Cluster", now_ms: "Callable[[], int]") -> "Budgeted | None":
    """The same API for what watches and prepares: it never takes from a takeover what the account may ask."""
    if cloud is None:
        return None
    from komainu.adapters.aws.budget import Budget, Budgeted
    from komainu.model.config import Aws

    budget = Budget(now_ms, (cluster.aws or Aws()).calls_per_minute)
    cloud.when_throttled(budget.throttled)
    return Budgeted(cloud.aside(), budget)


def _names(cluster: "Cluster") -> "Route53Names | None":
    """Route 53 where the cluster runs on AWS. The SDK is loaded when a record is asked for."""
    if cluster.environment != "aws":
        return None
    from komainu.adapters.aws.route53 import Route53Names

    return Route53Names(cluster.aws.region if cluster.aws is not None else None)


def _cloud(cluster: "Cluster") -> "Ec2Cloud | None":
    """The EC2 API where the cluster runs on AWS: a type that needs it may be configured any day (C11).

    On premises not even its SDK is loaded: that would be half of the daemon's memory.
    """
    if cluster.environment != "aws":
        return None
    from komainu.adapters.aws.ec2 import Ec2Cloud

    return Ec2Cloud(cluster.aws.region if cluster.aws is not None else None)
