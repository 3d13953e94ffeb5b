"""Every fact has its word (C12), and every word that is not plain has its reason."""

from dataclasses import replace

import pytest

from komainu.agent.shown import words
from komainu.agent.shown.words import Change, Told, Word
from komainu.core.state import (
    Hold,
    MonitorFacts,
    NodeFacts,
    Presence,
    Proof,
    State,
    Status,
    Verdict,
    Vote,
    Wanted,
    Watch,
    initial,
)
from komainu.model.config import Arbitration, Monitor, MonitorRecovery, Target
from komainu.model.message import Message
from tests.doubles.daemons import cluster, resource

SAID = Message("TEST6", "broken", "故障", "error").said()
MEMBER = NodeFacts(Presence.MEMBER, probed=True)


def a_state(*resources: str, formed: bool = True) -> State:
    state = initial(cluster(*(resource(name) for name in resources)))
    for name in ("n1", "n2"):
        state = state.with_node(name, MEMBER)
        for index in range(len(resources) or 1):
            state = state.with_hold("web", name, index, Hold(Status.STOPPED))
    return replace(state, formed=formed)


def at_home(state: State, home: str | None = "n1", **changes: object) -> State:
    return state.with_group("web", replace(state.groups["web"], home=home, **changes))  # type: ignore[arg-type]


def test_a_node_that_may_not_leave_yet_says_what_it_waits_for() -> None:
    """The vote of two nodes: whoever stays needs it before the other one goes."""
    state = a_state("app").with_node("n1", replace(MEMBER, leaving=True))
    leased = state.cluster.model_copy(update={"arbitration": Arbitration(kind="lease")})
    state = replace(state, cluster=leased)
    assert words.node(state, "n1").why == words.IS_LEAVING.said(node="n1")
    runs = state.with_hold("web", "n2", 0, Hold(Status.RUNNING))
    assert words.node(runs, "n1").why == words.AWAITS_VOTE.said(node="n1", others="n2")
    voted = replace(runs, vote=Vote("n2", runs.ring, 1, True, 1))
    assert words.node(voted, "n1").why == words.IS_LEAVING.said(node="n1")


@pytest.mark.parametrize(
    ("facts", "word", "why"),
    [
        (MEMBER, Word.ONLINE, None),
        (replace(MEMBER, leaving=True), Word.OFFLINE_PENDING, words.IS_LEAVING),
        (replace(MEMBER, leaving=True, then="stop"), Word.OFFLINE_PENDING, words.STOPS),
        (replace(MEMBER, leaving=True, then="shutdown"), Word.OFFLINE_PENDING, words.SHUTS_DOWN),
        (replace(MEMBER, leaving=True, then="reboot"), Word.OFFLINE_PENDING, words.REBOOTS),
        (replace(MEMBER, leaving=True, ended=True), Word.OFFLINE_PENDING, words.IS_ENDING),
        (replace(MEMBER, suspended=True), Word.ONLINE, words.SUSPENDED),
        (replace(MEMBER, probed=False), Word.ONLINE_PENDING, words.NOT_PROBED),
        (NodeFacts(Presence.JOINING), Word.ONLINE_PENDING, words.JOINING),
        (NodeFacts(Presence.AGENT_LOST), Word.CAUTION, words.DAEMON_SILENT),
        (NodeFacts(Presence.LOST), Word.UNKNOWN, words.IS_LOST),
        (NodeFacts(Presence.UNSEEN), Word.UNKNOWN, words.NEVER_SEEN),
        (NodeFacts(Presence.GONE, proof=Proof.CLEAN_LEAVE), Word.OFFLINE, words.LEFT_CLEANLY),
        (NodeFacts(Presence.GONE, proof=Proof.ADDED), Word.OFFLINE, words.JUST_ADDED),
        (NodeFacts(Presence.GONE, proof=Proof.FENCED), Word.OFFLINE, words.WAS_FENCED),
        (NodeFacts(Presence.GONE, proof=Proof.OPERATOR), Word.OFFLINE, words.SAID_GONE),
        (NodeFacts(Presence.GONE, proof=Proof.ASSUMED), Word.OFFLINE, words.TAKEN_AS_GONE),
    ],
)
def test_a_node(facts: NodeFacts, word: Word, why: Message | None) -> None:
    told = words.node(a_state().with_node("n2", facts), "n2")

    assert (told.word, told.why.code if told.why else None) == (word, why.code if why else None)


def test_a_node_before_the_cluster_has_formed_names_who_is_waited_for() -> None:
    state = a_state(formed=False).with_node("n2", NodeFacts())
    told = words.node(state, "n1")

    assert told.word is Word.ONLINE_PENDING
    assert told.why == words.WAITS_TO_FORM.said(nodes="n2")


@pytest.mark.parametrize(
    ("hold", "changes", "word"),
    [
        (Hold(Status.RUNNING), {}, Word.ONLINE),
        (Hold(Status.STARTING), {}, Word.ONLINE_PENDING),
        (Hold(Status.STOPPED), {}, Word.ONLINE_PENDING),
        (Hold(Status.STOPPED), {"given_up": True}, Word.OFFLINE),
        (Hold(Status.UNKNOWN), {}, Word.ONLINE_PENDING),
        (Hold(Status.STOPPING), {}, Word.OFFLINE_PENDING),
        (Hold(Status.FAILED, said=SAID), {}, Word.ONLINE_PENDING),
        (Hold(Status.FAILED, said=SAID), {"given_up": True}, Word.ONLINE_FAILURE),
        (Hold(Status.STUCK, said=SAID), {}, Word.OFFLINE_FAILURE),
        (Hold(Status.STOPPED), {"parked": ("app",)}, Word.OFFLINE),
        (Hold(Status.STOPPED), {"wanted": Wanted.DOWN, "home": None}, Word.OFFLINE),
        (Hold(Status.STOPPING), {"wanted": Wanted.DOWN, "home": None}, Word.OFFLINE_PENDING),
    ],
)
def test_a_resource(hold: Hold, changes: dict[str, object], word: Word) -> None:
    state = at_home(a_state(), **{"home": "n1", **changes}).with_hold("web", "n1", 0, hold)  # type: ignore[arg-type]
    told = words.resource(state, state.cluster.groups[0], 0)

    assert told.word is word
    assert told.why == (words.IS_PARKED.said(resource="app") if "parked" in changes else hold.said)


@pytest.mark.parametrize(
    ("hold", "word"),
    [
        (Hold(Status.RUNNING), Word.NORMAL),
        (Hold(Status.RUNNING, said=SAID), Word.CAUTION),
        (Hold(Status.FAILED, said=SAID), Word.ERROR),
        (Hold(Status.UNKNOWN), Word.UNKNOWN),
        (Hold(Status.STARTING), Word.UNUSED),
        (Hold(Status.STOPPED), Word.UNUSED),
    ],
)
def test_a_monitor(hold: Hold, word: Word) -> None:
    state = at_home(a_state()).with_hold("web", "n1", 0, hold)

    assert words.own_monitor(state, state.cluster.groups[0], 0).word is word


def group_word(state: State) -> Told:
    return words.group(state, state.cluster.groups[0])


def test_a_group_is_online_when_all_of_it_is_at_home() -> None:
    state = at_home(a_state("vip", "app"))
    state = state.with_hold("web", "n1", 0, Hold(Status.RUNNING))
    assert group_word(state).word is Word.ONLINE_PENDING
    state = state.with_hold("web", "n1", 1, Hold(Status.RUNNING))

    assert group_word(state) == Told(Word.ONLINE, "n1")


def test_a_group_that_moves_is_on_its_way_while_the_old_node_still_has_it() -> None:
    state = at_home(a_state(), "n2").with_hold("web", "n1", 0, Hold(Status.RUNNING))

    assert group_word(state).word is Word.ONLINE_PENDING
    assert group_word(state).node == "n2"


def test_a_group_with_a_failure_says_where_and_why() -> None:
    failed = at_home(a_state("vip", "app"), given_up=True).with_hold("web", "n1", 1, Hold(Status.FAILED, said=SAID))
    stuck = at_home(a_state("vip", "app"), "n2").with_hold("web", "n1", 1, Hold(Status.STUCK, said=SAID))

    assert group_word(failed) == Told(Word.ONLINE_FAILURE, "n1", SAID)
    assert group_word(stuck) == Told(Word.OFFLINE_FAILURE, "n1", SAID)


def test_a_group_that_waits_says_for_what() -> None:
    state = at_home(a_state(), "n2", hindrance=SAID)

    assert group_word(state) == Told(Word.ONLINE_PENDING, "n2", SAID)


def test_a_group_without_a_home() -> None:
    before = at_home(a_state(formed=False), None)
    nobody = at_home(a_state(), None, because=(SAID,))
    stopped = at_home(a_state(), None, wanted=Wanted.DOWN, because=(SAID,))

    assert group_word(before).word is Word.ONLINE_PENDING
    assert group_word(nobody) == Told(Word.OFFLINE, None, SAID)
    assert group_word(stopped) == Told(Word.OFFLINE, None, SAID)


def test_changes_are_words_or_places_that_differ() -> None:
    before = at_home(a_state()).with_hold("web", "n1", 0, Hold(Status.RUNNING))
    after = at_home(before, "n2").with_node("n1", NodeFacts(Presence.LOST))
    told = words.changes(words.summary(before), words.summary(after))

    assert told == (
        Change("node", "n1", "Online", "Unknown", "n1"),
        Change("group", "web", "Online", "Online Pending", "n2"),
    )
    assert words.changes(words.summary(after), words.summary(after)) == ()


def test_a_summary_from_an_earlier_one_is_the_same() -> None:
    before = watched(MonitorFacts())
    known = (before, words.summary(before))
    for after in (
        before,
        at_home(before).with_hold("web", "n1", 0, Hold(Status.RUNNING)),
        before.with_monitor("diskw", MonitorFacts(on={"n1": Watch("7", Verdict.ERROR, SAID)})),
        before.with_node("n1", replace(MEMBER, suspended=True)),
        replace(before, formed=True),
        replace(at_home(before), maintenance=True),
        a_state("vip"),
    ):
        assert words.summary(after, known) == words.summary(after)
    assert words.summary(before, known)[("group", "web")] is known[1][("group", "web")]


def test_one_line_for_the_service_manager() -> None:
    state = at_home(a_state()).with_hold("web", "n1", 0, Hold(Status.RUNNING))

    assert words.line(state, "n2") == "n2 Online; web Online (n1)"
    assert words.line(at_home(a_state(), None, wanted=Wanted.DOWN), "n1") == "n1 Online; web Offline"


def test_nothing_is_tried_again_while_nothing_is_recovered() -> None:
    failed = at_home(a_state()).with_hold("web", "n1", 0, Hold(Status.FAILED, said=SAID))
    suspended = failed.with_node("n1", replace(MEMBER, suspended=True))

    for state in (replace(failed, maintenance=True), suspended):
        assert group_word(state) == Told(Word.ONLINE_FAILURE, "n1", SAID)


def test_a_group_without_its_parked_resources_is_online_and_says_what_is_missing() -> None:
    vip, app, log = resource("vip"), resource("app", depends_on=("vip",)), resource("log", depends_on=("app",))
    state = initial(cluster(vip, app, log)).with_node("n1", MEMBER)
    state = replace(at_home(state, parked=("app",)), formed=True)
    state = state.with_hold("web", "n1", 0, Hold(Status.RUNNING))
    for index in (1, 2):
        state = state.with_hold("web", "n1", index, Hold(Status.STOPPED))

    assert group_word(state) == Told(Word.ONLINE, "n1", words.PARTLY.said(resources="app, log"))
    assert words.resource(state, state.cluster.groups[0], 2) == Told(
        Word.OFFLINE, None, words.NEEDS_PARKED.said(needed="app")
    )
    state = at_home(state, parked=("vip",)).with_hold("web", "n1", 0, Hold(Status.STOPPED))
    assert group_word(state) == Told(Word.OFFLINE, "n1", words.IS_PARKED.said(resource="vip"))
    stopping = state.with_hold("web", "n1", 0, Hold(Status.STOPPING))
    assert words.resource(stopping, state.cluster.groups[0], 0).word is Word.OFFLINE_PENDING


def test_what_stops_for_a_new_configuration_says_so() -> None:
    state = at_home(a_state()).with_hold("web", "n1", 0, Hold(Status.RUNNING, outdated=True))

    assert words.resource(state, state.cluster.groups[0], 0).why == words.IS_OUTDATED.said()


OWN = resource(monitor="thingw-app")
DISK = Monitor(
    name="diskw",
    type="disk",
    nodes=("n1", "n2"),
    params={},
    first_wait_ms=0,
    interval_ms=1_000,
    timeout_ms=1_000,
    retries=0,
    recovery=MonitorRecovery(target=Target(kind="node")),
)


def watched(facts: MonitorFacts, node: NodeFacts = MEMBER) -> State:
    config = cluster(OWN).model_copy(update={"monitors": (DISK,)})
    state = initial(config).with_node("n1", node).with_node("n2", MEMBER)
    return replace(state, monitors={"diskw": facts, "thingw-app": facts})


@pytest.mark.parametrize(
    ("watch", "word"),
    [
        (Watch("7", Verdict.NORMAL), Word.NORMAL),
        (Watch("7", Verdict.CAUTION, SAID), Word.CAUTION),
        (Watch("7", Verdict.ERROR, SAID), Word.ERROR),
        (Watch("7", Verdict.UNKNOWN, SAID), Word.UNKNOWN),
        (Watch("7"), Word.UNUSED),
        (Watch(), Word.UNUSED),
        (Watch(recovering=True), Word.UNUSED),
    ],
)
def test_a_monitor_of_its_own(watch: Watch, word: Word) -> None:
    state = watched(MonitorFacts(on={"n1": watch}))
    told = words.monitor_on(state, DISK, "n1")

    assert told.word is word
    assert (told.why is None) == (word is Word.NORMAL)
    assert words.monitor(state, DISK).word is word


def test_a_monitor_is_as_bad_as_it_is_on_its_worst_node() -> None:
    state = watched(MonitorFacts(on={"n1": Watch("7", Verdict.NORMAL), "n2": Watch("8", Verdict.ERROR, SAID)}))

    assert words.monitor(state, DISK) == Told(Word.ERROR, "n2", SAID)
    assert words.changes(words.summary(watched(MonitorFacts())), words.summary(state)) == (
        Change("monitor", "diskw", "Unused", "Error", "n2"),
    )


@pytest.mark.parametrize(
    ("node", "facts", "word"),
    [
        (MEMBER, MonitorFacts(suspended=("n1",)), Word.SUSPEND),
        (replace(MEMBER, suspended=True), MonitorFacts(), Word.SUSPEND),
        (NodeFacts(Presence.LOST), MonitorFacts(), Word.UNKNOWN),
        (NodeFacts(Presence.GONE), MonitorFacts(), Word.UNUSED),
    ],
)
def test_a_monitor_that_does_not_check_says_why(node: NodeFacts, facts: MonitorFacts, word: Word) -> None:
    told = words.monitor_on(watched(facts, node), DISK, "n1")

    assert told.word is word
    assert told.why is not None


def test_verification_mode_is_never_hidden() -> None:
    facts = MonitorFacts(simulated=("n1",), on={"n1": Watch("7", Verdict.ERROR, SAID)})
    state = watched(facts)
    running = at_home(state).with_hold("web", "n1", 0, Hold(Status.RUNNING))

    assert words.monitor_on(state, DISK, "n1").why == words.SIMULATED.said(monitor="diskw")
    assert words.own_monitor(running, running.cluster.groups[0], 0).why == words.SIMULATED.said(monitor="thingw-app")


def test_an_own_monitor_that_is_suspended() -> None:
    facts = MonitorFacts(suspended=("n1",))
    for state in (watched(facts), watched(MonitorFacts(), replace(MEMBER, suspended=True))):
        running = at_home(state).with_hold("web", "n1", 0, Hold(Status.RUNNING))
        assert words.own_monitor(running, running.cluster.groups[0], 0).word is Word.SUSPEND
        stopped = running.with_hold("web", "n1", 0, Hold(Status.STOPPED))
        assert words.own_monitor(stopped, running.cluster.groups[0], 0).word is Word.UNUSED


def test_maintenance_stands_first_in_the_one_line() -> None:
    assert words.line(replace(a_state(), maintenance=True), "n1").startswith("MAINTENANCE; n1 ")
