"""`komainu fence check`: each node that could be fenced, and why another one could not."""

import json
from pathlib import Path

import pytest

from komainu.cli.fence import draw
from komainu.cli.speech import Speech
from komainu.model.config import Fence
from tests.doubles.served import Served, serve
from tests.doubles.votes import MemoryVotes, lease

SAID = {"code": "KM1", "level": "error", "en": "no permission", "ja": "権限なし"}


def test_what_is_found_stands_beneath_the_node_it_concerns() -> None:
    hint = {**SAID, "level": "warning", "en": "a hint"}
    nodes = [{"node": "n2", "findings": [hint]}, {"node": "n3", "findings": [SAID]}]
    lines = draw({"good": False, "by": "n1", "type": "ec2_stop", "nodes": nodes}, Speech("en", coloured=False))
    assert lines == [
        "● n2  can be fenced  (ec2_stop)",
        "    └ a hint",
        "✗ n3  cannot be fenced  (ec2_stop)",
        "    └ no permission",
        "Seen from n1. Give the command on every node: each has permissions and ways of its own.",
    ]
    lines = draw({"good": False, "by": "n1", "type": "ec2_stop", "nodes": nodes}, Speech("ja", coloured=False))
    assert "強制停止できません" in lines[2]


@pytest.mark.sockets
def test_the_exit_code_tells_whether_all_can_be_fenced(tmp_path: Path) -> None:
    arbitration = lease().arbitration.model_copy(update={"fence": Fence(type="gun", params={})})

    async def story(served: Served) -> None:
        told = await served.komainu("fence", "check")
        assert (told.code, "cannot be fenced" in told.out) == (1, True)
        told = await served.komainu("fence", "check", "--json")
        assert (told.code, json.loads(told.out)["good"]) == (1, False)

    serve(tmp_path, story, lease().model_copy(update={"arbitration": arbitration}), votes=MemoryVotes())


@pytest.mark.sockets
def test_a_cluster_without_a_fence_says_so(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        told = await served.komainu("fence", "check")
        assert (told.code, "names none" in told.err) == (1, True)

    serve(tmp_path, story, lease(), votes=MemoryVotes())
