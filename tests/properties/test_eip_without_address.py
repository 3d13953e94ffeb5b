"""A start of awseip that reaches no API: what passes by itself uses up no attempt, and a final state never follows."""

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types.aws.eip import VISIBLE_WITHIN_MS
from tests.doubles import cloud as aws
from tests.unit.types.aws.eip_world import World, in_world
from tests.unit.types.aws.station import text


def silent(world: World) -> None:
    """As without a public address: no connection comes about, nothing is sent."""
    for method in ("interface", "address", "associate"):
        world.cloud.fail(method, aws.connect_timeout())


@in_world()
async def test_who_is_alone_tries_until_the_api_answers(world: World) -> None:
    await world.eip.prepare()
    world.alone = True
    silent(world)
    outcome = await world.eip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert text(outcome).startswith("awseip1 is not active yet: this node reaches no API of AWS. It is tried again")
    assert "ConnectTimeoutError" in outcome.detail
    world.cloud.heal()
    assert await world.eip.start(60_000) == SUCCEEDED


@in_world()
async def test_who_is_alone_and_not_prepared_tries_as_well(world: World) -> None:
    world.alone = True
    silent(world)
    assert (await world.eip.start(300)).result is Result.UNKNOWN


@in_world()
async def test_who_is_alone_and_refused_has_failed(world: World) -> None:
    await world.eip.prepare()
    world.alone = True
    for refusal in (aws.unauthorized, aws.throttled):
        world.cloud.fail("associate", refusal())
        assert (await world.eip.start(300)).result is Result.FAILED


@in_world()
async def test_a_node_without_a_public_address_tries_until_it_has_one(world: World) -> None:
    """The Elastic IP has left it, and EC2 gives it another address only after a while."""
    await world.eip.start(60_000)
    await world.eip.stop(60_000)
    silent(world)
    outcome = await world.eip.start(300)
    assert outcome.result is Result.UNKNOWN
    assert "has no public address until EC2 assigns one" in text(outcome)
    assert (await world.eip.start(300)).result is Result.UNKNOWN
    world.cloud.heal()
    assert await world.eip.start(60_000) == SUCCEEDED


@in_world()
async def test_an_answer_long_after_it_left_tells_that_the_node_has_an_address(world: World) -> None:
    for later_ms, expected in ((VISIBLE_WITHIN_MS - 1, Result.UNKNOWN), (VISIBLE_WITHIN_MS, Result.FAILED)):
        await world.eip.start(60_000)
        await world.eip.stop(60_000)
        world.now_ms += later_ms
        assert await world.eip.prepare() == SUCCEEDED
        silent(world)
        assert (await world.eip.start(300)).result is expected
        world.cloud.heal()
