"""The journal on disk: one JSON object a line, each with its checksum, in files of bounded size.

A line is `{"crc":"xxxxxxxx",...}`: the CRC-32 of all bytes after that first key, without the line end. What a loss of
power tore, or a disk spoilt, is recognised by it, and costs no other line. Every file begins with a snapshot, so that
it can be replayed without the files before it. Written by one thread at a time; read by anybody.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

FILE_BYTES = 8 * 1024 * 1024
FILES = 4
TAIL_BYTES = 2 * 1024 * 1024
SNAPSHOT = "snapshot"
"""The `kind` of the lines that hold a state; entries have no `kind`."""

Line = Mapping[str, Any]
_HEAD = b'{"crc":"%08x",'
_HEAD_BYTES = len(_HEAD % 0)


class Journal:
    """Files `journal.jsonl` (the newest), `journal.1.jsonl`, ... in one directory."""

    def __init__(self, folder: Path, file_bytes: int = FILE_BYTES, files: int = FILES) -> None:
        """Nothing is opened yet. At most `files` files of about `file_bytes` each are kept."""
        self._folder = folder
        self._file_bytes = file_bytes
        self._files = files
        self._descriptor = -1
        self._size = 0
        self._torn = False
        self._gap = False
        "Lines were lost: what follows cannot be understood without another snapshot."

    def append(self, lines: Iterable[Line], snapshot: Callable[[], Line | None] = lambda: None) -> None:
        """Write the lines. Raises OSError; then they are lost, and the next call begins on a fresh line.

        `snapshot` makes the line that comes before them when they begin a file, or come after lost ones. It is not
        asked when they begin with a snapshot themselves.
        """
        # Whatever goes wrong from here on: until it went well, lines are lost.
        gap, self._gap = self._gap, True
        whole = list(lines)
        data = b"".join(map(encode, whole))
        begins = bool(whole) and whole[0].get("kind") == SNAPSHOT
        try:
            if self._descriptor < 0:
                self._open()
            if self._size and self._size + len(data) > self._file_bytes:
                self._rotate()
            if (gap or not self._size) and not begins and (first := snapshot()) is not None:
                data = encode(first) + data
            self._put(data)
        except OSError:
            self.close()
            raise
        self._gap = False

    def sync(self) -> bool:
        """Have everything written survive a loss of power; that may take long. False: no file is open.

        Raises OSError; then nobody knows what was kept, and the file is opened anew.
        """
        if self._descriptor < 0:
            return False
        try:
            os.fdatasync(self._descriptor)
        except OSError:
            self._gap = True
            self.close()
            raise
        return True

    def tail(self, most: int) -> list[dict[str, Any]]:
        """The last entries that can be read, oldest first, from at most `TAIL_BYTES`; torn ones are left out.

        Raises OSError.
        """
        found: list[dict[str, Any]] = []
        left = TAIL_BYTES
        for number in range(self._files):
            if len(found) >= most or left <= 0:
                break
            try:
                with self._path(number).open("rb") as file:
                    file.seek(max(0, file.seek(0, os.SEEK_END) - left))
                    data = file.read()
            except FileNotFoundError:
                break
            left -= len(data)
            read = [body for body in map(decode, data.split(b"\n")) if body is not None and "kind" not in body]
            found = read + found
        return found[-most:] if most > 0 else []

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _put(self, data: bytes) -> None:
        if self._torn:
            data = b"\n" + data
        self._torn = True
        written = self._write(self._descriptor, data)
        self._size += written
        if written < len(data):
            raise OSError(28, "no space left on device", str(self._folder))
        self._torn = False

    def _write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def _open(self) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path(0), flags, 0o640)
        self._size = os.fstat(self._descriptor).st_size
        if self._size:
            self._torn = os.pread(self._descriptor, 1, self._size - 1) != b"\n"
        else:
            self._sync_folder()

    def _rotate(self) -> None:
        # A file is whole on the disk before the next one is begun: only the newest can have a torn end.
        self.sync()
        self.close()
        for number in range(self._files - 1, 0, -1):
            if self._path(number - 1).exists():
                os.replace(self._path(number - 1), self._path(number))
        self._torn = False
        self._open()

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, number: int) -> Path:
        return self._folder / ("journal.jsonl" if number == 0 else f"journal.{number}.jsonl")


def encode(line: Line) -> bytes:
    """The bytes of a line with its checksum and its end. Half a surrogate (in the output of a program) becomes `?`."""
    rest = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")[1:]
    return _HEAD % crc32(rest) + rest + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None when it is damaged, or none of ours. The first journals had no checksums."""
    try:
        body = json.loads(line)
    except ValueError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("seq"), int):
        return None
    if line[:_HEAD_BYTES] != _HEAD % crc32(line[_HEAD_BYTES:]) and not line.startswith(b'{"seq":'):
        return None
    body.pop("crc", None)
    return body


@dataclass(frozen=True, slots=True)
class Read:
    """One line as it was found."""

    file: str
    number: int
    "Counted from 1."
    body: dict[str, Any] | None
    "None: it is damaged."
    torn: bool = False
    "It is damaged and has no end: the last line of a file, which a loss of power cut off."


def read(place: Path) -> Iterator[Read]:
    """Every line of a journal file, or of all files of a journal's directory, oldest first. Raises OSError.

    A daemon may be writing: all files are opened before the first is read, the newest first, so that none is missed
    when they change their names meanwhile.
    """
    with ExitStack() as opened:
        files: dict[tuple[int, int], tuple[Path, BinaryIO]] = {}
        for path in _paths(place) if place.is_dir() else (place,):
            try:
                file: BinaryIO = opened.enter_context(path.open("rb"))
            except FileNotFoundError:
                if path == place:
                    raise
                continue
            status = os.fstat(file.fileno())
            files.setdefault((status.st_dev, status.st_ino), (path, file))
        for path, file in reversed(files.values()):
            for number, line in enumerate(file, 1):
                ended = line.endswith(b"\n")
                if line == b"\n":
                    continue  # what follows a torn line was put on a fresh one
                body = decode(line.removesuffix(b"\n"))
                yield Read(path.name, number, body, body is None and not ended)


def _paths(folder: Path) -> list[Path]:
    """The files of a journal, the newest first."""
    numbered = []
    for path in folder.glob("journal*.jsonl"):
        middle = path.name.removeprefix("journal").removesuffix(".jsonl")
        if not middle or (middle[0] == "." and middle[1:].isdigit()):
            numbered.append((int(middle[1:] or 0), path))
    return [path for _, path in sorted(numbered)]
