"""What a stopped node shows, with and without a member that tells it."""

from komainu.agent.shown import residence, words
from komainu.agent.shown.residence import ALL_STOPPED, NOT_KNOWN, STOPPED, picture, seen_from
from komainu.agent.shown.words import Word
from komainu.core.state import Marks, initial
from tests.doubles.daemons import cluster

CLUSTER = cluster(nodes=3)


def test_a_cluster_that_is_stopped_everywhere_is_offline_and_says_how_it_is_started() -> None:
    state = picture(CLUSTER, 7, "n1", ("n1", "n2", "n3"))

    assert [words.node(state, name).word for name in state.nodes] == [Word.OFFLINE] * 3
    told = words.group(state, CLUSTER.groups[0])
    assert (told.word, told.why) == (Word.OFFLINE, ALL_STOPPED.said())
    assert state.epoch == 7


def test_what_runs_elsewhere_is_not_known_without_a_word() -> None:
    state = picture(CLUSTER, 7, "n1", ("n2",))

    assert [words.node(state, name).word for name in state.nodes] == [Word.OFFLINE, Word.OFFLINE, Word.UNKNOWN]
    assert words.group(state, CLUSTER.groups[0]).why == NOT_KNOWN.said(node="n1", others="n3")


def test_a_member_s_word_is_shown_with_the_own_word_about_oneself() -> None:
    own = {"here": {"node": "n1"}, "nodes": [{"name": "n1", "why": None}], "groups": ["own"]}
    told = {"here": {"node": "n2"}, "nodes": [{"name": "n1", "why": None}, {"name": "n2"}], "groups": ["told"]}

    shown = seen_from("n1", own, told)
    assert shown["here"] == {"node": "n1"}
    assert shown["groups"] == ["told"]
    assert shown["nodes"][0]["why"]["code"] == STOPPED.code
    assert shown["nodes"][1] == {"name": "n2"}
    assert seen_from("n1", own, None)["groups"] == ["own"]


def test_a_newer_configuration_is_taken_over_an_older_one_is_not() -> None:
    known = initial(cluster(version=3), 7, marks=Marks(maintenance=True))
    new = cluster(version=4, agent_return_ms=5_000)
    found = residence.taken_over(known, new, "n1")

    assert found == initial(new, 7, marks=Marks(maintenance=True))
    assert residence.taken_over(known, cluster(version=3, language="ja"), "n1") is None
    assert residence.taken_over(known, cluster(version=2), "n1") is None


def test_a_node_that_was_removed_is_told() -> None:
    known, new = initial(cluster(nodes=3), 7), cluster(version=2)
    assert residence.taken_over(known, new, "n3") == residence.REMOVED.said(node="n3")
