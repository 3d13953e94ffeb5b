"""The power of this machine: an orderly end through whoever manages its services, an immediate one through the kernel.

Orderly, the first of these that takes the request: systemd; the program `shutdown` of another init; reboot(2). Nothing
of it waits until the machine is off: that the request was taken is all that can be known from here.

At once: `b` or `c` to /proc/sysrq-trigger. A kernel without it can be reset by reboot(2); it cannot be made to panic.
Nothing is written to the disks before (C7): what hangs may be just that.
"""

import asyncio
import ctypes
import errno
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REQUEST_TIMEOUT_MS = 10_000
"How long a service manager may take to accept the request."
SYNC_TIMEOUT_MS = 5_000
"How long an orderly reboot(2) lets the kernel write what is dirty: a disk that hangs must not keep the machine up."
EFFECT_MS = 2_000
"How long the kernel gets to do what was asked at once; after that it counts as not done."

_RESTART = 0x01234567
_POWER_OFF = 0x4321FEDC


@dataclass(frozen=True, slots=True)
class Places:
    """Where the kernel takes requests, and where systemd says that it runs the machine."""

    sysrq: Path = Path("/proc/sysrq-trigger")
    systemd: Path = Path("/run/systemd/system")


def _reboot(command: int) -> None:
    """reboot(2). Raises OSError; in a container it ends the container alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.reboot(ctypes.c_int(command - (1 << 32) if command >= 1 << 31 else command)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"reboot: {os.strerror(number)}")


class LinuxPower:
    """`komainu.ports.Power`."""

    def __init__(
        self,
        places: Places | None = None,
        reboot: Callable[[int], None] = _reboot,
        shutdown: str = "shutdown",
    ) -> None:
        """`reboot` is the system call, `shutdown` the program of an init that is not systemd."""
        self._places = places or Places()
        self._reboot = reboot
        self._program = shutdown

    async def shutdown(self) -> None:
        """Ask for an orderly shutdown. Raises OSError when nobody takes the request, with what each said."""
        await self._orderly("poweroff", "-P", _POWER_OFF)

    async def reboot(self) -> None:
        """Ask for an orderly reboot. Raises OSError when nobody takes the request, with what each said."""
        await self._orderly("reboot", "-r", _RESTART)

    def panic(self) -> None:
        """Let the kernel panic. Raises OSError when it cannot, or did not."""
        self._trigger("c")
        raise OSError(errno.ETIMEDOUT, f"the kernel still runs {EFFECT_MS} ms after the request to panic")

    def reset(self) -> None:
        """Reset at once. Raises OSError when neither way worked, with what each said."""
        try:
            self._trigger("b")
            first = f"{self._places.sysrq}: no effect within {EFFECT_MS} ms"
        except OSError as error:
            first = str(error)
        try:
            self._reboot(_RESTART)
        except OSError as error:
            raise OSError(error.errno, f"{first}; {error}") from error
        _wait()
        raise OSError(errno.ETIMEDOUT, f"{first}; reboot: no effect within {EFFECT_MS} ms")

    def _trigger(self, letter: str) -> None:
        """Write one letter. With the real file this does not return. Raises OSError without it."""
        # Not to be created, and not to be waited for.
        descriptor = os.open(self._places.sysrq, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(descriptor, letter.encode())
        finally:
            os.close(descriptor)
        _wait()

    async def _orderly(self, verb: str, option: str, command: int) -> None:
        said = []
        for request in self._requests(verb, option):
            try:
                await _run(request)
                return
            except OSError as error:
                said.append(f"{' '.join(request)}: {error}")
        # Nobody stops the services then. What could be written is, for as long as a disk may take.
        syncing = threading.Thread(target=os.sync, name="sync", daemon=True)
        syncing.start()
        await asyncio.to_thread(syncing.join, SYNC_TIMEOUT_MS / 1000)
        try:
            self._reboot(command)
        except OSError as error:
            raise OSError(error.errno, "; ".join((*said, str(error)))) from error

    def _requests(self, verb: str, option: str) -> tuple[tuple[str, ...], ...]:
        """Whom to ask, in order."""
        if self._places.systemd.is_dir():
            # Whoever holds an inhibitor lock is not asked: that this node has to end is decided.
            return (("systemctl", "--ignore-inhibitors", verb),)
        return ((self._program, option, "now"),)


def _wait() -> None:
    """Give the kernel its time. Nothing else may go on meanwhile: the machine is to end here."""
    threading.Event().wait(EFFECT_MS / 1000)


async def _run(command: Sequence[str]) -> None:
    """Run a command to its end. Raises OSError with its words when it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise OSError(errno.ETIMEDOUT, f"it did not end within {REQUEST_TIMEOUT_MS} ms") from None
    if process.returncode != 0:
        text = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise OSError(errno.EIO, f"it ended with {process.returncode}{': ' + text if text else ''}")
