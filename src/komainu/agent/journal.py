"""The journal on disk: one JSON object a line, in files of bounded size. Used by one thread at a time."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILE_BYTES = 8 * 1024 * 1024
FILES = 4
TAIL_BYTES = 1024 * 1024


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

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write the lines. Raises OSError; then they are lost, and the next call begins on a fresh line."""
        data = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
        try:
            if self._descriptor < 0:
                self._open()
            if self._size and self._size + len(data) > self._file_bytes:
                self._rotate()
            if self._torn:
                data = b"\n" + data
            self._torn = True
            written = self._write(self._descriptor, data)
            self._size += written
            if written < len(data):
                raise OSError(28, "no space left on device", str(self._folder))
            self._torn = False
        except OSError:
            self.close()
            raise

    def tail(self, most: int) -> list[dict[str, Any]]:
        """The last lines that can be read, oldest first; torn ones are left out. Raises OSError."""
        try:
            with self._path(0).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        found = [entry for entry in map(_read, lines) if entry is not None]
        return found[-most:]

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def _open(self) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path(0), flags, 0o640)
        self._size = os.fstat(self._descriptor).st_size
        if self._size:
            self._torn = os.pread(self._descriptor, 1, self._size - 1) != b"\n"

    def _rotate(self) -> None:
        self.close()
        for number in range(self._files - 1, 0, -1):
            if self._path(number - 1).exists():
                os.replace(self._path(number - 1), self._path(number))
        self._torn = False
        self._open()

    def _path(self, number: int) -> Path:
        return self._folder / ("journal.jsonl" if number == 0 else f"journal.{number}.jsonl")


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("seq"), int) else None
