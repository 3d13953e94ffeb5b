"""The objects that do the work on this node: made from what holds here, and kept as long as that does not change."""

from dataclasses import replace

from komainu.agent.execution.hands import BAD_PARAMETERS, UNKNOWN_TYPE, Hands
from komainu.model.config import Group
from komainu.ports import Host
from tests.doubles.daemons import ThingHands, ThingParams, Things, cluster, resource
from tests.doubles.network import FakeNetwork


def hands_of(
    things: Things, me: str = "n1", made: list[object] | None = None, hosts: list[Host] | None = None
) -> Hands:
    def host(cluster: str, group: str, name: str) -> Host:
        return Host(me, cluster, group, name, None, FakeNetwork(), None, lambda outcome: None, lambda: 0)

    def make(params: object, host: Host) -> ThingHands:
        if made is not None:
            made.append(params)
        if hosts is not None:
            hosts.append(host)
        return ThingHands(things, host)

    known = replace(things.type().traits, known_by="colour")
    return Hands(me, {"thing": replace(things.type(), make=make, traits=known)}, host)


def test_only_what_may_run_here_has_hands() -> None:
    hands = hands_of(Things(), "n2")
    config = cluster()
    other = Group(name="db", nodes=("n1",), resources=(resource("disk"),))
    hands.configure(config.model_copy(update={"groups": (*config.groups, other)}))

    assert [hand.key for hand in hands.all()] == [("web", "app")]
    assert hands.get("db", "disk") is None


def test_the_parameters_of_this_node_hold_and_the_monitor_has_its_name() -> None:
    made: list[object] = []
    hands = hands_of(Things(), made=made)
    hands.configure(cluster(resource("thing1", params={"colour": "red"}, per_node={"n1": {"colour": "blue"}})))

    assert made == [ThingParams(colour="blue")]
    assert hands.all()[0].monitor == "thingw1"
    assert hands.all()[0].label == "blue", "what people know it by"


def test_a_resource_is_told_its_parameters_on_the_other_nodes() -> None:
    hosts: list[Host] = []
    hands = hands_of(Things(), hosts=hosts)
    hands.configure(cluster(resource(params={"colour": "red"}, per_node={"n2": {"colour": "blue"}})))

    assert hosts[0].elsewhere == {"n2": {"colour": "blue"}}


def test_what_did_not_change_keeps_its_object() -> None:
    hands = hands_of(Things())
    hands.configure(cluster(resource("a"), resource("b")))
    before = {hand.resource.name: hand.work for hand in hands.all()}
    hands.configure(cluster(resource("a", params={"colour": "blue"}), resource("b")))
    after = {hand.resource.name: hand.work for hand in hands.all()}
    assert [hand.label for hand in hands.all()] == ["blue", ""]

    assert after["b"] is before["b"]
    assert after["a"] is not before["a"]


def test_a_type_of_another_release_is_refused_by_name() -> None:
    hands = hands_of(Things())
    hands.configure(cluster(resource(type="later")))
    (hand,) = hands.all()

    assert hand.work is None
    assert hand.refusal == UNKNOWN_TYPE.said(resource="app", type="later")


def test_parameters_that_do_not_hold_are_refused_with_the_reason() -> None:
    hands = hands_of(Things())
    hands.configure(cluster(resource(params={"colour": "red", "size": 3})))
    (hand,) = hands.all()

    assert hand.work is None
    assert hand.refusal is not None
    assert hand.refusal.code == BAD_PARAMETERS.code
    assert "size" in hand.refusal.en


def test_the_same_work_with_other_settings_keeps_its_object_and_learns_of_other_nodes() -> None:
    hosts: list[Host] = []
    hands = hands_of(Things(), hosts=hosts)
    config = cluster(nodes=3)
    narrow = config.model_copy(
        update={"groups": (config.groups[0].model_copy(update={"nodes": ("n1", "n2"), "resources": (resource(),)}),)}
    )
    assert hands.configure(narrow) == ()
    before = hands.get("web", "app")
    assert before is not None
    patient = resource(check_interval_ms=9_000, start_timeout_ms=9_000)
    wide = config.groups[0].model_copy(update={"resources": (patient,)})

    assert hands.configure(config.model_copy(update={"groups": (wide,)})) == ()
    after = hands.get("web", "app")
    assert after is not None
    assert after.work is before.work
    assert after.resource.check_interval_ms == 9_000
    assert list(hosts[0].elsewhere) == ["n2", "n3"]


def test_work_that_is_configured_no_more_is_handed_back() -> None:
    hands = hands_of(Things())
    config = cluster(resource("app"), resource("disk"), resource("log"))
    hands.configure(config)
    before = {hand.resource.name: hand for hand in hands.all()}
    group = config.groups[0]
    changed = (resource("app"), resource("disk", params={"colour": "blue"}))
    gone = hands.configure(config.model_copy(update={"groups": (group.model_copy(update={"resources": changed}),)}))

    assert gone == (before["disk"], before["log"])
    moved = config.model_copy(update={"groups": (group.model_copy(update={"nodes": ("n2",)}),)})
    assert [hand.resource.name for hand in hands.configure(moved)] == ["app", "disk"]
