"""Where alerts are sent."""

from komainu.config import parameters, refusals
from komainu.config.rules import notifications
from tests.unit.config.sample import GOOD, only, reading, said


def notified(*entries: str) -> str:
    return f"{GOOD}notifications:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


def test_a_notification_is_read() -> None:
    cluster = reading(notified("name: n, kind: mail, level: warning, params: {to: a}")).cluster
    assert cluster is not None
    (found,) = cluster.notifications
    assert (found.name, found.kind, found.level, found.params) == ("n", "mail", "warning", {"to": "a"})


def test_names_are_unique() -> None:
    entry = "name: n, kind: mail, params: {to: a}"
    assert said(notified(entry, entry)) == [(22, "notifications[1].name", notifications.SAME_NOTIFICATION.code)]


def test_kinds_and_parameters_are_looked_at() -> None:
    assert only(notified("name: n, kind: mial, params: {to: a}")).said.code == parameters.MISSPELT_NOTIFIER.code
    assert only(notified("name: n, kind: pigeon, params: {to: a}")).said.code == parameters.NO_NOTIFIER.code
    problem = only(notified("name: n, kind: mail, params: {}"))
    assert (problem.path, problem.said.code) == ("notifications[0].params.to", refusals.MISSING.code)
    problem = only(notified("name: n, kind: mail, to: a, params: {to: a}"))
    assert (problem.path, problem.said.code) == ("notifications[0].to", parameters.MISPLACED.code)
