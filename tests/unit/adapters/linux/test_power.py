"""Whom the adapter asks to end the machine, and in which order. The kernel's own part is in tests/ports/test_power."""

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from komainu.adapters.linux import power
from komainu.adapters.linux.power import LinuxPower, Places

pytestmark = pytest.mark.processes

RESTART, POWER_OFF = 0x01234567, 0x4321FEDC


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "EFFECT_MS", 1)


class Machine:
    """A machine of which nothing is real."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = Places(folder / "sysrq-trigger", folder / "systemd")
        self.log = folder / "log"
        self.rebooted: list[int] = []
        self.refusal: OSError | None = None

    @property
    def power(self) -> LinuxPower:
        return LinuxPower(self.places, self._reboot, str(self.folder / "shutdown"))

    def _reboot(self, command: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.rebooted.append(command)

    def program(self, name: str, status: int = 0, also: str = "") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> {self.log}\n{also}\nexit {status}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    # No program of this machine may be found: it would end it.
    monkeypatch.setenv("PATH", str(tmp_path))
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("act", "said"), [(LinuxPower.shutdown, "poweroff"), (LinuxPower.reboot, "reboot")], ids=["shutdown", "reboot"]
)
def test_systemd_is_asked_where_it_runs_the_machine(machine: Machine, act: Callable[..., object], said: str) -> None:
    machine.places.systemd.mkdir()
    machine.program("systemctl")
    asyncio.run(act(machine.power))  # type: ignore[arg-type]

    assert machine.asked() == [f"systemctl --ignore-inhibitors {said}"]
    assert machine.rebooted == []


def test_another_init_is_asked_by_its_program(machine: Machine) -> None:
    machine.program("shutdown")
    asyncio.run(machine.power.shutdown())
    asyncio.run(machine.power.reboot())

    assert machine.asked() == ["shutdown -P now", "shutdown -r now"]
    assert machine.rebooted == []


def test_the_kernel_is_asked_when_no_service_manager_answers(machine: Machine) -> None:
    machine.places.systemd.mkdir()
    machine.program("systemctl", status=1)
    asyncio.run(machine.power.shutdown())
    asyncio.run(machine.power.reboot())

    assert machine.rebooted == [POWER_OFF, RESTART]


def test_a_service_manager_that_hangs_is_not_waited_for(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "REQUEST_TIMEOUT_MS", 50)
    machine.program("shutdown", also="exec /bin/sleep 100")
    asyncio.run(machine.power.shutdown())

    assert machine.rebooted == [POWER_OFF]


def test_what_is_dirty_is_written_before_the_kernel_is_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[list[int]] = []
    monkeypatch.setattr(os, "sync", lambda: written.append(list(machine.rebooted)))
    asyncio.run(machine.power.reboot())

    assert written == [[]]
    assert machine.rebooted == [RESTART]


def test_a_disk_that_hangs_is_not_waited_for(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()
    monkeypatch.setattr(power, "SYNC_TIMEOUT_MS", 50)
    monkeypatch.setattr(os, "sync", lambda: back.wait(30))
    asyncio.run(machine.power.reboot())

    assert machine.rebooted == [RESTART]
    assert not back.is_set()
    back.set()


def test_nobody_takes_the_request(machine: Machine) -> None:
    machine.program("shutdown", status=3, also="echo not today >&2")
    machine.refusal = PermissionError(1, "reboot: Operation not permitted")

    with pytest.raises(OSError, match=r"shutdown -P now.*ended with 3: not today.*Operation not permitted"):
        asyncio.run(machine.power.shutdown())


def test_sysrq_gets_one_letter_and_the_disks_are_not_synced(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sync", lambda: pytest.fail("the disks may be what hangs"))
    machine.places.sysrq.touch()
    with pytest.raises(OSError, match="no effect"):
        machine.power.reset()

    assert machine.places.sysrq.read_text() == "b"


def test_a_reset_without_sysrq_is_a_restart_by_the_kernel(machine: Machine) -> None:
    with pytest.raises(OSError, match="no effect"):
        machine.power.reset()

    assert machine.rebooted == [RESTART]
    assert not machine.places.sysrq.exists(), "a file that watches nothing was made"


def test_a_panic_without_sysrq_is_refused(machine: Machine) -> None:
    with pytest.raises(FileNotFoundError):
        machine.power.panic()

    assert machine.rebooted == []


def test_a_panic_that_does_not_come_is_an_error(machine: Machine) -> None:
    machine.places.sysrq.touch()
    with pytest.raises(OSError, match="still runs"):
        machine.power.panic()

    assert machine.places.sysrq.read_text() == "c"


def test_a_sysrq_that_nobody_reads_is_not_waited_for(machine: Machine) -> None:
    os.mkfifo(machine.places.sysrq)
    machine.refusal = PermissionError(1, "reboot: Operation not permitted")

    with pytest.raises(OSError, match=r"sysrq.*Operation not permitted"):
        machine.power.reset()
