"""The port Watchdog: one suite for the fake and for the device of a machine in the lab.

There the cases run in the machine, against `/dev/watchdog`: `python -m tests.ports.test_watchdog CASE`. Whether the
machine was reset tells whether the device fired.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from komainu.ports import Watchdog
from komainu_lab.lab import Lab
from komainu_lab.topology import onprem
from tests.doubles.machine import FakeWatchdog
from tests.lab.stage import until

TIMEOUT_MS = 2_000
FIRES_WITHIN_S = 10.0

Pass = Callable[[int], None]
"""Let so many milliseconds pass."""


def an_armed_one_fires(watchdog: Watchdog, wait: Pass) -> None:
    watchdog.arm(TIMEOUT_MS)
    wait(TIMEOUT_MS * 2)


def one_that_is_patted_does_not(watchdog: Watchdog, wait: Pass) -> None:
    watchdog.arm(TIMEOUT_MS)
    for _ in range(6):
        wait(TIMEOUT_MS // 4)
        watchdog.pat()
    watchdog.disarm()
    wait(TIMEOUT_MS * 2)


def a_longer_time_takes_the_place_of_a_shorter_one(watchdog: Watchdog, wait: Pass) -> None:
    watchdog.arm(TIMEOUT_MS)
    watchdog.arm(60_000)
    wait(TIMEOUT_MS * 2)
    watchdog.disarm()


def the_end_of_its_owner_does_not_disarm_it(watchdog: Watchdog, wait: Pass) -> None:
    watchdog.arm(TIMEOUT_MS)


CASES: dict[str, tuple[Callable[[Watchdog, Pass], None], bool]] = {
    case.__name__: (case, fires)
    for case, fires in (
        (an_armed_one_fires, True),
        (one_that_is_patted_does_not, False),
        (a_longer_time_takes_the_place_of_a_shorter_one, False),
        (the_end_of_its_owner_does_not_disarm_it, True),
    )
}


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    watchdog = FakeWatchdog()
    run, fires = CASES[case]
    run(watchdog, watchdog.pass_ms)
    watchdog.pass_ms(TIMEOUT_MS * 2)
    assert watchdog.fired is fires


def test_fake_without_a_device() -> None:
    with pytest.raises(FileNotFoundError):
        FakeWatchdog(absent=True).arm(TIMEOUT_MS)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(onprem(), name=f"test-{os.getpid()}-watchdog") as lab:
        lab.power_on("node1")
        yield lab


@pytest.mark.lab
@pytest.mark.parametrize("case", CASES)
def test_device(lab: Lab, case: str) -> None:
    node = lab.node("node1")
    before = node.pid
    place = f"PYTHONPATH={Path(__file__).resolve().parents[2]}"
    done = node.run(["env", place, sys.executable, "-m", __spec__.name, case], check=False)
    if CASES[case][1]:
        until(lambda: node.pid not in (0, before), "the machine is reset and boots", FIRES_WITHIN_S)
    else:
        assert done.returncode == 0, done.stderr
        assert node.pid == before


@pytest.mark.lab
def test_the_device_is_for_one_at_a_time(lab: Lab) -> None:
    node = lab.node("node1")
    taken = "exec 3> /dev/watchdog; (echo > /dev/watchdog) 2>&1; printf V >&3"
    assert "busy" in node.run(["sh", "-c", taken]).stdout


def main(name: str) -> None:
    """In the machine: one case against the device."""
    from komainu.adapters.linux.watchdog import LinuxWatchdog

    assert Path("/run/lab").is_dir(), "not a machine of the lab: this could reset the host"
    CASES[name][0](LinuxWatchdog(), _pass)


def _pass(ms: int) -> None:
    threading.Event().wait(ms / 1000)


if __name__ == "__main__":
    main(sys.argv[1])
