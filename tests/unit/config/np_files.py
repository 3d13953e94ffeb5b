"""Configuration files with a section `np`, read with the types that ship."""

import json
from pathlib import Path
from typing import Any

import yaml

from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.config.problem import Problem
from komainu.config.read import Reading, read

EXAMPLE = Path(__file__).parents[3] / "examples" / "onprem-fip.yaml"
OUTSIDE, OUTSIDE_TOO, NODE2, MOVING = "192.168.10.1", "192.168.10.254", "192.168.10.12", "192.168.10.20"
TWO = [{"ping": OUTSIDE}, {"listen": f"{OUTSIDE_TOO}:443"}]


def reading(np: Any, *, arbitration: str = "operator", monitors: list[Any] | None = None) -> Reading:
    """The example with that section."""
    document = yaml.safe_load(EXAMPLE.read_text())
    document["cluster"].update(arbitration=arbitration, np=np)
    if monitors is not None:
        document["monitors"] = monitors
    return read(json.dumps(document).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES)


def found(problems: tuple[Problem, ...], level: str = "error") -> list[tuple[str, str]]:
    """Path and code of every problem of that level about the section."""
    told = [problem for problem in problems if problem.said.level == level and problem.path.startswith("cluster.np")]
    return [(problem.path, problem.said.code) for problem in told]
