"""An example's cluster.yaml, made to fit the lab: the ids of the emulated VPC, the lab's addresses and application.

What is changed is only what an administrator changes who takes the example to a VPC of their own.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from komainu_lab import application
from komainu_lab.client import PORT
from komainu_lab.errors import LabError
from komainu_lab.topology import Topology

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = {
    "vip": "vip-cluster.yaml",
    "vip6": "vip-cluster.yaml",
    "addresses": "vip-cluster.yaml",
    "eip": "eip-cluster.yaml",
    "onprem": "onprem-fip.yaml",
    "lease": "lease-s3.yaml",
    "witness": "witness.yaml",
    "majority": "majority.yaml",
}
WRITES = "/var/log/lab/writes.log"
"Where the application of a cluster with rights writes the time every 10 ms: an effect that no packet carries."
APPLICATION = ["/usr/bin/python3", "-I", "-S", application.__file__, str(PORT)]

Document = dict[str, Any]
Tweak = Callable[[Document], None]


@dataclass(frozen=True, slots=True)
class CloudIds:
    """What the emulated VPC was given as names."""

    vpc: str
    interfaces: Mapping[str, str]
    "The network interface of each machine."
    instances: Mapping[str, str] = field(default_factory=dict)
    "The instance of each machine."
    allocation: str = ""
    "The Elastic IP that is the service address; empty: it is none."


def load(example: str) -> Document:
    """The example's file. Raises LabError when there is none."""
    try:
        return dict(yaml.safe_load((EXAMPLES / FILES[example]).read_text(encoding="utf-8")))
    except KeyError:
        raise LabError(f"there is no example '{example}'; there are {', '.join(FILES)}") from None
    except FileNotFoundError as error:
        raise LabError(f"{error.filename} is missing; run from a complete checkout") from None


def fit(document: Document, topology: Topology, ids: CloudIds | None, detect_within_ms: int | None = None) -> Document:
    """The document for this lab. `detect_within_ms` None: the preset `fast`."""
    fitted = copy.deepcopy(document)
    cluster = fitted["cluster"]
    cluster.pop("detect_within_ms", None)
    cluster.pop("preset", None)
    cluster.update({"preset": "fast"} if detect_within_ms is None else {"detect_within_ms": detect_within_ms})
    fitted["nodes"] += [{} for _ in topology.nodes[len(fitted["nodes"]) :]]
    for entry, machine in zip(fitted["nodes"], topology.nodes, strict=True):
        entry.update(name=machine.name, links=[str(machine.address)])
    watched = limited(fitted)
    if watched and isinstance(cluster["arbitration"], dict):
        _fit_arbitration(cluster["arbitration"], topology, ids)
    for group in fitted["groups"]:
        if "nodes" in group:
            group["nodes"] = [machine.name for machine in topology.nodes]
        for resource in group["resources"]:
            _fit_resource(resource, topology, ids, watched)
    return fitted


def limited(document: Document) -> bool:
    """Whether nodes need a right to act."""
    arbitration = document["cluster"].get("arbitration", "none")
    return (arbitration if isinstance(arbitration, str) else arbitration["kind"]) in ("lease", "majority")


def lease(document: Document) -> Document | None:
    """The section of the third vote's store; None: there is none."""
    arbitration = document["cluster"].get("arbitration")
    return arbitration.get("lease") if isinstance(arbitration, dict) else None


def _fit_arbitration(arbitration: Document, topology: Topology, ids: CloudIds | None) -> None:
    """The bucket and the witness have the names of the example; who is to be fenced has those of the emulated VPC."""
    if "fence" in arbitration:
        if ids is None:
            raise LabError("the configuration has a fence, and this lab has no emulated VPC")
        arbitration["fence"]["per_node"] = {
            machine.name: {"instance_id": ids.instances[machine.name], "eni_id": ids.interfaces[machine.name]}
            for machine in topology.nodes
        }


def _fit_resource(resource: Document, topology: Topology, ids: CloudIds | None, watched: bool) -> None:
    """Fill in what is particular to the lab."""
    params = resource.setdefault("params", {})
    if resource["type"] == "awsvip":
        if ids is None:
            raise LabError("the configuration has an awsvip resource, and this lab has no emulated VPC")
        params.update(address=str(topology.service_address), vpc_id=ids.vpc)
        resource["per_node"] = {machine.name: {"eni_id": ids.interfaces[machine.name]} for machine in topology.nodes}
    elif resource["type"] == "awseip":
        if ids is None or not ids.allocation:
            raise LabError("the configuration has an awseip resource, and this lab has no Elastic IP")
        params.update(allocation_id=ids.allocation)
        resource["per_node"] = {machine.name: {"eni_id": ids.interfaces[machine.name]} for machine in topology.nodes}
    elif resource["type"] == "fip":
        params.update(address=str(topology.service_address))
    elif resource["type"] == "exec":
        resource["params"] = {"command": APPLICATION}
        if watched:
            resource["params"] = {"command": [*APPLICATION, WRITES], "publishes": [f"{PORT}/tcp"]}


def resource(document: Document, type_name: str) -> Document:
    """The first resource of a type, to be tweaked in place. Raises LabError when there is none."""
    for group in document["groups"]:
        for entry in group["resources"]:
            if entry["type"] == type_name:
                return entry  # type: ignore[no-any-return]
    raise LabError(f"the configuration has no resource of type {type_name}")


def dump(document: Document) -> str:
    """As the text of a file."""
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
