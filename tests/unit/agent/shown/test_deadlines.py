"""Every timer that the core arms has words of its own, and says what it is about."""

import ast
from pathlib import Path

import pytest

from komainu.agent.shown import deadlines
from komainu.agent.shown.deadlines import OTHER, concerns, deadline
from komainu.core import timers


def kinds() -> list[str]:
    """The kinds of timers that the core knows what to do with: the cases of `timers.fire`, and its last branch."""
    tree = ast.parse(Path(timers.__file__).read_text())
    fire = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "fire")
    cases = [node.value for node in ast.walk(fire) if isinstance(node, ast.MatchValue)]
    return [case.value for case in cases if isinstance(case, ast.Constant)] + ["retry", "settled"]  # type: ignore[misc]


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_its_sentence(kind: str) -> None:
    said = deadline(f"{kind}:one:two:three:four")

    assert said.code != OTHER.code
    assert "{" not in said.en + said.ja


def test_a_resource_is_named_with_its_node() -> None:
    said = deadline("retry:web:app:n2:7.1")

    assert (said.en, said.ja) == ("app on n2 is tried once more", "n2 で app を再試行")
    assert concerns("retry:web:app:n2:7.1") == {"group": "web", "resource": "app", "node": "n2"}


def test_a_kind_of_another_release_is_shown_as_it_is() -> None:
    assert "odd:thing" in deadline("odd:thing").en
    assert concerns("odd:thing") == {}
    assert deadlines.deadline("startup").code == deadlines.STARTUP.code
