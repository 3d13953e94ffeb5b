"""The list of guards applies to the source of today, and the runner tells what became of each."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import __main__ as run
from tests.mutants.guards import GUARDS
from tests.mutants.mutate import DoesNotApplyError, Guard, applied

SOURCE = '''
def first(a, b):
    """Says which."""
    if a and b:  # a comment
        return a
    return [a, b, a]


def second(a):
    a = a + 1
    print(a)
    return a
'''


def guard(where: str, old: str, new: str, nth: int = 0) -> Guard:
    """A guard of SOURCE."""
    return Guard("x", "x.py", where, old, new, nth)


@pytest.mark.parametrize("each", GUARDS, ids=lambda each: each.name)
def test_every_guard_applies(each: Guard) -> None:
    changed = applied(each, (run.PACKAGE / each.file).read_text(encoding="utf-8"))
    compile(changed, each.file, "exec")


def test_there_are_many_and_each_has_a_name() -> None:
    assert len({each.name for each in GUARDS}) == len(GUARDS) >= 60


def test_an_expression_and_statements_are_replaced() -> None:
    assert "if False:" in applied(guard("first", "a and b", "False"), SOURCE)
    assert "return [a, b, None]" in applied(guard("first", "a", "None", 4), SOURCE)
    assert "a = a + 1\n    return a" in applied(guard("second", "a = a + 1\nprint(a)", "a = a + 1"), SOURCE)
    assert "pass\n    return a" in applied(guard("second", "print(a)", "pass"), SOURCE)


@pytest.mark.parametrize(
    "each",
    [
        guard("first", "a or b", "False"),
        guard("second", "a and b", "False"),
        guard("third", "a", "b"),
        guard("first", "a", "b"),
        guard("first", "a", "b", 9),
        guard("first", "a and b", "a  and  b"),
    ],
    ids=["another text", "another function", "no function", "several", "not so many", "by itself"],
)
def test_what_does_not_apply_is_told(each: Guard) -> None:
    with pytest.raises(DoesNotApplyError):
        applied(each, SOURCE)


@pytest.mark.slow
@pytest.mark.processes
def test_a_guard_that_nobody_misses_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the scenarios are tried here; what they do not notice survives."""
    takeover = next(each for each in GUARDS if each.name == "lost-node-hinders")
    idle = Guard("idle", "core/takeover.py", "by_others", "node != home", "home != node")
    stale = Guard("stale", "core/takeover.py", "hindrance", "no_such_thing", "None")
    assert run.main([], ("scenarios",), (takeover, idle, stale)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "scenarios: " in next(line for line in lines if line.startswith("lost-node-hinders"))
    assert "NOBODY" in next(line for line in lines if line.startswith("idle"))
    assert "DOES NOT APPLY" in next(line for line in lines if line.startswith("stale"))
    assert lines[-1].startswith("3 guards: 1 killed, 1 survived, 1 do not apply")
    assert run.main([], ("scenarios",), (takeover,)) == 0


@pytest.mark.processes
def test_a_core_from_elsewhere_is_not_judged(tmp_path: Path) -> None:
    """Else a path that is set wrongly would have every mutant judged by the core as it is."""
    command = [sys.executable, "-m", "tests.mutants.judge", str(tmp_path), "", "scenarios"]
    done = subprocess.run(command, cwd=run.ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "comes from" in done.stderr


def test_the_guards_can_be_chosen_by_their_names() -> None:
    assert {each.name for each in run.chosen(["audit"])} == {each.name for each in GUARDS if "audit" in each.name}
    assert run.chosen([]) == GUARDS
    assert run.chosen(["no such name"]) == ()
