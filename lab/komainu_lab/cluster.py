"""An example brought up in a lab: machines, emulated VPC, the product on every node, the client that asks.

with LabCluster("vip", name="try") as cluster:
    cluster.lab.power_off(cluster.active())
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from komainu_lab import configuration, votes
from komainu_lab.client import Client
from komainu_lab.configuration import CloudIds, Document, Tweak
from komainu_lab.errors import LabError
from komainu_lab.lab import Lab, no_words
from komainu_lab.namespaces import Node
from komainu_lab.product import Product, Status, new_authkey
from komainu_lab.topology import TOPOLOGIES, Machine
from komainu_lab.votes import S3Votes, Votes, WitnessVotes
from komainu_lab.vpc.launch import Vpc

FORM_TIMEOUT_S = 60.0


class LabCluster:
    """A lab with the product on its nodes."""

    def __init__(
        self,
        example: str,
        name: str,
        say: Callable[[str], None] = no_words,
        *,
        detect_within_ms: int | None = None,
        tweak: Tweak | None = None,
        release: Path | None = None,
    ) -> None:
        """`detect_within_ms` None: the preset `fast`. `tweak` changes the configuration in place before it is used.

        `release`: every node begins with that one (`komainu_lab.releases`) instead of the one under test.
        """
        if example not in TOPOLOGIES:
            raise LabError(f"there is no example '{example}'; there are {', '.join(TOPOLOGIES)}")
        self.example = example
        self.say = say
        self.topology = TOPOLOGIES[example]()
        self.lab = Lab(self.topology, name, say)
        self._detect_within_ms = detect_within_ms
        self._tweak = tweak
        self._release = release
        self._products: dict[str, Product] = {}
        self._client: Client | None = None
        self._vpc: Vpc | None = None
        self._votes: Votes | None = None
        self._undo = ExitStack()

    # --- the whole ---

    def __enter__(self) -> "LabCluster":
        """Bring it up and wait until the service is online; when that fails, nothing is left."""
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it down."""
        self.down()

    def up(self) -> None:
        """Bring everything up. Raises LabError."""
        self._undo.callback(self.lab.down)
        self.lab.up()
        if self.topology.region:
            self._start_vpc()
        document = self._document()
        self._provide_votes(document)
        self.say("machines")
        self.lab.after_power_on.append(self._boot)
        self.lab.power_on()
        self._products = {machine.name: Product(self.lab.node(machine.name)) for machine in self.topology.nodes}
        self.say("configuration")
        text = configuration.dump(document)
        authkey = new_authkey()
        for product in self._products.values():
            product.put_release(self._release)
            product.install(text, authkey)
        self.say("cluster service")
        for product in self._products.values():
            product.start()
        self._client = Client(self.lab.node(self.topology.client.name), str(self.topology.service_address))

    def down(self) -> None:
        """Take everything down. May be called twice."""
        self._undo.close()

    def _start_vpc(self) -> None:
        """The emulated VPC, beside the router; an instance that EC2 stops loses its power."""
        self.say("emulated VPC")
        assert self.lab.router is not None
        vpc = self._vpc = Vpc(self.topology, self.lab.state / "vpc", self.lab.router.pid)
        self._undo.callback(vpc.stop)
        self._undo.callback(self.lab.all_off)
        self.lab.after_power_on.append(lambda machine, node: vpc.attach(machine, node.pid))
        self.lab.after_power_on.append(self._start_instance)
        vpc.on_power_off(self._cut_power)
        vpc.on_instance_state(self._follow_instance)

    def _start_instance(self, machine: Machine, _node: Node) -> None:
        """Who switches a machine on that a fence has stopped does it in EC2."""
        if machine.kind == "node" and self.cloud.instance_state(machine.name) == "stopped":
            self.cloud.instance(machine.name, "start")

    def _cut_power(self, machine: str) -> None:
        """What EC2 stops or terminates goes off."""
        if self.lab.node(machine).on:
            self.lab.power_off(machine)

    def _follow_instance(self, machine: str, state: str) -> None:
        """What EC2 starts comes up."""
        with self.lab.lock:
            if state == "running" and not self.lab.node(machine).on:
                self.lab.power_on(machine)

    def _provide_votes(self, document: Document) -> None:
        """The store of the third vote with its first record, where the cluster has one."""
        lease = configuration.lease(document)
        if lease is None:
            return
        self.say("third vote")
        if lease["type"] == "lease_s3":
            self._votes = S3Votes(self.cloud, document)
        elif lease["type"] == "lease_http":
            machine = next(each for each in self.topology.machines if each.kind == "witness")
            self._votes = WitnessVotes(self.lab, machine, document)
        else:
            raise LabError(f"the lab has no store of type {lease['type']}")
        self._votes.put(votes.first(document).text())

    def configuration_text(self) -> str:
        """The example's configuration as it is committed here."""
        return configuration.dump(self._document())

    def _document(self) -> Document:
        ids = None
        if self._vpc is not None:
            built = self._vpc.built
            instances = built.instances.items()
            interfaces = {name: instance.interface for name, instance in instances}
            ids = CloudIds(built.vpc, interfaces, {name: instance.id for name, instance in instances}, built.allocation)
        document = configuration.fit(configuration.load(self.example), self.topology, ids, self._detect_within_ms)
        if self._tweak is not None:
            self._tweak(document)
        return document

    def _boot(self, machine: Machine, _node: Node) -> None:
        """What a machine does by itself when it is switched on: the cluster service is enabled."""
        product = self._products.get(machine.name)
        if product is not None and product.installed:
            product.start()

    # --- the parts ---

    @property
    def client(self) -> Client:
        """The client that asks. Raises LabError before the cluster is up."""
        if self._client is None:
            raise LabError("the cluster is not up")
        return self._client

    @property
    def cloud(self) -> Vpc:
        """The emulated VPC. Raises LabError where there is none."""
        if self._vpc is None:
            raise LabError(f"the example {self.example} has no emulated VPC")
        return self._vpc

    @property
    def votes(self) -> Votes:
        """The third vote. Raises LabError where there is none."""
        if self._votes is None:
            raise LabError(f"the example {self.example} has no third vote")
        return self._votes

    @property
    def voted(self) -> Votes | None:
        """The third vote; None where there is none."""
        return self._votes

    def product(self, name: str) -> Product:
        """The product on a node. Raises LabError when that is not a node."""
        try:
            return self._products[name]
        except KeyError:
            raise LabError(f"'{name}' is not a node; the nodes are {', '.join(self._products)}") from None

    def other(self, name: str) -> str:
        """The other node of two."""
        return next(node for node in self._products if node != name)

    def status(self) -> Status:
        """What the first node that answers says. Raises LabError when none does."""
        last = LabError("no node is on")
        for product in self._products.values():
            try:
                return product.status()
            except LabError as error:
                last = error
        raise last

    # --- the service ---

    def wait_settled(self, on: str = "", timeout_s: float = FORM_TIMEOUT_S, *, ready: bool = True) -> str:
        """Wait until all nodes that have power and the group are online and, with `ready`, a standby could take over.

        Returns the node where the group is. `on`: it must be that one. Raises LabError with what was last seen.
        """
        deadline = time.monotonic() + timeout_s
        active = ""
        for product in self._products.values():
            if product.node.on:
                left = max(0.0, deadline - time.monotonic())
                status = product.wait_status(
                    lambda s: settled(s, self._with_power(), on, ready), left, "a settled cluster"
                )
                active = str(status["groups"][0]["node"])
        return active

    def _with_power(self) -> list[str]:
        return [name for name, product in self._products.items() if product.node.on]

    def active(self) -> str:
        """The node where the group is, or should be."""
        return str(self.status()["groups"][0]["node"])

    @property
    def group(self) -> str:
        """The name of the example's group."""
        return str(self.status()["groups"][0]["name"])


def settled(status: Status, nodes: list[str], on: str = "", ready: bool = True) -> bool:
    """Whether these nodes and every group are online and, with `ready`, nothing is known to hinder a takeover here."""
    here = status["here"]
    words = {node["name"]: node["status"] for node in status["nodes"]}
    elsewhere = [r for group in status["groups"] for r in group["resources"] if r["node"] != here["node"]]
    return (
        bool(here["synced"])
        and all(words[name] == "Online" for name in nodes)
        and all(group["status"] == "Online" and on in ("", group["node"]) for group in status["groups"])
        and all(not ready or r["ready_here"] is None or r["ready_here"]["result"] == "succeeded" for r in elsewhere)
    )
