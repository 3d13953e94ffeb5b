"""`komainu-lab` as a person uses it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu_lab.cgroups import lab_groups
from komainu_lab.lab import ROOT
from tests.lab.stage import until

pytestmark = pytest.mark.lab

LAB = str(Path(sys.prefix) / "bin" / "komainu-lab")
NAME = f"test-{os.getpid()}-verbs"
KEYS = {
    "example", "versions", "detect_ms", "activate_ms", "client_gap_ms", "move_gap_ms",
    "api_calls_in_takeover", "served_by_before", "served_by_after", "served",
}  # fmt: skip


def lab(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a verb; the output is never a terminal here."""
    return subprocess.run([LAB, *arguments], capture_output=True, text=True, timeout=timeout_s)


@pytest.fixture(scope="module")
def up() -> Iterator[str]:
    try:
        done = lab("up", "--example", "onprem", "--name", NAME)
        assert done.returncode == 0, done.stderr
        yield NAME
    finally:
        done = lab("down", "--name", NAME)
        assert done.returncode == 0, done.stderr
        assert not (ROOT / NAME).exists()


def power(machine: str) -> str:
    answer = json.loads(lab("status", "--json", "--name", NAME).stdout)
    return next(str(each["power"]) for each in answer["machines"] if each["name"] == machine)


def test_status_shows_machines_and_the_cluster(up: str) -> None:
    answer = json.loads(lab("status", "--json", "--name", up).stdout)
    assert [machine["name"] for machine in answer["machines"]] == ["node1", "node2", "client"]
    assert answer["service"] == "192.168.10.20"
    shown = lab("status", "--name", up).stdout
    assert "node1" in shown
    assert "192.168.10.11" in shown
    assert "failover1" in shown, "what komainu status says belongs to it"


def test_a_second_lab_of_the_same_name_is_refused(up: str) -> None:
    done = lab("up", "--example", "onprem", "--name", up)
    assert done.returncode == 1
    assert f"a lab named '{up}' is up already" in done.stderr
    assert "Traceback" not in done.stderr


def test_shell_runs_a_command_inside_a_machine(up: str) -> None:
    done = lab("shell", "node2", "--name", up, "--", "hostname")
    assert (done.returncode, done.stdout) == (0, "node2\n")
    assert lab("shell", "node2", "--name", up, "--", "sh", "-c", "exit 7").returncode == 7


def test_faults_are_done_and_undone(up: str) -> None:
    assert lab("fault", "freeze", "node2", "--name", up).returncode == 0
    assert power("node2") == "frozen"
    refused = lab("shell", "node2", "--name", up, "--", "true")
    assert refused.returncode == 1
    assert refused.stderr == "komainu-lab: node2 is frozen\n"
    assert lab("fault", "thaw", "node2", "--name", up).returncode == 0
    assert power("node2") == "on"
    assert lab("fault", "cut", "node2", "--direction", "in", "--name", up).returncode == 0
    assert json.loads(lab("status", "--json", "--name", up).stdout)["cuts"] == ["cut node2"]
    assert lab("fault", "heal", "--name", up).returncode == 0
    assert json.loads(lab("status", "--json", "--name", up).stdout)["cuts"] == []


def test_nonsense_is_one_sentence(up: str) -> None:
    done = lab("fault", "explode", "--name", up)
    assert done.returncode == 1
    assert done.stderr.startswith("komainu-lab: there is no fault 'explode'; there are power-off,")
    assert done.stderr.count("\n") == 1
    nobody = lab("status", "--name", "test-nobody")
    assert nobody.returncode == 1
    assert (
        nobody.stderr == "komainu-lab: no lab named 'test-nobody' is up; start one: komainu-lab up --name test-nobody\n"
    )


def test_the_list_of_faults_says_what_each_does() -> None:
    shown = lab("fault", "list").stdout
    assert "source-dest-check" in shown
    assert "Loss of power of a machine." in shown


def test_client_shows_who_answers(up: str) -> None:
    assert "answered by node" in lab("client", "--seconds", "2", "--name", up).stdout


@pytest.mark.parametrize("example", ["vip", "onprem"])
def test_demo(example: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    begun = time.monotonic()
    done = lab("demo", "--example", example, "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(file.read_text())
    assert set(content) == KEYS
    assert content["served"] is True
    assert (content["served_by_before"], content["served_by_after"]) == ("node1", "node2")
    assert 0 < content["detect_ms"] <= content["client_gap_ms"]
    assert content["api_calls_in_takeover"] == ({"ReplaceRoute": 3} if example == "vip" else {})
    assert content["move_gap_ms"] > 0
    assert time.monotonic() - begun < 90


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_demo_leaves_nothing(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [LAB, "demo", "--example", "onprem"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if "cluster service" in line:
                break
        names = [path.name for path in ROOT.iterdir() if path.name.startswith("demo-onprem-") and path.is_dir()]
        os.kill(process.pid, number)
        process.stdout.read()
    process.wait(30)
    assert names
    for name in names:
        until(lambda name=name: not (ROOT / f"{name}.lock").exists(), "the lab is gone")  # type: ignore[misc]
        assert not (ROOT / name).exists()
        assert [group for group in lab_groups(name) if group.path.exists()] == []
