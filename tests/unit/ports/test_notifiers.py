"""What a notice stands for."""

import pytest

from tests.doubles.notices import FULL, LOST, notice


def test_a_notice_counts_what_it_leaves_out() -> None:
    assert notice(LOST).count == 1
    assert notice(LOST, FULL, left_out=(("KM5301", 3), ("KM7101", 1))).count == 6


@pytest.mark.parametrize(("alerts", "level"), [((FULL,), "warning"), ((FULL, LOST), "error"), ((LOST, FULL), "error")])
def test_its_level_is_the_highest(alerts: tuple[object, ...], level: str) -> None:
    assert notice(*alerts).level == level  # type: ignore[arg-type]


def test_an_alert_speaks_both_languages() -> None:
    assert (LOST.text("en"), LOST.text("ja")) == ("Node n1 is lost.", "ノード n1 と通信できません。")
