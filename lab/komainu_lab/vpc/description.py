"""What was built: the names that the emulated API gave to the lab's machines, tables and subnets."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Instance:
    """One machine as EC2 knows it."""

    id: str
    interface: str
    "The id of its network interface."
    address: str
    zone: str
    public_address: str
    "Its Elastic IP; empty: none."
    role: str
    "The role its credentials belong to; empty: it has no credentials."


@dataclass(frozen=True, slots=True)
class Description:
    """The whole VPC."""

    region: str
    account: str
    vpc: str
    cidr: str
    service_address: str
    "The VIP without prefix, or the Elastic IP."
    subnets: dict[str, str]
    "Subnet ids by the names of the topology."
    tables: dict[str, str]
    "Route table ids by the names of figure 4-1 or 5-1."
    instances: dict[str, Instance]
    "By the names of the machines."
    allocation: str = ""
    "The id of the Elastic IP that is the service address; empty: it is none."

    def to_data(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Description":
        """From what `to_data` made."""
        instances = {name: Instance(**instance) for name, instance in data["instances"].items()}
        return cls(**{**data, "instances": instances})
