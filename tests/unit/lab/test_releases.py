"""The older releases that the lab upgrades from are what they are said to be, in a process of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from komainu.core.state import RULES
from komainu_lab import releases
from komainu_lab.errors import LabError

ASK = """
import dataclasses, json
from komainu import __file__ as file, __version__ as version
from komainu.agent.members import snapshot, wire
from komainu.core import state
from komainu.model.config import Cluster
cluster = Cluster.model_validate_json(%r)
fields = [*Cluster.model_fields, *(field.name for field in dataclasses.fields(state.State))]
command = {"verb": "maintenance", "on": True}
try:
    wire.event_from_json({"event": "CommandGiven", "id": "c", "origin": "a", "command": command})
    knows = True
except wire.Undecodable:
    knows = False
print(json.dumps([file, version, state.RULES, fields, knows, snapshot.encode(state.initial(cluster)).decode()]))
"""
PLAIN = json.dumps(
    {
        "name": "t",
        "environment": "onprem",
        "detect_within_ms": 1_500,
        "arbitration": {"kind": "none"},
        "nodes": [{"name": "a", "id": 1, "links": ["10.0.0.1"]}],
    }
)


def ask(tree: Path) -> list[object]:
    """What a process finds that takes the package from there."""
    done = subprocess.run(
        [sys.executable, "-c", ASK % PLAIN], env={"PYTHONPATH": str(tree)}, capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


@pytest.mark.processes
def test_an_older_release_decides_by_older_rules_and_lacks_what_it_lacks(tmp_path: Path) -> None:
    lowered = ask(releases.older(tmp_path / "lowered", releases.LOWERED))
    lacking = ask(releases.older(tmp_path / "lacking", releases.LACKING))
    assert [str(each[0]).startswith(str(tmp_path)) for each in (lowered, lacking)] == [True, True]
    assert lowered[1:3] == lacking[1:3] == ["0.0.9", RULES - 1]
    assert ("exclusions" in lowered[3], "maintenance" in lowered[3], lowered[4]) == (True, True, True)  # type: ignore[operator]
    assert ("exclusions" in lacking[3], "maintenance" in lacking[3], lacking[4]) == (False, False, False)  # type: ignore[operator]
    assert lowered[5] == lacking[5], "what uses nothing new is told alike"


def test_a_patch_that_does_not_fit_is_no_older_release(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="the older release is no more"):
        releases.older(tmp_path / "never", (releases.Patch("core/state.py", "RULES = 0\n", ""),))
