"""Recovery that could not do what it says."""

import pytest

from komainu.config import refusals
from komainu.config.rules import recovery
from komainu.model.message import Message
from tests.unit.config.sample import GOOD, changed, only, said

GROUP = "name: failover1"
APP = "groups[0].resources[1]"


def group(text: str) -> str:
    return changed((GROUP, f"{GROUP}\n    {text}"))


def app(text: str) -> str:
    return changed(("type: app", f"type: app\n        {text}"))


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (group("nodes: [node1]\n    failback: auto"), "groups[0].failback", recovery.FAILBACK_TO_NOBODY),
        (group("failback: auto\n    failover: manual"), "groups[0].failback", recovery.FAILBACK_OF_MANUAL),
        (
            app("recovery: {stop_final_action: stop-group}"),
            f"{APP}.recovery.stop_final_action",
            recovery.STOP_AFTER_STOP,
        ),
        (app("recovery: {final_action: explode}"), f"{APP}.recovery.final_action", refusals.NOT_CHOICE),
        (app("scripts: {before_start: check.sh}"), f"{APP}.scripts.before_start", recovery.SCRIPT_RELATIVE),
        (app('scripts: {after_stop: "/a\\tb"}'), f"{APP}.scripts.after_stop", recovery.SCRIPT_RELATIVE),
        (app("scripts: {befor_start: /x}"), f"{APP}.scripts.befor_start", refusals.MISSPELT_KEY),
        (
            GOOD + "monitors:\n  - {name: m, type: ping, params: {host: h}, recovery: {script: x}}\n",
            "monitors[0].recovery.script",
            recovery.SCRIPT_RELATIVE,
        ),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_what_cannot_work(text: str, path: str, message: Message) -> None:
    problem = only(text)
    assert (problem.path, problem.said.code) == (path, message.code)


@pytest.mark.parametrize(
    "text",
    [
        group("failback: auto\n    failback_after_ms: 1000"),
        app("recovery: {stop_final_action: none, start_final_action: stop-resource, final_action: stop-group}"),
        app("scripts: {before_start: /opt/a b.sh, timeout_ms: 5}"),
    ],
)
def test_what_can_work_is_accepted(text: str) -> None:
    assert said(text) == said(text, "warning") == []
