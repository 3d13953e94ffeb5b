"""The parameters of awsvip: what is refused, how that is said, and what an IPv6 address changes."""

from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.message import Refused
from komainu.types.aws.vip_params import Params
from tests.unit.types.aws.station import ENI, text
from tests.unit.types.aws.world import TABLES, VIP, VPC, World, in_world

ROLE = "arn:aws:iam::123456789012:role/network/routes"


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "10.1.0"},
        {"address": "224.0.0.5"},
        {"address": "127.0.0.1"},
        {"address": "ff02::1"},
        {"address": "fe80::1"},
        {"address": "::1"},
        {"address": "::ffff:10.1.0.20"},
        {"address": "2001:db8::1%eth0"},
        {"roles": {"rtb-1": "routes"}},
        {"roles": {"table": ROLE}},
        {"vpc_id": "10.0.0.0/16"},
        {"eni_id": "vpc-1"},
        {"eni_id": ""},
        {"unknown": 1},
        {"api_failure": "panic"},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params(**{"address": VIP, "vpc_id": VPC, "eni_id": ENI[1], **wrong})


def test_every_parameter_says_what_it_is_in_both_languages() -> None:
    for name, field in Params.model_fields.items():
        extra = field.json_schema_extra
        assert field.description, name
        assert isinstance(extra, dict)
        assert extra["description_ja"], name


def test_what_is_usable_is_taken() -> None:
    params = Params.model_validate({"address": "fd00::20", "vpc_id": VPC, "eni_id": ENI[1], "roles": {"rtb-1": ROLE}})
    assert str(params.address) == "fd00::20"
    assert params.roles == {"rtb-1": ROLE}
    assert params.api_failure == "warn"


def test_a_refused_address_is_explained_in_both_languages() -> None:
    with pytest.raises(ValidationError) as refused:
        Params.model_validate({"address": "224.0.0.5", "vpc_id": VPC, "eni_id": ENI[1]})
    (error,) = refused.value.errors()
    assert "224.0.0.5 cannot be a virtual IP" in str(error["ctx"]["error"])
    assert isinstance(error["ctx"]["error"], Refused)


# --- an IPv6 address has a route and a prefix of its own


VIP6 = "fd12:3456:789a::20"


def test_an_ipv6_address_has_a_route_and_an_address_of_its_own() -> None:
    async def body(world: World) -> None:
        world.cloud.add_vpc(VPC, "10.0.0.0/16", "2001:db8:1::/56")
        assert f"(9 : No route table of {VPC} has a route to VIP {VIP6}/128" in text(await world.vip.prepare())
        world.cloud.tables[TABLES[0]][f"{VIP6}/128"] = ENI[1]
        assert (await world.vip.start(60_000)).succeeded
        assert (VIP6, 128) in world.network.devices["eth0"]
        assert world.cloud.tables[TABLES[0]][f"{VIP6}/128"] == ENI[2]
        assert world.targets() == [ENI[1]] * 3
        assert (await world.vip.check(30_000)).succeeded

    in_world(address=VIP6)(body)()


def test_an_ipv6_address_inside_the_vpc_is_refused() -> None:
    async def body(world: World) -> None:
        world.cloud.add_vpc(VPC, "10.0.0.0/16", "2001:db8:1::/56")
        assert "belongs to a VPC subnet" in text(await world.vip.prepare())

    in_world(address="2001:db8:1::20")(body)()
