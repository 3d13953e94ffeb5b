"""Build the VPC of the seed's figure 4-1 or 5-1 in the emulated API, for the machines of a topology.

Everything is asked of the API as an operator would; only the hardware addresses, which EC2 chooses and the lab's
cables have already, are written into the emulator. Ids are the same every time: the source of randomness is seeded.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.moto_api._internal import mock_random

from komainu_lab.topology import Machine, Subnet, Topology
from komainu_lab.vpc.description import Description, Instance
from komainu_lab.vpc.dispatch import Dispatcher, install_door
from komainu_lab.wires import hardware_address

ACCOUNT = str(DEFAULT_ACCOUNT_ID)
SEED = 42
VPC_CIDR = "10.0.0.0/16"
ROLE = "komainu-node"
POLICY = "cluster"
"The role's policy that is the seed's chapter."
IMAGE = "ami-0123456789abcdef0"
FIRST_PUBLIC_ADDRESS = 11
PUBLIC_ADDRESSES = "203.0.113."
"Elastic IPs lie here: a network for documentation, which no machine of the lab has by itself."

NODE_ACTIONS = ("ec2:Describe*", "ec2:ReplaceRoute", "ec2:AssociateAddress", "ec2:DisassociateAddress")
"What the seed's chapter on IAM allows the cluster's nodes (I2)."


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key."""

    id: str
    secret: str


class Operator:
    """The operator's clients: credentials that allow everything, and a way in that meets no fault."""

    def __init__(self, dispatcher: Dispatcher, region: str) -> None:
        """No call is made yet."""
        self._dispatcher = dispatcher
        self._region = region
        self._keys = Keys("AKIA0000000000000000", "unchecked-until-the-policies-are-enforced")
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client."""
        if service not in self._clients:
            client = boto3.client(
                service,
                region_name=self._region,
                aws_access_key_id=self._keys.id,
                aws_secret_access_key=self._keys.secret,
                config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
            )
            self._clients[service] = install_door(client, self._dispatcher)
        return self._clients[service]

    def sign_in(self, keys: Keys) -> None:
        """Use these keys from now on."""
        self._keys = keys
        self._clients.clear()


def build(topology: Topology, operator: Operator) -> Description:
    """Build it all; call once per process, on an emulator that has not been used. Raises botocore's errors."""
    mock_random.seed(SEED)
    _make_identities(operator)
    builder = _Builder(topology, operator.client("ec2"))
    return builder.build()


def allow(operator: Operator, *actions: str) -> None:
    """Let the nodes do more than the seed's chapter says. Raises botocore's errors."""
    operator.client("iam").put_role_policy(RoleName=ROLE, PolicyName="more", PolicyDocument=_policy(*actions))


def grant(operator: Operator, *actions: str) -> None:
    """Let the nodes do these, in the place of what the seed's chapter says. Raises botocore's errors."""
    operator.client("iam").put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=_policy(*actions))


def _make_identities(operator: Operator) -> None:
    """The operator's user, and the role of the nodes."""
    iam = operator.client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="everything", PolicyDocument=_policy("*"))
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=_policy(*NODE_ACTIONS))
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    operator.sign_in(Keys(key["AccessKeyId"], key["SecretAccessKey"]))


def _policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class _Builder:
    """The steps of the seed's sections 4-1 and 5-1, in their order."""

    def __init__(self, topology: Topology, ec2: Any) -> None:
        self.topology = topology
        self.ec2 = ec2
        self.inside = [subnet for subnet in topology.subnets if subnet.zone]
        self.machines = [machine for machine in topology.machines if machine.subnet.zone]
        self.subnets: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        self.instances: dict[str, Instance] = {}
        self.vpc = ""

    def build(self) -> Description:
        """All steps."""
        ipv6 = {"AmazonProvidedIpv6CidrBlock": True} if any(subnet.cidr6 for subnet in self.inside) else {}
        vpc = self.ec2.create_vpc(CidrBlock=VPC_CIDR, **ipv6, **_named("vpc", self.topology.name))
        self.vpc = vpc["Vpc"]["VpcId"]
        for subnet in self.inside:
            self.make_subnet(subnet)
        gateway = self.ec2.create_internet_gateway(**_named("internet-gateway", self.topology.name))
        gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=self.vpc)
        group = self.make_security_group()
        for machine in self.machines:
            self.launch(machine, group)
        self.make_tables(gateway_id)
        allocation = ""
        if self.topology.elastic:
            address = str(self.topology.service_address)
            allocation = self.ec2.allocate_address(Domain="vpc", Address=address)["AllocationId"]
        return Description(
            region=self.topology.region,
            account=ACCOUNT,
            vpc=self.vpc,
            cidr=VPC_CIDR,
            service_address=str(self.topology.service_address),
            subnets=self.subnets,
            tables=self.tables,
            instances=self.instances,
            allocation=allocation,
        )

    def make_subnet(self, subnet: Subnet) -> None:
        """One subnet."""
        answer = self.ec2.create_subnet(
            VpcId=self.vpc,
            CidrBlock=str(subnet.cidr),
            AvailabilityZone=subnet.zone,
            **({"Ipv6CidrBlock": str(subnet.cidr6)} if subnet.cidr6 is not None else {}),
            **_named("subnet", subnet.name),
        )
        self.subnets[subnet.name] = answer["Subnet"]["SubnetId"]
        if self.topology.elastic:
            self.ec2.modify_subnet_attribute(SubnetId=self.subnets[subnet.name], MapPublicIpOnLaunch={"Value": True})

    def make_security_group(self) -> str:
        """One group for all instances: everything from inside the VPC."""
        group = self.ec2.create_security_group(
            GroupName=self.topology.name, Description="Everything from inside the VPC", VpcId=self.vpc
        )["GroupId"]
        self.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": VPC_CIDR}]}]
        )
        return str(group)

    def launch(self, machine: Machine, group: str) -> None:
        """One instance; nodes and NAT instances forward what is not theirs, so their Source/Dest check is off."""
        role = ROLE if machine.kind == "node" else ""
        answer = self.ec2.run_instances(
            ImageId=IMAGE,
            InstanceType="t3.small",
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnets[machine.subnet.name],
            PrivateIpAddress=str(machine.address),
            SecurityGroupIds=[group],
            **({"IamInstanceProfile": {"Name": ROLE}} if role else {}),
            **_named("instance", machine.name),
        )
        instance = answer["Instances"][0]
        interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
        backend(self.topology.region).enis[interface].mac_address = hardware_address(machine.address.packed)
        if machine.address6 is not None:
            self.ec2.assign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6Addresses=[str(machine.address6)])
        public = ""
        if machine.kind == "nat":
            given = sum(1 for instance in self.instances.values() if instance.public_address)
            public = f"{PUBLIC_ADDRESSES}{FIRST_PUBLIC_ADDRESS + given}"
            allocation = self.ec2.allocate_address(Domain="vpc", Address=public)["AllocationId"]
            self.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
        if machine.kind in ("node", "nat"):
            self.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
        self.instances[machine.name] = Instance(
            instance["InstanceId"], interface, str(machine.address), machine.subnet.zone, public, role
        )

    def make_tables(self, gateway: str) -> None:
        """Public-AB leads to the internet gateway; Private-A and Private-B to the NAT instance of their zone. Each has
        the row of the VIP, which points at the first node, unless the service address is an Elastic IP."""
        zones = list(dict.fromkeys(subnet.zone for subnet in self.inside))
        public = [subnet for subnet in self.inside if subnet.name.startswith("public")]
        self.make_table("Public-AB", public, {"GatewayId": gateway})
        for letter, zone in zip("AB"[: len(zones)], zones, strict=True):
            private = [subnet for subnet in self.inside if subnet.zone == zone and subnet not in public]
            if not private:
                continue
            nat = next(machine for machine in self.machines if machine.kind == "nat" and machine.subnet.zone == zone)
            target = {"NetworkInterfaceId": self.instances[nat.name].interface}
            self.make_table(f"Private-{letter}", private, target)

    def make_table(self, name: str, subnets: list[Subnet], default: dict[str, str]) -> None:
        """One route table with its default route, its VIP row and its subnets."""
        table = self.ec2.create_route_table(VpcId=self.vpc, **_named("route-table", name))["RouteTable"]["RouteTableId"]
        create: Callable[..., Any] = self.ec2.create_route
        create(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **default)
        if not self.topology.elastic:
            node = self.instances[self.topology.nodes[0].name]
            create(RouteTableId=table, **destination(self.topology.service_route), NetworkInterfaceId=node.interface)
        for subnet in subnets:
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=self.subnets[subnet.name])
        self.tables[name] = table


def destination(cidr: str) -> dict[str, str]:
    """The destination of a route as EC2's calls want it: IPv6 has a name of its own."""
    return {"DestinationIpv6CidrBlock" if ":" in cidr else "DestinationCidrBlock": cidr}


def _named(kind: str, name: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]}


def backend(region: str) -> Any:
    """moto's own EC2 of that region."""
    return ec2_backends[ACCOUNT][region]
