"""How the device is spoken to. The manners that the fake shares are in tests/ports/test_watchdog."""

import errno
import fcntl
import struct
import threading
from pathlib import Path

import pytest

from komainu.adapters.linux.watchdog import LinuxWatchdog

SET_TIMEOUT, GET_TIMEOUT = 0xC0045706, 0x80045707


class Device:
    """A file in place of the device, and the answers of its driver."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.longest_s = 1_000
        self.own_s = 60
        self.set_s: list[int] = []
        self.now = 0.0
        self.facts = path.with_name("facts")
        self.facts.mkdir()
        path.touch()
        monkeypatch.setattr(fcntl, "ioctl", self._ioctl)

    def watchdog(self) -> LinuxWatchdog:
        return LinuxWatchdog(self.path, lambda: self.now, self.facts)

    def says(self, **facts: str) -> None:
        """What the kernel tells of it."""
        for name, text in facts.items():
            (self.facts / name).write_text(text + "\n")

    def written(self) -> bytes:
        return self.path.read_bytes()

    def _ioctl(self, _descriptor: int, request: int, value: bytes) -> bytes:
        if request == SET_TIMEOUT:
            wanted = struct.unpack("i", value)[0]
            if wanted > self.longest_s:
                raise OSError(errno.EINVAL, "too long")
            self.set_s.append(wanted)
            self.own_s = wanted
        elif self.own_s < 0:
            raise OSError(errno.ENOTTY, "no watchdog")
        return struct.pack("i", self.own_s)


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(tmp_path / "watchdog", monkeypatch)


def test_the_time_is_set_in_seconds_rounded_up_and_begins_at_once(device: Device) -> None:
    watchdog = device.watchdog()
    watchdog.arm(1_500)

    assert device.set_s == [2]
    assert device.written() == b"\0"
    watchdog.disarm()
    assert device.written() == b"\0V"


def test_it_can_be_given_another_time_while_it_is_armed(device: Device) -> None:
    watchdog = device.watchdog()
    watchdog.arm(30_000)
    watchdog.arm(5_000)
    watchdog.pat()
    watchdog.disarm()
    watchdog.disarm()
    watchdog.pat()

    assert device.set_s == [30, 5]
    assert device.written() == b"\0\0\0V"


def test_a_device_that_waits_too_shortly_is_kept_alive_until_its_own_time_is_left(device: Device) -> None:
    device.longest_s, device.own_s = 10, 1
    watchdog = device.watchdog()
    watchdog.arm(60_000)
    try:
        told = len(device.written())
        _until(lambda: len(device.written()) > told + 1)
        device.now = 59.5
        _until_still(lambda: len(device.written()))
    finally:
        watchdog.disarm()


def test_without_a_device_nothing_is_made_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LinuxWatchdog(tmp_path / "watchdog").arm(1_000)

    assert list(tmp_path.iterdir()) == []


def test_what_knows_no_time_is_no_watchdog_and_is_let_go(device: Device) -> None:
    device.longest_s, device.own_s = 0, -1

    with pytest.raises(OSError, match="no watchdog"):
        device.watchdog().arm(1_000)
    assert device.written() == b"V", "it was opened, so it has to be disarmed"


def test_a_time_of_zero_is_none(device: Device) -> None:
    device.longest_s, device.own_s = 0, 0

    with pytest.raises(OSError, match="how long"):
        device.watchdog().arm(1_000)


def _until(condition: "object") -> None:
    assert callable(condition)
    for _ in range(1_000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come true")


def _until_still(value: "object") -> None:
    """Two looks, three of the device's own intervals apart, find the same."""
    assert callable(value)
    for _ in range(20):
        before = value()
        threading.Event().wait(0.75)
        if value() == before:
            return
    raise AssertionError("it goes on")


def test_a_device_that_cannot_be_disarmed_is_kept_alive(device: Device) -> None:
    device.says(nowayout="1")
    device.own_s, device.longest_s = 1, 1
    watchdog = device.watchdog()
    watchdog.arm(1_000)
    watchdog.disarm()
    try:
        told = len(device.written())
        _until(lambda: len(device.written()) > told + 1)
        assert b"V" not in device.written()
        watchdog.arm(1_000)
        device.now = 10.0
    finally:
        device.says(nowayout="0")
        watchdog.disarm()
    assert device.written().endswith(b"V")


@pytest.mark.parametrize(
    ("facts", "kind", "name"),
    [
        ({}, "unclear", ""),
        ({"identity": "iTCO_wdt", "state": "inactive"}, "hardware", "iTCO_wdt"),
        ({"identity": "Software Watchdog", "state": "inactive"}, "software", "Software Watchdog"),
        ({"identity": "i6300ESB timer", "state": "active"}, "taken", "i6300ESB timer"),
    ],
)
def test_what_there_is_is_known_without_arming_it(device: Device, facts: dict[str, str], kind: str, name: str) -> None:
    device.says(**facts)
    means = device.watchdog().means()
    assert (means.kind, means.name) == (kind, name)
    assert device.written() == b""


def test_our_own_is_not_taken_by_somebody_else(device: Device) -> None:
    watchdog = device.watchdog()
    watchdog.arm(5_000)
    device.says(identity="iTCO_wdt", state="active")
    assert watchdog.means().kind == "hardware"
    watchdog.disarm()


def test_where_there_is_no_device_there_are_no_means(device: Device) -> None:
    device.path.unlink()
    assert device.watchdog().means().kind == "none"
