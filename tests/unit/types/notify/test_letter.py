"""A notice as people read it."""

from komainu.types.notify.letter import body, short_subject, subject
from tests.doubles.notices import FULL, LOST, notice


def test_one_alert_is_its_own_subject() -> None:
    assert subject(notice(LOST)) == "[Komainu shop] ERROR KM7101: Node n1 is lost."
    assert subject(notice(LOST, language="ja")) == "[Komainu shop] エラー KM7101: ノード n1 と通信できません。"


def test_several_have_their_number_and_the_highest_level() -> None:
    assert subject(notice(FULL, LOST)) == "[Komainu shop] ERROR: 2 alerts"
    assert subject(notice(FULL, left_out=(("KM5301", 40),))) == "[Komainu shop] WARNING: 41 alerts"
    assert subject(notice(FULL, LOST, language="ja")) == "[Komainu shop] エラー: アラート 2 件"


def test_the_body_has_everything_in_both_languages_the_clusters_first() -> None:
    text = body(notice(FULL, LOST, language="ja"))
    assert text.splitlines() == [
        "2026-11-22T07:00:01.000Z  警告  agent  KM5301  n2",
        "  ジャーナルに書き込めません。",
        "  The journal cannot be written.",
        "    No space left on device",
        "    really",
        "",
        "2026-11-22T07:00:00.123Z  エラー  core  KM7101  （クラスタ）",
        "  ノード n1 と通信できません。",
        "  Node n1 is lost.",
        "",
        "-- クラスタ shop、送信元 n2",
    ]


def test_a_storm_is_summed_up() -> None:
    text = body(notice(LOST, left_out=(("KM5301", 40), ("KM7101", 2))))
    assert "And 42 further alerts in the same time: KM5301 x 40, KM7101 x 2." in text


def test_a_test_says_that_nothing_happened() -> None:
    assert subject(notice(LOST, test=True)) == "[Komainu shop] test from n2"
    assert body(notice(LOST, test=True)).startswith("This is a test of the notifications of Komainu.")


def test_a_short_subject_is_ascii_and_short() -> None:
    told = short_subject(notice(LOST, cluster="店", language="ja"), 30)
    assert told == "[Komainu ?] ERROR KM7101: N..."
    assert len(told) == 30
    assert short_subject(notice(LOST), 99) == "[Komainu shop] ERROR KM7101: Node n1 is lost."
