"""The AWS API goes wrong in every way we know, under real daemons, in both examples: a walk through one lab for each.

Elsewhere the same faults meet the types alone, through the real adapter: tests/ports/test_aws_faults.py (awsvip, "V")
and test_aws_eip_faults.py (awseip, "E"); here S is the steady state, T a takeover (power loss while it acts).

| Fault | here | elsewhere |
| --- | --- | --- |
| connection refused | S, T | V |
| hang; silence | S, T | V, E; silence of the whole API: test_cloud_faults.py |
| names do not resolve | S, T | V |
| 503 RequestLimitExceeded | S, T | V, E |
| 500 | S, T | V, E |
| time-out after the change was applied (`lost`, `mute`) | S, T | V, E; test_eip.py |
| stale describe | S, T | V, E |
| wrong clock | S, T | V |
| AccessDenied on one call | S (a look; a write, of the standby), T | V (each call), E |
| expired role credentials | S, T | V, E |
| metadata service off | S, T | V |
| deleted ENI | S (the standby's), T | V |
| address taken by another | test_cloud_faults.py (routes), test_eip.py | V, E |
| table deleted between describe and replace | T (vip) | V; an Elastic IP has no tables |
| association, routes changed during ours | T | V, E |

At the end of each walk nothing of the secrets that were handed out is anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from komainu_lab import faults
from komainu_lab.clock import boottime_ns
from komainu_lab.vpc.endpoint import DRY
from tests.lab.cloud_stage import LOOK, SERVED_S, WRITE, CloudStage, Takeover, moves
from tests.lab.stage import until

pytestmark = pytest.mark.lab

FAILED, TIMEOUT = "5 : Failed in the AWS CLI command.", "6 : Timeout occurred."
ACTS_S = 3.0
"So long a fault acts, at the least: some runs of every check."


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong: what the checks say of it, and a pattern of what the API or the SDK said.

    An alert tells what was met first. Of an API that is out of reach that may be the end of an open connection.
    """

    kind: str
    says: str
    detail: str


REFUSED = Fault("refuse", FAILED, "EndpointConnectionError|ConnectionClosedError")
HANGS = Fault("hang", TIMEOUT, "DeadlineExceeded")
NO_NAMES = Fault("names", FAILED, "does not resolve|ConnectionClosedError")
THROTTLED = Fault("throttle", FAILED, "RequestLimitExceeded")
BROKEN = Fault("error", FAILED, "InternalError")
LOST = Fault("lost", FAILED, "ConnectionClosedError")
DENIED = Fault("denied", FAILED, "UnauthorizedOperation")
EXPIRED = Fault("expired", FAILED, "RequestExpired")

slow = pytest.mark.slow


@pytest.fixture(scope="module", params=["vip", "eip"])
def _stage(request: pytest.FixtureRequest) -> Iterator[CloudStage]:
    made = CloudStage(request.param)
    try:
        made.up()
        yield made
    finally:
        made.cluster.down()


@pytest.fixture
def stage(_stage: CloudStage) -> CloudStage:
    _stage.mend()
    return _stage


def begin(stage: CloudStage, kind: str, *actions: str) -> None:
    """From now on it goes wrong."""
    if kind == "names":
        faults.names(stage.cluster)
    else:
        stage.cluster.cloud.break_api(kind, actions=actions)


def heal(stage: CloudStage) -> None:
    """AWS is well again."""
    faults.names(stage.cluster, "on")
    stage.cluster.cloud.heal_api()


# --- in the steady state: told, and nothing else


@pytest.mark.parametrize(
    "fault",
    [
        REFUSED,
        HANGS,
        *(pytest.param(each, marks=slow) for each in (NO_NAMES, BROKEN, LOST, DENIED, EXPIRED)),
    ],
    ids=lambda fault: fault.kind,
)
def test_an_api_that_fails_is_told_and_harms_nobody_who_runs(stage: CloudStage, fault: Fault) -> None:
    tell_and_harm_nobody(stage, fault)


def tell_and_harm_nobody(stage: CloudStage, fault: Fault) -> None:
    """N4: Caution with its reason, and nothing moves; normal again by itself."""
    mark = stage.mark()
    warning = f"Warn monitoring {stage.monitor}. (10{fault.says})"
    begin(stage, fault.kind)
    until(lambda: stage.checked() == ("Caution", warning), f"{stage.monitor} says '{warning}'", 30)
    until(lambda: set(stage.zones().values()) == {"Caution"}, "both nodes say that they cannot ask", 30)
    stage.passes(ACTS_S)
    assert stage.group()["status"] == "Online"
    healed_ns = boottime_ns()
    heal(stage)
    until(lambda: stage.checked() == ("Normal", ""), "all is well again, by itself", 60)
    until(lambda: set(stage.zones().values()) == {"Normal"}, "the zones, too", 60)
    stage.until_alert(mark.active, mark.at, warning, fault.detail)
    unmoved(stage, mark.ns, healed_ns)
    assert stage.mark().active == mark.active
    assert stage.mark().application == mark.application
    assert stage.moved(mark) == []


def unmoved(stage: CloudStage, since_ns: int, until_ns: int) -> None:
    """The client did not notice, and the address is where the group is."""
    assert stage.unanswered(since_ns, until_ns) == 0
    assert stage.holders() == {stage.cluster.active()}


@slow
def test_one_call_that_is_not_allowed_is_named(stage: CloudStage) -> None:
    """The others go on: the zone is still looked at."""
    mark = stage.mark()
    begin(stage, "denied", LOOK[stage.example])
    warning = f"Warn monitoring {stage.monitor}. (10{FAILED})"
    until(lambda: stage.checked() == ("Caution", warning), f"{stage.monitor} says '{warning}'", 30)
    stage.passes(ACTS_S)
    assert set(stage.zones().values()) == {"Normal"}
    healed_ns = boottime_ns()
    heal(stage)
    until(lambda: stage.checked() == ("Normal", ""), "all is well again, by itself", 60)
    unmoved(stage, mark.ns, healed_ns)
    assert stage.moved(mark) == []


@slow
@pytest.mark.parametrize("kind", ["stale", "mute"])
def test_answers_that_are_old_or_late_to_writes_mean_nothing_to_who_runs(stage: CloudStage, kind: str) -> None:
    """`mute` is for writes, and none is made. An old answer is still right."""
    mark = stage.mark()
    begin(stage, kind, *([WRITE[stage.example]] if kind == "mute" else []))
    stage.passes(ACTS_S)
    assert stage.checked() == ("Normal", "")
    unmoved(stage, mark.ns, boottime_ns())
    assert stage.moved(mark) == []


@slow
def test_credentials_that_end_while_the_metadata_service_is_off(stage: CloudStage) -> None:
    """Off alone is not noticed; then nobody can ask, which is told; when it is back, all is well without a restart."""
    mark = stage.mark()
    for machine in stage.cluster.topology.nodes:
        faults.metadata(stage.cluster, machine.name)
    try:
        stage.passes(ACTS_S)
        assert stage.checked() == ("Normal", "")
        stage.cluster.cloud.break_api("expired")
        warning = f"Warn monitoring {stage.monitor}. (10{FAILED})"
        until(lambda: stage.checked() == ("Caution", warning), f"{stage.monitor} says '{warning}'", 30)
        until(lambda: set(stage.zones().values()) == {"Caution"}, "both nodes say that they cannot ask", 30)
        stage.cluster.cloud.heal_api()
        stage.passes(ACTS_S)
        assert stage.checked() == ("Caution", warning), "the old credentials are not used again"
    finally:
        for machine in stage.cluster.topology.nodes:
            faults.metadata(stage.cluster, machine.name, "on")
    until(lambda: stage.checked() == ("Normal", ""), "all is well again, by itself", 60)
    unmoved(stage, mark.ns, boottime_ns())
    assert stage.moved(mark) == []


@slow
def test_a_clock_that_is_wrong_is_made_good(stage: CloudStage) -> None:
    """For the API every request is signed twenty minutes too early. The nodes follow its clock, there and back."""
    mark = stage.mark()
    begin(stage, "skewed")
    until(lambda: heard(stage, mark.active, mark.call), "the active node is heard", 30)
    stage.passes(ACTS_S)
    assert stage.checked() == ("Normal", "")
    call = stage.cluster.cloud.last_call()
    heal(stage)
    until(
        lambda: any(
            each["source"] == mark.active and each["status"] == 200 for each in stage.cluster.cloud.calls(call)
        ),
        "it is heard by a clock that is right again",
        30,
    )
    stage.passes(ACTS_S)
    assert stage.checked() == ("Normal", "")
    unmoved(stage, mark.ns, boottime_ns())
    assert stage.moved(mark) == []


def heard(stage: CloudStage, node: str, call: int) -> bool:
    """Whether an API whose clock is another one has answered that node since then."""
    calls = stage.cluster.cloud.calls(call)
    return any((each["source"], each["fault"], each["status"]) == (node, "skewed", 200) for each in calls)


@slow
@pytest.mark.parametrize("kind", ["gone", "denied"])
def test_what_would_forbid_a_start_is_told_of_the_node_that_could_not(stage: CloudStage, kind: str) -> None:
    """Its ENI was deleted; its role may not write. Who runs is not concerned."""
    mark = stage.mark()
    _, standby = stage.pair()
    action = "DescribeNetworkInterfaces" if kind == "gone" else f"{DRY}{WRITE[stage.example]}"
    stage.cluster.cloud.break_api(kind, actions=(action,), sources=(standby,))
    says = f"{stage.resource} resource could not be activated on this node.({reason(stage, kind, standby)})"
    until(lambda: stage.ready(standby) == ("failed", says), f"the standby says '{says}'", 60)
    assert stage.checked() == ("Normal", "")
    stage.cluster.cloud.heal_api()
    until(lambda: stage.ready(standby)[0] == "succeeded", "it is ready again, by itself", 60)
    unmoved(stage, mark.ns, boottime_ns())
    assert stage.moved(mark) == []


def reason(stage: CloudStage, kind: str, node: str) -> str:
    """Why a node may not start the address."""
    if kind == "denied":
        return FAILED
    return f"5 : The networkInterface ID '{stage.cluster.cloud.built.instances[node].interface}' does not exist"


# --- during a takeover


def after(stage: CloudStage, kind: str, *actions: str) -> Takeover:
    """The active node loses its power while that is wrong, and AWS is well again some seconds later."""
    begin(stage, kind, *actions)

    def during(_dead: str, survivor: str) -> None:
        until(lambda: stage.group()["node"] == survivor, "the takeover begins")
        stage.passes(ACTS_S, served=False)
        heal(stage)

    return stage.take_over(during)


@pytest.mark.parametrize(
    "kind",
    ["lost", *(pytest.param(each, marks=slow) for each in ("refuse", "hang", "names", "error", "mute"))],
)
def test_a_takeover_ends_right_when_the_api_is_well_again(stage: CloudStage, kind: str) -> None:
    take_over_at_last(stage, kind)


def take_over_at_last(stage: CloudStage, kind: str) -> None:
    """The whole API but where only a write can be meant. What was applied without an answer counts as well."""
    taken = after(stage, kind, *([WRITE[stage.example]] if kind in ("lost", "mute") else []))
    stage.served_by(taken)
    assert stage.alerts(taken.survivor, taken.mark.at)


@slow
def test_a_takeover_with_old_answers_and_without_metadata_ends_right(stage: CloudStage) -> None:
    """What the takeover needs is at hand: ids and credentials."""
    _, standby = stage.pair()
    faults.metadata(stage.cluster, standby)
    try:
        begin(stage, "stale")
        taken = stage.take_over()
        until(lambda: stage.group()["status"] == "Online", "the group is online", SERVED_S)
    finally:
        heal(stage)
        faults.metadata(stage.cluster, standby, "on")
    stage.served_by(taken)


@slow
def test_a_takeover_with_credentials_that_have_ended_fetches_new_ones(stage: CloudStage) -> None:
    """Each of its writes is refused for them once."""
    writes = len(stage.cluster.cloud.routes()) if stage.example == "vip" else 1
    stage.cluster.cloud.break_api("expired", actions=(WRITE[stage.example],), times=writes)
    stage.served_by(stage.take_over())


@slow
def test_a_takeover_with_a_clock_that_is_wrong_succeeds(stage: CloudStage) -> None:
    begin(stage, "skewed")
    taken = stage.take_over()
    until(lambda: stage.group()["status"] == "Online", "the group is online while the clock is wrong", SERVED_S)
    heal(stage)
    stage.served_by(taken)


@slow
@pytest.mark.parametrize("kind", ["denied", "gone"])
def test_a_takeover_that_is_refused_ends_known_and_an_operator_starts_it(stage: CloudStage, kind: str) -> None:
    taken = after(stage, kind, WRITE[stage.example])
    detail = DENIED.detail if kind == "denied" else "InvalidNetworkInterfaceID.NotFound"
    failed = f"Activating {stage.resource} resource has failed.({reason(stage, kind, taken.survivor)})"
    stage.until_alert(taken.survivor, taken.mark.at, failed, detail)
    until(lambda: stage.group()["status"] == "Online Failure", "it is known to have failed")
    assert "KM7502" in {each["code"] for each in stage.alerts(taken.survivor, taken.mark.at)}
    assert stage.running() == []
    product = stage.cluster.product(taken.survivor)
    product.komainu("group", "start", stage.cluster.group)
    stage.served_by(taken)


@slow
def test_what_somebody_changes_during_a_takeover_does_not_win(stage: CloudStage) -> None:
    """The write is on its way when somebody sets the address back to the dead node."""
    cloud = stage.cluster.cloud
    cloud.break_api("delay", actions=(WRITE[stage.example],), delay_ms=1_000)

    def during(dead: str, survivor: str) -> None:
        def on_its_way() -> bool:
            return any(each["source"] == survivor for each in filter(moves, cloud.calls(call)))

        until(on_its_way, "the write is on its way")
        (cloud.point_route if stage.example == "vip" else cloud.associate_address)(dead)
        assert stage.holders() == {dead}

    call = cloud.last_call()
    taken = stage.take_over(during)
    stage.served_by(taken)


@slow
def test_a_table_that_is_deleted_between_the_look_and_the_write(stage: CloudStage) -> None:
    if stage.example != "vip":
        pytest.skip("an Elastic IP has no tables")
    cloud = stage.cluster.cloud
    active, standby = stage.pair()
    table, call = cloud.add_table(active), cloud.last_call()
    until(
        lambda: any(
            each["action"] == LOOK["vip"] and each["source"] == standby and each["answered_ns"]
            for each in cloud.calls(call)
        ),
        "the standby has seen the table",
    )
    cloud.delete_table(table)
    taken = stage.take_over()
    stage.served_by(taken)
    written = filter(moves, cloud.calls(taken.mark.call))
    refused = [each for each in written if each["details"]["RouteTableId"] == table]
    assert [each["status"] for each in refused] == [400], "it was tried once, and left alone then"


# --- the end of the walk. An API that throttled leaves the nodes a smaller budget of calls for some minutes


@slow
def test_a_takeover_by_an_api_that_throttles(stage: CloudStage) -> None:
    take_over_at_last(stage, THROTTLED.kind)


@slow
def test_an_api_that_throttles_is_told_and_harms_nobody_who_runs(stage: CloudStage) -> None:
    tell_and_harm_nobody(stage, THROTTLED)


def test_nothing_of_the_secrets_is_anywhere(stage: CloudStage) -> None:
    tried = stage.cluster.product(stage.cluster.active()).call("alerts", "test").stdout
    assert tried.count("Notification ops: no connection to https://127.0.0.1:9.") == 2, tried
    search = stage.leaks()
    assert search.bytes > 100_000, "something was looked through"
    assert len(stage.cluster.cloud.secrets()) >= 6, "two nodes have a key, a session token and a token each"
    assert search.found == []
