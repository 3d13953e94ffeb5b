"""The watchdog of a lab machine: a device that lies outside it, and resets it unless it is written to in time.

The machine sees the file /dev/watchdog with the kernel's interface: to open it arms it, one process alone may have it
open, a time is set by ioctl, every write begins the time anew, `V` before the close disarms it. The file is a FUSE
file system of one file; its requests come here, to the lab, so that nothing that hangs or dies in the machine matters.
"""

import contextlib
import errno
import os
import select
import stat
import struct
import threading
from collections.abc import Callable

from komainu_lab.clock import boottime_ns

NS = 1_000_000_000
FIRST_TIMEOUT_S = 60
"Before anybody has set another one."
LONGEST_S = 600
_LARGEST = 1 << 17

_HEAD = struct.Struct("=IIQQIIII")
_ANSWER = struct.Struct("=IiQ")
_INIT, _GETATTR, _SETATTR, _OPEN, _WRITE, _STATFS, _RELEASE, _IOCTL = 26, 3, 4, 14, 16, 17, 18, 39
_SILENT = (2, 36, 42)
"Forget, interrupt, forget many: nobody waits for an answer."
_IOCTL_IN = struct.Struct("=QIIQII")
_SET_TIMEOUT, _GET_TIMEOUT, _KEEP_ALIVE = 0xC0045706, 0x80045707, 0x80045705
_DIRECT_IO, _NOT_SEEKABLE = 1, 4


class Watchdog:
    """One machine's device, from the boot of the machine to its end. It is served by a thread of its own."""

    def __init__(self, descriptor: int, fire: Callable[[], None]) -> None:
        """`descriptor` is the machine's FUSE connection, which is ours now; `fire` resets the machine."""
        self._descriptor = descriptor
        self._fire = fire
        self._timeout_s = FIRST_TIMEOUT_S
        self._deadline_ns: int | None = None
        "None while it is disarmed."
        self._open = False
        self._magic = False
        os.set_blocking(descriptor, False)
        self._thread = threading.Thread(target=self._serve, name="watchdog", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        try:
            while True:
                poll.poll(self._left_ms())
                with contextlib.suppress(BlockingIOError):
                    self._answer(os.read(self._descriptor, _LARGEST))
                if self._left_ms() == 0:
                    self._deadline_ns = None
                    # Not here: a process that dies waits for the answer to its close, and the reset for the process.
                    threading.Thread(target=self._fire, name="reset", daemon=True).start()
        except OSError as error:
            if error.errno not in (errno.ENODEV, errno.ENOENT):  # the machine is gone, and its connection with it
                raise
        finally:
            os.close(self._descriptor)

    def _left_ms(self) -> int | None:
        if self._deadline_ns is None:
            return None
        return max(0, -(-(self._deadline_ns - boottime_ns()) // 1_000_000))

    def _pat(self) -> None:
        self._deadline_ns = boottime_ns() + self._timeout_s * NS

    # --- requests --------------------------------------------------------------------------------------------------

    def _answer(self, request: bytes) -> None:
        _, code, unique, *_ = _HEAD.unpack_from(request)
        if code in _SILENT:
            return
        try:
            error, body = 0, self._carry_out(code, request[_HEAD.size :])
        except OSError as refused:
            error, body = -(refused.errno or errno.EIO), b""
        os.write(self._descriptor, _ANSWER.pack(_ANSWER.size + len(body), error, unique) + body)

    def _carry_out(self, code: int, body: bytes) -> bytes:
        """The body of the answer. Raises OSError for what the device refuses."""
        if code == _INIT:
            major, _, readahead, _ = struct.unpack_from("=IIII", body)
            return struct.pack("=IIIIHHIIHH8I", major, 31, readahead, 0, 1, 1, 4096, 1, 1, 0, *[0] * 8)
        if code in (_GETATTR, _SETATTR):  # a shell that writes to it cuts it to nothing first: that means nothing here
            facts = (stat.S_IFREG | 0o600, 1, 0, 0, 0, 512, 0)
            return struct.pack("=QII6Q10I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, *facts)
        if code == _STATFS:
            return struct.pack("=5Q4I6I", *[0] * 15)
        if code == _OPEN:
            if self._open:
                raise OSError(errno.EBUSY, "somebody has it")
            self._open, self._magic = True, False
            self._pat()
            return struct.pack("=QII", 1, _DIRECT_IO | _NOT_SEEKABLE, 0)
        if code == _WRITE:
            (size,) = struct.unpack_from("=I", body, 16)
            self._magic = b"V" in body[40 : 40 + size]
            self._pat()
            return struct.pack("=II", size, 0)
        if code == _IOCTL:
            return self._ioctl(body)
        if code == _RELEASE:
            self._open = False
            if self._magic:
                self._deadline_ns = None
            return b""
        raise OSError(errno.ENOSYS, "a watchdog cannot do this")

    def _ioctl(self, body: bytes) -> bytes:
        _, _, command, _, _, _ = _IOCTL_IN.unpack_from(body)
        if command == _SET_TIMEOUT:
            (wanted_s,) = struct.unpack_from("=i", body, _IOCTL_IN.size)
            if not 1 <= wanted_s <= LONGEST_S:
                raise OSError(errno.EINVAL, "it cannot wait so long")
            self._timeout_s = wanted_s
        elif command not in (_GET_TIMEOUT, _KEEP_ALIVE):
            raise OSError(errno.ENOTTY, "it does not know this request")
        if command != _GET_TIMEOUT:
            self._pat()
        return struct.pack("=iIIIi", 0, 0, 0, 0, self._timeout_s)
