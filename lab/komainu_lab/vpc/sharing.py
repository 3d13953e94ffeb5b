"""A route table that another account owns, as in a shared VPC: who takes part may see it, but not change it.

moto's accounts know nothing of one another. Here two of them have the same table and the same interfaces.
"""

import json
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.responses.route_tables import RouteTables
from moto.iam.models import iam_backends

from komainu_lab.vpc.corrections import Applied, UnauthorizedOperationError

OWNER = "210987654321"
"The account that owns what is shared."
ROLE = "vip-routes"
"Its role for the route tables."
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/{ROLE}"
OWNER_ACTIONS = ("ec2:DescribeRouteTables", "ec2:ReplaceRoute")
"What the documentation wants that role to allow."


def owners_only(applied: Applied) -> None:
    """A route table is changed by the account that owns it (documented for shared VPCs, the code believed)."""

    def replace_route(self: Any) -> Any:
        table = RouteBackend.get_route_table(self.ec2_backend, self._get_param("RouteTableId"))
        if table.ec2_backend is not self.ec2_backend:
            raise UnauthorizedOperationError(f"an account that does not own {table.id}", "ec2:ReplaceRoute")
        return original(self)

    original = applied.replace(RouteTables, "replace_route", RouteTables.__dict__["replace_route"])
    applied.replace(RouteTables, "replace_route", replace_route)


def backend_of_owner(region: str) -> Any:
    """moto's EC2 of the account that owns what is shared."""
    return ec2_backends[OWNER][region]


def share(participant: Any, region: str, *tables: str) -> None:
    """From now on these tables belong to OWNER; `participant` is moto's EC2 of the account that has had them."""
    owner = backend_of_owner(region)
    owner.enis = participant.enis
    for name in tables:
        table = participant.route_tables[name]
        table.ec2_backend = owner
        owner.route_tables[name] = table


def take_back(participant: Any, region: str) -> None:
    """Everything that was shared belongs to the account again that has had it."""
    owner = backend_of_owner(region)
    owner.enis = {}
    for name in [name for name in owner.route_tables if name in participant.route_tables]:
        owner.route_tables.pop(name).ec2_backend = participant


def allow_owner_role(*actions: str, trusted: str) -> None:
    """Make the owner's role, or give it other rights. `trusted`: the ARN of who may assume it."""
    iam = iam_backends[OWNER]["aws"]
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    if ROLE not in [role.name for role in iam.get_roles()]:
        iam.create_role(ROLE, _document(trust), "/", None, "", [], None)
    iam.put_role_policy(ROLE, "routes", _document({"Effect": "Allow", "Action": list(actions), "Resource": "*"}))


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
