"""The port Power: one suite for the fake and for the kernel.

The kernel's part runs as process 1 of a process namespace of its own, which is all that reboot(2) ends there:
`python -m tests.ports.test_power CASE`. How its holder ends tells what became of the machine.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from komainu.adapters.linux import power
from komainu.adapters.linux.power import LinuxPower, Places
from komainu.ports import Power
from tests.doubles.machine import FakePower


async def a_shutdown_switches_off(machine: Power) -> None:
    await machine.shutdown()


async def a_reboot_restarts(machine: Power) -> None:
    await machine.reboot()


async def a_reset_restarts(machine: Power) -> None:
    machine.reset()


async def what_is_refused_is_an_error_and_ends_nothing(machine: Power) -> None:
    with pytest.raises(OSError, match=r"[a-z]"):
        machine.panic()


CASES: dict[str, tuple[Callable[[Power], Coroutine[object, object, None]], str]] = {
    case.__name__: (case, ending)
    for case, ending in (
        (a_shutdown_switches_off, "off"),
        (a_reboot_restarts, "restart"),
        (a_reset_restarts, "restart"),
        (what_is_refused_is_an_error_and_ends_nothing, ""),
    )
}
ENDINGS = {-signal.SIGINT: "off", -signal.SIGHUP: "restart", 0: ""}
"By which signal the kernel says that a process namespace was switched off or restarted."


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    machine = FakePower()
    machine.refuses = ("panic",)
    act, ending = CASES[case]
    asyncio.run(act(machine))
    assert machine.ending == ending


@pytest.mark.lab
@pytest.mark.parametrize("case", CASES)
def test_kernel(case: str) -> None:
    child = subprocess.run(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-m", __spec__.name, case],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode in ENDINGS, child.stderr
    assert ENDINGS[child.returncode] == CASES[case][1], child.stderr


def main(name: str) -> None:
    """In the child: one case against reboot(2); no service manager, and a sysrq file that is not the kernel's."""
    assert os.getpid() == 1, "not in a namespace of its own: this would end the host"
    power.EFFECT_MS = 100
    nowhere = Path(tempfile.gettempdir()) / "komainu-test-absent" / "file"
    asyncio.run(CASES[name][0](LinuxPower(Places(sysrq=nowhere, systemd=nowhere), shutdown="false")))


if __name__ == "__main__":
    main(sys.argv[1])
