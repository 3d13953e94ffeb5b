"""What a stopped node shows, with and without a member that tells it."""

from komainu.agent import words
from komainu.agent.residence import ALL_STOPPED, NOT_KNOWN, STOPPED, picture, seen_from
from komainu.agent.words import Word
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
