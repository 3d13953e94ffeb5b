"""`komainu what-if`: of the cluster as it is, and of a file without any daemon."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from komainu.api.offline import Offline
from komainu.api.operation import OperationRefused
from komainu.compose import _offline
from komainu.model.message import Message
from tests.doubles.served import Served, komainu, serve

pytestmark = pytest.mark.sockets
DOCS = Path(__file__).parents[3] / "docs"
SAID = Message("TEST33", "so it is", "そうです", "error").said()
YAML = """
cluster: {name: shop, environment: onprem, arbitration: {kind: none}}
nodes:
  - {name: node1, links: [10.0.0.1]}
  - {name: node2, links: [10.0.0.2]}
groups:
  - name: web
    resources:
      - {name: app, type: exec, params: {start: /bin/true, stop: /bin/true}}
"""


def test_of_the_cluster_as_it_is(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        people = await served.komainu("what-if", "node-lost", "n1")
        assert (people.code, people.err) == (0, "")
        assert "→ start app on n2" in people.out
        programs = await served.komainu("what-if", "resource-failed", "web", "app", "--times", "4", "--json")
        told = json.loads(programs.out)
        assert [each["after"]["node"] for each in told["groups"]] == ["n2"]
        returns = await served.komainu("what-if", "node-returns", "n2")
        assert (returns.code, "is there already" in returns.err) == (1, True)
        near = await served.komainu("what-if", "resource-failed", "ap")
        assert (near.code, near.err) == (1, "There is no resource ap. Did you mean app?\n")
        assert served.world.things.on("app") == ["n1"]

    serve(tmp_path, story)


def test_of_a_file_without_a_daemon(tmp_path: Path) -> None:
    file, nobody = tmp_path / "cluster.yaml", tmp_path / "nobody"
    file.write_text(YAML)
    told = komainu("what-if", "node-lost", "node1", "--config", str(file), socket=nobody, offline=_offline)
    unknown = komainu("what-if", "node-lost", "node3", "--config", str(file), socket=nobody, offline=_offline)

    assert told.code == 0, told.err
    assert "→ start app on node2" in told.out
    assert (unknown.code, "Did you mean node" in unknown.err) == (1, True)


def test_a_file_with_errors_is_not_imagined(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("cluster: {}\n")
    told = komainu("what-if", "node-lost", "n", "--config", str(file), socket=tmp_path / "nobody", offline=_offline)

    assert (told.code, "config check" in told.err) == (1, True)


def test_what_is_asked_of_the_file_is_what_was_written(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    class Files(Offline):
        def __init__(self) -> None:
            """Needs nothing."""

        def what_if(self, file: Path, question: dict[str, Any]) -> dict[str, Any]:
            asked.append(question)
            raise OperationRefused(SAID)

    for words in (
        ("node-lost", "a", "b"),
        ("daemon-lost", "a"),
        ("node-returns", "a"),
        ("resource-failed", "r", "--times", "2"),
        ("resource-failed", "g", "r"),
        ("monitor-failed", "m"),
        ("monitor-failed", "m", "a", "--times", "3"),
    ):
        told = komainu("what-if", *words, "--config", "x", socket=tmp_path / "nobody", offline=Files)
        assert told.code == 1
    assert asked == [
        {"what": "node-lost", "nodes": ["a", "b"]},
        {"what": "daemon-lost", "nodes": ["a"]},
        {"what": "node-returns", "nodes": ["a"]},
        {"what": "resource-failed", "resource": "r", "group": None, "times": 2},
        {"what": "resource-failed", "resource": "r", "group": "g", "times": 1},
        {"what": "monitor-failed", "monitor": "m", "nodes": [], "times": 1},
        {"what": "monitor-failed", "monitor": "m", "nodes": ["a"], "times": 3},
    ]


@pytest.mark.parametrize(
    "words", [("node-lost",), ("node-lst", "n1"), ("resource-failed", "r", "--times", "0"), ("monitor-failed",)]
)
def test_what_is_not_written_rightly_is_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert komainu("what-if", *words, socket=tmp_path / "nobody").code == 2


def _shown(page: str) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Of each example of a page: the file, the command's words, and the stretches of its answer between `...`."""
    head, *blocks = re.findall(
        r"^```(yaml|)\n(.*?)^```", page[page.index("cluster:\n") - 8 :], re.DOTALL | re.MULTILINE
    )
    file = ""
    for kind, text in blocks:
        if kind == "yaml":
            file = head[1] + text
            continue
        command, *lines = text.splitlines()
        assert command.startswith("# komainu what-if ")
        stretches: list[list[str]] = [[]]
        for line in lines:
            if line == "...":
                stretches.append([])
            else:
                stretches[-1].append(line)
        yield file, command.split()[2:], stretches


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_the_groups_page_shows_is_what_happens(tmp_path: Path, language: str) -> None:
    examples = list(_shown((DOCS / language / "groups.md").read_text()))
    assert len(examples) == 4
    for text, words, stretches in examples:
        file = tmp_path / words.pop()
        file.write_text(text)
        told = komainu(*words, str(file), "--lang", language, socket=tmp_path / "nobody", offline=_offline)
        assert (told.code, told.err) == (0, "")
        place, out = 0, told.out
        for stretch in stretches:
            wanted = "".join(f"{line}\n" for line in stretch)
            place = out.find(wanted, place)
            assert place >= 0, f"{words}: the page shows\n{wanted}and this is what happens:\n{out}"
            place += len(wanted)
