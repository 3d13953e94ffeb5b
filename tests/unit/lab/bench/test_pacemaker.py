"""What Pacemaker says of itself, its resources, and the agent of the application."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from komainu_lab.bench import pacemaker

ANSWER = """<pacemaker-result api-version="2.25">
  <summary><current_dc present="true" name="node1" id="1"/></summary>
  <nodes>
    <node name="node1" id="1" online="true" pending="false"/>
    <node name="node2" id="2" online="true" pending="false"/>
  </nodes>
  <resources>
    <group id="service">
      <resource id="address" role="Started"><node name="node1" id="1"/></resource>
      <resource id="web" role="Started"><node name="node1" id="1"/></resource>
    </group>
  </resources>
</pacemaker-result>"""
NODES = ("node1", "node2")


def test_where_everything_runs_is_read() -> None:
    seen = pacemaker.read(ANSWER)
    assert seen is not None
    assert seen.coordinator == "node1"
    assert seen.online == NODES
    assert seen.places == {"address": "node1", "web": "node1"}
    assert pacemaker.agreed([seen, seen], NODES) == "node1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('present="true" name="node1"', 'present="false"'),
        ('name="node2" id="2" online="true" pending="false"', 'name="node2" id="2" online="true" pending="true"'),
        ('name="node2" id="2" online="true"', 'name="node2" id="2" online="false"'),
        ('id="web" role="Started"', 'id="web" role="Stopped"'),
        ('id="web" role="Started"', 'id="web" role="Started" pending="Monitoring"'),
        (
            '<resource id="web" role="Started"><node name="node1"',
            '<resource id="web" role="Started"><node name="node2"',
        ),
    ],
)
def test_what_is_not_settled_is_seen(old: str, new: str) -> None:
    assert old in ANSWER
    changed = pacemaker.read(ANSWER.replace(old, new))
    assert changed is not None
    assert pacemaker.agreed([changed, changed], NODES) == ""


def test_both_nodes_have_to_say_the_same() -> None:
    seen = pacemaker.read(ANSWER)
    assert seen is not None
    assert pacemaker.agreed([seen, replace(seen, coordinator="node2")], NODES) == ""
    assert pacemaker.agreed([seen, None], NODES) == ""
    assert pacemaker.agreed([], NODES) == ""


def test_no_answer_is_none() -> None:
    assert pacemaker.read("Connection to cluster failed") is None


def test_the_resources_are_one_group_in_order() -> None:
    group = ElementTree.fromstring(pacemaker.resources("192.168.10.20", ["/usr/bin/python3", "app.py", "8080"]))
    assert [each.get("type") for each in group.findall("primitive")] == ["IPaddr2", "application"]
    values = {each.get("name"): each.get("value") for each in group.iter("nvpair")}
    assert values == {
        "ip": "192.168.10.20",
        "cidr_netmask": "24",
        "nic": "eth0",
        "command": "/usr/bin/python3 app.py 8080",
    }


class Agent:
    """The agent, called as Pacemaker calls it."""

    def __init__(self, folder: Path, command: str) -> None:
        self.environment = {"PATH": os.environ["PATH"], "HA_RSCTMP": str(folder), "OCF_RESKEY_command": command}

    def __call__(self, action: str) -> int:
        done = subprocess.run(
            [pacemaker.AGENT, action], env=self.environment, timeout=20, capture_output=True, text=True
        )
        assert not done.stderr
        return done.returncode


@pytest.mark.processes
def test_the_agent_starts_watches_and_stops(tmp_path: Path) -> None:
    agent = Agent(tmp_path, f"{sys.executable} -c __import__('signal').pause()")
    assert agent("monitor") == 7
    assert agent("start") == 0
    try:
        assert agent("monitor") == 0
        first = (tmp_path / "komainu-bench-application.pid").read_text()
        assert agent("start") == 0
        assert (tmp_path / "komainu-bench-application.pid").read_text() == first
    finally:
        assert agent("stop") == 0
    assert agent("monitor") == 7
    assert agent("stop") == 0
    assert agent("unheard-of") == 3


@pytest.mark.processes
def test_the_agent_describes_itself(tmp_path: Path) -> None:
    done = subprocess.run([pacemaker.AGENT, "meta-data"], timeout=20, capture_output=True, text=True, check=True)
    described = ElementTree.fromstring(done.stdout)
    assert {each.get("name") for each in described.iter("action")} >= {"start", "stop", "monitor"}
