"""What the metadata service of an instance says, read from the emulated state."""

import json
import threading
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.sts.models import sts_backends

from komainu_lab.errors import LabError
from komainu_lab.vpc.build import ACCOUNT
from komainu_lab.vpc.imds import Tree
from komainu_lab.vpc.public_addresses import own_address

LIFE = timedelta(hours=6)
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_EVENT_TIME = "%d %b %Y %H:%M:%S GMT"
SPOT_NOTICE = timedelta(minutes=2)
PLACES = {
    "maintenance": "events/maintenance/scheduled",
    "spot": "spot/instance-action",
    "rebalance": "events/recommendations/rebalance",
    "lifecycle": "autoscaling/target-lifecycle-state",
}
"Where EC2 announces each kind."
RENEW_BEFORE = timedelta(minutes=15)
"New credentials are offered so long before the old ones end, as documented for EC2 (five minutes at the least)."


def tree(ec2: Any, instance_id: str) -> Tree:
    """Everything but credentials. Raises moto's InvalidInstanceIdError."""
    instance = ec2.get_instance(instance_id)
    interface = instance.nics[0]
    subnet = interface.subnet
    zone = next(z for z in ec2.describe_availability_zones(zone_names=[instance.availability_zone]))
    meta = {
        "ami-id": instance.image_id,
        "hostname": instance.private_dns_name,
        "instance-id": instance.id,
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": interface.private_ip_address,
        "mac": interface.mac_address,
        "placement/availability-zone": zone.name,
        "placement/availability-zone-id": zone.zone_id,
        "placement/region": ec2.region_name,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        **_interface(ec2, interface, subnet),
    }
    public = _public_address(ec2, interface)
    if public:
        meta["public-ipv4"] = public
    document = {
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": zone.name,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "privateIp": interface.private_ip_address,
        "region": ec2.region_name,
        "version": "2017-09-30",
    }
    found = {f"meta-data/{path}": str(value) for path, value in meta.items()}
    return {**found, "dynamic/instance-identity/document": json.dumps(document, indent=2)}


def _interface(ec2: Any, interface: Any, subnet: Any) -> dict[str, Any]:
    blocks = [one["cidr_block"] for one in ec2.vpcs[subnet.vpc_id].get_cidr_block_association_set(ipv6=False)]
    facts = {
        "device-number": 0,
        "interface-id": interface.id,
        "local-hostname": interface.instance.private_dns_name,
        "local-ipv4s": "\n".join(entry["PrivateIpAddress"] for entry in interface.private_ip_addresses),
        "mac": interface.mac_address,
        "owner-id": ACCOUNT,
        "security-group-ids": "\n".join(sorted(group.id for group in interface.group_set)),
        "subnet-id": subnet.id,
        "subnet-ipv4-cidr-block": subnet.cidr_block,
        "vpc-id": subnet.vpc_id,
        "vpc-ipv4-cidr-block": blocks[0],
        "vpc-ipv4-cidr-blocks": "\n".join(blocks),
    }
    public = _public_address(ec2, interface)
    if public:
        facts["public-ipv4s"] = public
    return {f"network/interfaces/macs/{interface.mac_address}/{name}": value for name, value in facts.items()}


def _public_address(ec2: Any, interface: Any) -> str:
    elastic = (address.public_ip for address in ec2.addresses if address.eni is interface)
    return str(next(elastic, own_address(interface)))


class Announcements:
    """What EC2 announces to each machine, at the places and in the form of its metadata service.

    Where nothing is announced nothing is there, and the service answers 404.
    """

    def __init__(self) -> None:
        """Nothing is announced."""
        self._lock = threading.Lock()
        self._found: dict[str, dict[str, Any]] = {}

    def announce(self, machine: str, kind: str, what: str = "", at: str = "") -> None:
        """`what`: the word of AWS; `at`: when, as AWS writes it. Without them as is usual. Raises LabError.

        An event of maintenance that is there already is put off to the new date; any other kind is there once.
        """
        if kind not in PLACES:
            raise LabError(f"EC2 announces {', '.join(PLACES)}, not '{kind}'")
        now = datetime.now(UTC)
        with self._lock:
            mine = self._found.setdefault(machine, {})
            if kind == "maintenance":
                event = _event(what or "system-reboot", at or (now + timedelta(days=14)).strftime(_EVENT_TIME))
                others = [each for each in mine.get(kind, []) if each["EventId"] != event["EventId"]]
                mine[kind] = [*others, event]
            elif kind == "spot":
                mine[kind] = {"action": what or "terminate", "time": at or (now + SPOT_NOTICE).strftime(_TIME)}
            elif kind == "rebalance":
                mine[kind] = {"noticeTime": at or now.strftime(_TIME)}
            else:
                mine[kind] = what or "Terminated"

    def withdraw(self, machine: str, kind: str = "") -> None:
        """Nothing of that kind is announced any more, or nothing at all."""
        with self._lock:
            mine = self._found.get(machine, {})
            for each in [kind] if kind else list(mine):
                mine.pop(each, None)

    def of(self, machine: str) -> Tree:
        """What stands in the machine's metadata."""
        with self._lock:
            mine = dict(self._found.get(machine, {}))
        return {
            f"meta-data/{PLACES[kind]}": found if isinstance(found, str) else json.dumps(found)
            for kind, found in mine.items()
        }


def _event(code: str, not_before: str) -> dict[str, str]:
    # One event of each code: its id stays the same when it is put off.
    return {
        "NotBefore": not_before,
        "Code": code,
        "Description": f"scheduled {code}",
        "EventId": f"instance-event-{zlib.crc32(code.encode()):017x}",
        "State": "active",
    }


class Credentials:
    """The roles' credentials, instance by instance, and whose they are."""

    def __init__(self, region: str) -> None:
        """Nothing is made yet."""
        self._region = region
        self._lock = threading.Lock()
        self._current: dict[str, tuple[datetime, dict[str, str]]] = {}
        self._machines: dict[str, str] = {}
        self._handed_out: list[str] = []

    def of(self, machine: str, instance_id: str, role: str) -> dict[str, str]:
        """The credentials of an instance, in the form the metadata service gives them."""
        with self._lock:
            current = self._current.get(machine)
            if current is None or current[0] - RENEW_BEFORE <= datetime.now(UTC):
                current = self._current[machine] = self._assume(machine, instance_id, role)
            return current[1]

    def _assume(self, machine: str, instance_id: str, role: str) -> tuple[datetime, dict[str, str]]:
        """New ones, and when they end."""
        assumed = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=self._region,
            role_session_name=instance_id,
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            policy="",
            duration=int(LIFE.total_seconds()),
            external_id="",
        )
        self._machines[assumed.access_key_id] = machine
        self._handed_out += [assumed.secret_access_key, assumed.session_token]
        ends = datetime.now(UTC) + LIFE
        return ends, {
            "Code": "Success",
            "LastUpdated": datetime.now(UTC).strftime(_TIME),
            "Type": "AWS-HMAC",
            "AccessKeyId": assumed.access_key_id,
            "SecretAccessKey": assumed.secret_access_key,
            "Token": assumed.session_token,
            "Expiration": ends.strftime(_TIME),
            "AccountId": ACCOUNT,
        }

    def handed_out(self) -> list[str]:
        """Every secret key and session token there has been: what no text of a node may contain."""
        with self._lock:
            return list(self._handed_out)

    def machine_of(self, access_key: str) -> str:
        """The machine that holds a key; empty: none of ours."""
        return self._machines.get(access_key, "")
