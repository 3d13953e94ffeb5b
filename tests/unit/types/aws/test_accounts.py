"""Route tables of another account: each is read and written by the rights that it takes (P: a shared VPC)."""

from typing import Any

from komainu.model.outcome import Outcome, Result
from komainu.types.aws.patience import SELDOM
from komainu.types.aws.vip import AWSVIP, Vip
from komainu.types.aws.vip_params import Params
from tests.doubles import cloud as aws
from tests.doubles.cloud import FakeCloud
from tests.unit.types.aws.station import ENI, text
from tests.unit.types.aws.world import ROUTE, TABLES, VIP, VPC, World, in_world

ROLE = "arn:aws:iam::210987654321:role/routes"
OWNED = "rtb-0wned"
"The table of the other account."


class OwnAccount(FakeCloud):
    """An account that may read the tables of the VPC that is shared with it; what it may write is for a role."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = FakeCloud()
        self.assumed: list[str] = []

    def assume(self, role: str) -> FakeCloud:
        self.assumed.append(role)
        return self.owner


async def shared(world: World, **params: Any) -> tuple[Vip, OwnAccount]:
    """The resource in a VPC of which another account owns one route table."""
    own = OwnAccount()
    own.vpcs, own.interfaces = world.cloud.vpcs, world.cloud.interfaces
    own.tables, own.table_vpc = world.cloud.tables, world.cloud.table_vpc
    own.add_table(VPC, OWNED, {ROUTE: ENI[1]})
    own.owner.tables, own.owner.table_vpc = own.tables, own.table_vpc
    own.owner.interfaces = own.interfaces
    own.fail("replace_route", aws.unauthorized(), key=OWNED)
    given = {"address": VIP, "vpc_id": VPC, "eni_id": ENI[2], "roles": {OWNED: ROLE}, **params}
    vip = AWSVIP.make(Params.model_validate(given), world.host(own))
    assert isinstance(vip, Vip)
    return vip, own


@in_world()
async def test_each_table_is_written_by_the_rights_that_it_takes(world: World) -> None:
    vip, own = await shared(world)
    assert (await vip.prepare()).succeeded
    own.log.clear()
    own.owner.log.clear()
    assert (await vip.start(60_000)).succeeded
    assert [*world.targets(), world.cloud.tables[OWNED][ROUTE]] == [ENI[2]] * 4
    assert sorted(own.log) == sorted(f"replace_route {table}" for table in TABLES)
    assert own.owner.log == [f"replace_route {OWNED}"]
    assert set(own.assumed) == {ROLE}
    assert (await vip.check(30_000)).succeeded
    await vip.stop(5_000)


@in_world()
async def test_a_table_is_counted_once_though_both_accounts_show_it(world: World) -> None:
    vip, _ = await shared(world)
    await vip.start(60_000)
    world.now_ms += 31_000
    world.cloud.tables[OWNED][ROUTE] = ENI[1]
    outcome = await vip.check(30_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail == f"{OWNED} -> {ENI[1]}. {ENI[1]} is the one of node1"
    await vip.stop(5_000)


@in_world()
async def test_a_role_that_is_refused_is_told_with_its_name(world: World) -> None:
    vip, own = await shared(world)
    await vip.prepare()
    own.owner.fail("replace_route", aws.unauthorized())
    outcome = await vip.start(60_000)
    assert outcome.result is Result.FAILED
    assert outcome.detail == "; ".join(
        [*(f"{table}: done" for table in TABLES), f"{OWNED}: {aws.unauthorized()} (as {ROLE})"]
    )
    await vip.stop(5_000)


@in_world()
async def test_a_role_is_asked_whether_it_may_write_its_table(world: World) -> None:
    vip, own = await shared(world)
    own.owner.fail("may_replace_route", aws.unauthorized())
    outcomes = [await vip.prepare() for _ in range(len(TABLES) * SELDOM + 1)]
    assert [outcome.succeeded for outcome in outcomes] == [True] * len(TABLES) * SELDOM + [False]
    assert outcomes[-1].detail == f"{aws.unauthorized()} (as {ROLE})"


@in_world()
async def test_a_role_that_cannot_look_leaves_the_check_in_doubt_but_hides_no_drift(world: World) -> None:
    vip, own = await shared(world)
    await vip.start(60_000)
    world.now_ms += 31_000
    own.owner.fail("routes", aws.unreachable())
    outcome = await vip.check(30_000)
    assert outcome.result is Result.UNKNOWN
    assert outcome.detail == f"{aws.unreachable()} (as {ROLE})"
    world.cloud.tables[TABLES[0]][ROUTE] = ENI[1]
    assert (await vip.check(30_000)).result is Result.FAILED
    await vip.stop(5_000)


@in_world()
async def test_a_preparation_needs_every_account(world: World) -> None:
    vip, own = await shared(world)
    own.owner.fail("routes", aws.unauthorized())
    outcome = await vip.prepare()
    assert outcome.result is Result.FAILED
    assert text(outcome).endswith("(5 : Failed in the AWS CLI command.)")
    assert ROLE in outcome.detail


@in_world()
async def test_a_named_table_without_the_route_is_information(world: World) -> None:
    vip, _ = await shared(world)
    del world.cloud.tables[OWNED][ROUTE]
    expected = f"no route to {ROUTE} in rtb-without-row, {OWNED}"
    assert await vip.prepare() == Outcome(Result.SUCCEEDED, detail=expected)


@in_world()
async def test_the_read_back_of_a_partial_answer_goes_on(world: World) -> None:
    vip, own = await shared(world)
    own.owner.fail("routes", aws.throttled(), times=2)  # the first is that of the cold start, which asks again
    assert (await vip.start(60_000)).succeeded
    world.vip = vip
    await world.settle()
    assert own.owner.called("routes") == 4
    await vip.stop(5_000)


@in_world()
async def test_what_one_account_shows_is_not_taken_for_all_tables(world: World) -> None:
    """Else a restart would leave out those of the other account."""
    vip, own = await shared(world)
    assert (await vip.start(60_000)).succeeded
    world.now_ms += 31_000
    world.cloud.tables[TABLES[0]][ROUTE] = "eni-foreign"
    own.owner.fail("routes", aws.unreachable())
    assert (await vip.check(30_000)).result is Result.FAILED
    own.owner.heal()
    world.cloud.tables[OWNED][ROUTE] = ENI[1]
    assert (await vip.start(60_000)).succeeded
    assert world.cloud.tables[OWNED][ROUTE] == ENI[2]
    await vip.stop(5_000)
