"""Times that cannot hold."""

import pytest

from komainu.config.rules import times
from tests.unit.config.rules.test_dependencies import groups
from tests.unit.config.sample import GOOD, changed, only, said

TOO_LONG = times.LONGEST_MS + 1


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("arbitration: operator", "arbitration: operator\n  end_timeout_ms: {}", "cluster.end_timeout_ms"),
        ("name: failover1", "name: failover1\n    failback_after_ms: {}", "groups[0].failback_after_ms"),
        ("type: app", "type: app\n        start_timeout_ms: {}", "groups[0].resources[1].start_timeout_ms"),
        (
            "type: app",
            "type: app\n        recovery: {{reset_after_ms: {}}}",
            "groups[0].resources[1].recovery.reset_after_ms",
        ),
        (
            "type: app",
            "type: app\n        scripts: {{timeout_ms: {}}}",
            "groups[0].resources[1].scripts.timeout_ms",
        ),
    ],
)
def test_a_time_that_nobody_waits_for_is_a_slip(old: str, new: str, path: str) -> None:
    problem = only(changed((old, new.format(TOO_LONG))))
    assert (problem.path, problem.said.code) == (path, times.TOO_LONG.code)
    assert said(changed((old, new.format(TOO_LONG - 1)))) == []


def test_counters_cannot_begin_again_before_the_next_check() -> None:
    text = changed(("type: app", "type: app\n        recovery: {reset_after_ms: 30999}"))
    assert said(text) == [(19, "groups[0].resources[1].recovery.reset_after_ms", times.RESET_SHORT.code)]
    assert said(changed(("type: app", "type: app\n        recovery: {reset_after_ms: 31000}"))) == []
    monitor = (
        "monitors:\n  - {name: m, type: ping, params: {host: h}, interval_ms: 500, recovery: {reset_after_ms: %d}}\n"
    )
    assert [code for _, _, code in said(GOOD + monitor % 499)] == [times.RESET_SHORT.code]
    assert said(GOOD + monitor % 500) == []


def test_a_long_interval_moves_the_default_of_the_reset() -> None:
    assert said(changed(("type: app", "type: app\n        check_interval_ms: 3600000"))) == []


def test_the_end_of_a_node_has_to_leave_time_for_the_groups() -> None:
    # One application: 60 s by default, and scripts with times of their own.
    slow = groups("name: a, depends_on: [b]", "name: b")
    text = slow.replace("arbitration: operator", "arbitration: operator\n  end_timeout_ms: 119999")
    assert said(text, "warning") == [(5, "cluster.end_timeout_ms", times.END_SHORT.code)]
    assert "120000" in only(text, "warning").said.en
    assert said(text.replace("119999", "120000"), "warning") == []
    script = text.replace("119999", "120000").replace("type: app", "type: app, scripts: {after_stop: /x}")
    assert "180000" in only(script, "warning").said.en
