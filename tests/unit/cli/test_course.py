"""The picture of a course: step by step, with the waits, and what becomes of everything."""

import re
from typing import Any

import pytest

from komainu.agent.shown.what_if import IMAGINED, Ordered, course, formed
from komainu.api.foresight import imagine, to_json
from komainu.cli.course import IMAGINED as CODE, _time, draw
from komainu.cli.speech import Speech
from komainu.model import commands as c
from komainu.model.config import Cluster
from tests.doubles.daemons import cluster, resource

PLAIN = Speech("en", coloured=False)
CONFIG = cluster(resource("vip"), resource("app", depends_on=("vip",)), detect_within_ms=2_000)


def lost(config: Cluster = CONFIG) -> Any:
    return imagine(config, {"what": "node-lost", "nodes": ["n1"]})


def ordered(command: c.Command) -> Any:
    state = formed(CONFIG)
    return to_json(state, course(state, Ordered(command, "n1")))


def test_the_steps_stand_in_their_order() -> None:
    lines = draw(lost(), PLAIN)

    assert lines[0] == "Nothing is changed: this would happen."
    assert lines[1] == "    2.0 s    The members are now: n2."
    steps = [line.strip() for line in lines]
    assert steps.index("→ start vip on n2") < steps.index("→ start app on n2")
    assert "n1: Online → Offline" in steps
    assert "web: Online Pending → Online (n2)" in steps
    assert any("~ start vip on n2: assumed to succeed" in line for line in lines)


def test_the_end_says_what_becomes_of_each_and_why() -> None:
    lines = draw(lost(), PLAIN)
    end = lines[lines.index("What becomes of it") + 1 :]

    assert end[0].split() == ["○", "n1", "Offline"]
    assert "nothing proves it" in end[1]
    assert end[2].split() == ["●", "n2", "Online"]
    assert end[3].split() == ["●", "web", "Online", "n2"]
    assert "configured waits" in end[-1]


def test_a_group_that_would_wait_says_for_what() -> None:
    lines = draw(lost(cluster(arbitration="operator")), PLAIN)

    assert any("confirm-gone n1" in line for line in lines[lines.index("What becomes of it") :])


def test_a_refusal_is_all_there_is() -> None:
    told = ordered(c.ConfirmGone("n2", 0))

    assert len(draw(told, PLAIN)) == 2
    assert "not lost" in draw(told, PLAIN)[1]


def test_an_answer_that_is_an_alert_as_well_stands_at_its_moment_alone() -> None:
    wanted = CONFIG.model_copy(update={"version": CONFIG.version + 1})
    told = ordered(c.ChangeConfiguration(wanted, "root", "-"))
    lines = [line.strip() for line in draw(told, PLAIN)]

    assert [line for line in lines if "in force" in line] == ["! Configuration version 2 is in force (root)."]
    assert lines[1].startswith("0.0 s")


def test_what_was_imagined_is_not_told_again() -> None:
    told = imagine(CONFIG, {"what": "resource-failed", "resource": "app"})

    assert IMAGINED.code == CODE
    assert any(alert["code"] == CODE for moment in told["moments"] for alert in moment["alerts"])
    assert not any("Imagined" in line for line in draw(told, PLAIN))


def test_a_course_that_is_cut_off_says_so() -> None:
    assert any("does not come to rest" in line for line in draw({**lost(), "complete": False}, PLAIN))


def test_colours_and_languages_change_nothing_else() -> None:
    coloured = draw(lost(), Speech("en", coloured=True))

    assert [re.sub(r"\x1b\[[0-9]+m", "", line) for line in coloured] == draw(lost(), PLAIN)
    japanese = draw(lost(), Speech("ja", coloured=False))
    assert len(japanese) == len(coloured)
    assert "結果" in japanese


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0.0 s"), (450, "0.4 s"), (59_999, "59.9 s"), (60_000, "1:00"), (3_661_000, "1:01:01")]
)
def test_times_are_short(ms: int, text: str) -> None:
    assert _time(ms) == text
