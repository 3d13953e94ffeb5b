"""The whole safety statement: each configuration gets what is true of it, in both languages (N5)."""

from typing import Any

import pytest

from komainu.agent.shown import safety_explained as told
from komainu.agent.shown.safety_explained import chapters
from komainu.model.config import Arbitration, Cluster, Fence, Group, Lease
from komainu.model.message import Message, Said
from komainu.model.traits import Traits
from tests.doubles.daemons import Things, cluster, resource

TITLES = (told.CANNOT_HAPPEN, told.RESTS_ON, told.NOT_COVERED, told.TIMES)


def of_type(name: str, ended_by: Any, *, exclusive: bool = True) -> Any:
    """A type that is ended in that way."""
    kind = Things().type(name)
    object.__setattr__(kind, "traits", Traits(exclusive=exclusive, exclusive_may_be_cleared=True, ended_by=ended_by))
    return kind


TYPES = {"thing": of_type("thing", "reset"), "addr": of_type("addr", "network"), "disk": of_type("disk", "mirror")}
LEASE = Arbitration(
    kind="lease",
    lease=Lease(type="lease_s3", params={}),
    fence=Fence(type="ec2_stop", params={}),
    right_ms=10_000,
    wait_ms=11_000,
)
MAJORITY = Arbitration(kind="majority", right_ms=3_500, wait_ms=4_500)


def two_groups(arbitration: Arbitration, nodes: int = 2) -> Cluster:
    """An exclusive group `web` with one resource of each type, and `cache`, which may run twice."""
    config = cluster(
        resource("app"), resource("ip", type="addr"), resource("data", type="disk"), nodes=nodes, detect_within_ms=5_000
    )
    cache = Group(name="cache", nodes=config.groups[0].nodes, resources=(resource("worker", exclusive=False),))
    return config.model_copy(update={"arbitration": arbitration, "groups": (*config.groups, cache)})


def said(config: Cluster) -> dict[str, Said]:
    """Every sentence by its code."""
    return {each.code: each for chapter in chapters(config, TYPES) for each in chapter.sentences}


def has(config: Cluster, *messages: Message) -> bool:
    return all(message.code in said(config) for message in messages)


KINDS = {
    "none": two_groups(Arbitration(kind="none")),
    "operator": two_groups(Arbitration(kind="operator")),
    "lease": two_groups(LEASE),
    "majority": two_groups(MAJORITY, 4),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_is_whole_in_both_languages(kind: str) -> None:
    found = chapters(KINDS[kind], TYPES)
    assert [chapter.title.code for chapter in found] == [
        title.code for title in TITLES if title is not told.RESTS_ON or kind != "none" or len(found) == len(TITLES)
    ]
    for sentence in (each for chapter in found for each in chapter.sentences):
        for text in (sentence.en, sentence.ja):
            assert text
            assert not {"{", "}"} & set(text), text
        # What is filled in is in the reader's language too.
        assert " s " not in sentence.ja, sentence.ja
        assert "秒" not in sentence.en, sentence.en


def test_with_none_two_actives_are_possible_and_said_first() -> None:
    found = said(KINDS["none"])
    assert has(KINDS["none"], told.NOTHING_EXCLUDED, told.TWO_ACTIVES, told.NOTICED)
    assert "web, cache" in found[told.TWO_ACTIVES.code].en
    assert not {told.NOT_TWICE_BY_LEASE.code, told.WORD_TRUE.code, told.RIGHT.code} & set(found)
    assert "about 5 s" in found[told.BACK_EXCLUSIVE.code].en


def test_with_operator_nothing_comes_back_by_itself() -> None:
    found = said(KINDS["operator"])
    assert has(KINDS["operator"], told.NOT_TWICE_BY_WORD, told.NO_SERVICE_BY_ITSELF, told.WORD_TRUE, told.BACK_BY_WORD)
    assert has(KINDS["operator"], told.SHARED_AT_ONCE)
    assert not {told.CLOCK_RATES.code, told.PAUSED_MACHINE.code, told.BACK_EXCLUSIVE.code} & set(found)


def test_a_lease_rests_on_clocks_store_kernel_and_reset() -> None:
    found = said(KINDS["lease"])
    assert has(
        KINDS["lease"], told.NOT_TWICE_BY_LEASE, told.CLOCK_RATES, told.STORE_LINEARIZABLE, told.CHANGED_TOGETHER
    )
    assert has(KINDS["lease"], told.PAUSED_MACHINE, told.STORE_DOWN, told.ALREADY_SENT, told.FENCE_TRUE, told.WORD_TRUE)
    assert "web" in found[told.NOT_TWICE_BY_LEASE.code].en
    assert "lease_s3" in found[told.STORE_LINEARIZABLE.code].ja
    assert found[told.CUT_BY_KERNEL.code].en.endswith(": ip.")
    assert found[told.CUT_BY_MIRROR.code].en.endswith(": data.")
    assert "they do: app." in found[told.ENDED_BY_RESET.code].en
    assert "ec2_stop" in found[told.BACK_BY_FENCE.code].en


def test_what_has_no_exclusive_resource_is_told_apart() -> None:
    found = said(KINDS["lease"])
    assert found[told.SHARED_BY_VOTE.code].en.startswith("These groups have no exclusive resource: cache.")
    assert "10 s after its last renewal: cache." in found[told.SHARED_FOR_A_WHILE.code].en
    assert "最後の更新から 10 秒" in found[told.SHARED_FOR_A_WHILE.code].ja
    # Its type is exclusive: the administrator said otherwise.
    assert has(KINDS["lease"], told.MARKED_RIGHT)
    alone = cluster(resource(), arbitration="operator")
    assert not {told.MARKED_RIGHT.code, told.SHARED_AT_ONCE.code} & set(said(alone))


def test_the_times_of_a_lease_are_told_with_the_inequality() -> None:
    found = said(KINDS["lease"])
    assert "detection 5 s + 2 beats of 1.25 s + 2 calls of 1 s + grace 0.5 s = 10 s" in found[told.RIGHT.code].en
    assert "検出 5 秒 + ビート 1.25 秒 × 2 + 呼び出し 1 秒 × 2 + 停止の猶予 0.5 秒 = 10 秒" in found[told.RIGHT.code].ja
    assert "+ 1 s = 11.708 s." in found[told.WAIT_FOR_WATCHDOG.code].en
    assert "about 16.3 s" in found[told.BACK_EXCLUSIVE.code].en
    assert "about 5.3 s" in found[told.BACK_SHARED.code].en


def test_a_majority_says_how_many_may_be_lost() -> None:
    found = said(KINDS["majority"])
    assert "more than half of the 4 nodes" in found[told.NOT_TWICE_BY_MAJORITY.code].en
    assert "1 of 4 may be lost" in found[told.NO_MAJORITY.code].en
    assert "4 beats of" in found[told.RIGHT.code].en
    assert "about 9.5 s" in found[told.BACK_EXCLUSIVE.code].en
    assert not {told.STORE_DOWN.code, told.STORE_LINEARIZABLE.code, told.BACK_BY_FENCE.code} & set(found)


def test_a_node_without_its_daemon_is_waited_for_no_longer_than_its_right() -> None:
    assert "alone for 3.5 s" in said(KINDS["majority"])[told.DAEMON_GONE.code].en
    assert "alone for 10 s" in said(KINDS["operator"])[told.DAEMON_GONE.code].en


def test_one_node_has_nobody_beside_it() -> None:
    assert list(said(cluster(nodes=1))) == [told.ONE_NODE.code, told.BY_HAND.code]


def test_a_cluster_without_groups_has_a_statement_too() -> None:
    for kind in KINDS.values():
        found = said(kind.model_copy(update={"groups": ()}))
        assert told.MOVED_AFTER_STOP.code in found
        assert not {told.TWO_ACTIVES.code, told.BACK_EXCLUSIVE.code, told.ENDED_BY_RESET.code} & set(found)
