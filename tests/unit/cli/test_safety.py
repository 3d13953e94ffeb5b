"""`komainu explain safety`: of a file, or of what holds on this node, without a daemon."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.test_configuration import FILE, World

THREE = FILE.replace("operator", "majority").replace(
    "groups:", "  - {name: n2, links: [10.0.0.2]}\n  - {name: n3, links: [10.0.0.3]}\ngroups:"
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.file.write_text(THREE)
    return world


def test_a_file_is_explained_chapter_by_chapter(world: World) -> None:
    told = world.komainu("explain", "safety", "--config", str(world.file))

    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0] == f"test  {world.file} · arbitration majority (strong)"
    heads = [line for line in lines[1:] if line and not line.startswith(" ")]
    assert heads == ["What cannot happen", "What this rests on", "What is not covered", "The times"]
    assert "  - The clocks of all nodes run at the right speed within 1 %," in told.out
    # What the file gives reason to warn of is told beside it, notes are not.
    assert "(KM1727)" in told.err
    assert "(KM1725)" not in told.err


def test_it_is_told_in_japanese(world: World) -> None:
    told = world.komainu("explain", "safety", "--config", str(world.file), "--lang", "ja")

    assert "アービトレーション majority (強い)" in told.out
    assert "起こり得ないこと" in told.out.splitlines()


def test_without_one_asked_for_the_language_is_the_clusters(world: World) -> None:
    world.file.write_text(THREE.replace("name: test,", "name: test, language: ja,"))

    assert "その前提" in world.komainu("explain", "safety", "--config", str(world.file)).out


def test_programs_get_it_in_both_languages(world: World) -> None:
    told = json.loads(world.komainu("explain", "safety", "--config", str(world.file), "--json").out)

    assert (told["cluster"], told["version"], told["kind"], told["strength"]) == ("test", None, "majority", "strong")
    first = told["chapters"][0]
    assert first["title"]["ja"] == "起こり得ないこと"
    assert {"code", "level", "en", "ja"} == set(first["sentences"][0])


def test_without_a_file_it_is_what_holds_on_this_node(world: World) -> None:
    before = world.komainu("explain", "safety")
    assert before.code == 1
    assert "komainu init" in before.err

    world.offline.init(world.file, "n1", None, force=False)
    world.file.write_text("")
    told = world.komainu("explain", "safety")
    assert told.code == 0
    assert told.out.splitlines()[0] == "test  configuration 1 · arbitration majority (strong)"
    assert told.err == ""


def test_nothing_is_said_of_a_file_with_errors(world: World) -> None:
    world.file.write_text(THREE.replace("n3", "n2"))
    told = world.komainu("explain", "safety", "--config", str(world.file))

    assert (told.code, told.out) == (1, "")
    assert "komainu config check" in told.err


def test_a_file_has_no_last_actions(world: World) -> None:
    told = world.komainu("explain", "--config", str(world.file))

    assert told.code == 2
    assert "komainu explain safety" in told.err


def test_there_is_nothing_else_to_explain(world: World) -> None:
    assert world.komainu("explain", "everything").code == 2
