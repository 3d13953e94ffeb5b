"""The output of applications in a file that does not grow without end.

An application writes straight to the file: no pipe to us that could fill up or break when the daemon ends. So the
bound is kept from outside: when the file has grown past half of the bound, its newest part is copied beside it
(`.1`) and the file is emptied. Every writer appends, and so goes on at the new end.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

_CHUNK = 256 * 1024
"Bytes copied between two turns of the event loop."
_TAIL = 2_000
"Bytes of output that go into an alert."


class BoundedLog:
    """One log file and its predecessor, together at most `bytes_max` and what is written between two visits."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        self.path = path
        self.older = path.with_name(path.name + ".1")
        self.bytes_max = bytes_max

    def open(self) -> int:
        """A descriptor to hand to a process; every write appends. Raises OSError."""
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self.path, flags, 0o640)

    def size(self) -> int:
        """Bytes in the file; 0 when there is none that could be read."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def tail(self, since: int = 0) -> str:
        """The last output, about 2,000 bytes at most, none from before the position `since`. Printable."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                # Smaller than it was: it has been emptied since, and all of it is newer.
                first = since if since <= size else 0
                file.seek(max(first, size - _TAIL))
                text = file.read(_TAIL).decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "".join(
            sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text
        ).strip()

    async def trim(self) -> bool:
        """Bring the file back within its bound if it has left it. True when it did. Raises OSError (disk full).

        What is written in the microseconds between the last copy and the emptying is lost.
        """
        half = self.bytes_max // 2
        if self.size() <= half:
            return False
        source = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        failure = None
        try:
            try:
                await self._keep_newest(source, half)
            except OSError as error:
                failure = error
            # Even if the copy failed (disk full): the bound is what was promised.
            os.ftruncate(source, 0)
        finally:
            os.close(source)
        if failure is not None:
            raise failure
        return True

    async def _keep_newest(self, source: int, bytes_max: int) -> None:
        copy = self.path.with_name(self.path.name + ".tmp")
        target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            await self._copy(source, target, bytes_max)
            copy.replace(self.older)
        finally:
            os.close(target)
            with suppress(FileNotFoundError):
                copy.unlink()

    async def _copy(self, source: int, target: int, bytes_max: int) -> None:
        """Copy the newest `bytes_max` bytes; a writer that outruns us is cut off there."""
        offset = max(0, os.fstat(source).st_size - bytes_max)
        left = bytes_max
        while left > 0:
            chunk = os.pread(source, min(_CHUNK, left), offset)
            if not chunk:
                return
            os.write(target, chunk)
            offset += len(chunk)
            left -= len(chunk)
            if left > 0 and len(chunk) == _CHUNK:
                await asyncio.sleep(0)
