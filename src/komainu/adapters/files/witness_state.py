"""The records that a witness keeps: one file, changed as a whole and durably, by one witness at a time.

An answer of the witness is a promise: no power loss may take back what was told. So nothing is told that is not
durable, not even what a failed write may have left.
"""

import fcntl
import json
import os
import uuid
from pathlib import Path
from typing import IO

from komainu.adapters.files import durable
from komainu.model.message import Message, Said
from komainu.ports import Held

FORMAT = 1
MOST_RECORDS = 1_000

NOT_OPENED = Message(
    "KM8651",
    "The file {file} with the records of the witness cannot be used ({reason}). Its folder must exist, and the witness "
    "must be allowed to write there.",
    "Witness サーバの状態ファイル {file} を使用できません ({reason})。フォルダがあり、Witness サーバが書き込めるこ"
    "とを確認してください。",
    "error",
)
TAKEN = Message(
    "KM8652",
    "Another witness uses the file {file}. Two of them on one file would each give a vote. Stop that one first.",
    "別の Witness サーバがファイル {file} を使用しています。同じファイルを 2 つで使うと、それぞれが投票を与えて"
    "しまいます。先に起動した方を停止してください。",
    "error",
)
UNREADABLE = Message(
    "KM8653",
    "The file {file} does not hold the records of a witness ({reason}), and is not touched. Restore it; or, when it is "
    "lost, remove it, and run `komainu lease init` for every cluster while all its nodes are together.",
    "ファイル {file} は Witness サーバの状態として解釈できないため ({reason})、変更していません。復元してくださ"
    "い。失われた場合は削除し、各クラスタで全ノードが揃っているときに `komainu lease init` を実行してください。",
    "error",
)


class StateTrouble(Exception):
    """The file cannot be used; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class TooMany(Exception):
    """There are as many records as a witness keeps."""


class WitnessState:
    """The file. Its methods block, and are called one at a time."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._lock: IO[bytes] | None = None
        self._records: dict[str, Held] | None = None
        "None: a write has failed, and nobody knows what is on the disk."

    def open(self) -> None:
        """Take the file. Raises StateTrouble."""
        try:
            self._lock = self._path.with_name(f"{self._path.name}.lock").open("ab")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._settle()
        except BlockingIOError as error:
            self.close()
            raise StateTrouble(TAKEN.said(file=str(self._path))) from error
        except OSError as error:
            self.close()
            raise StateTrouble(NOT_OPENED.said(file=str(self._path), reason=error.strerror or str(error))) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.close()
            reason = f"{type(error).__name__}: {error}"
            raise StateTrouble(UNREADABLE.said(file=str(self._path), reason=reason)) from error

    def close(self) -> None:
        """Leave the file to others."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self, name: str) -> Held | None:
        """The record of that name. Raises OSError when that cannot be said."""
        return self._settle().get(name)

    def write(self, name: str, version: str | None, text: str) -> str | None:
        """Write the record if it has that version, with None if there is none; its new version, or None: refused.

        Raises TooMany, and OSError: then it may have been written.
        """
        records = self._settle()
        held = records.get(name)
        if (held.version if held is not None else None) != version:
            return None
        if held is None and len(records) >= MOST_RECORDS:
            raise TooMany
        # Never used before, also when the file was lost or an old one restored.
        fresh = uuid.uuid4().hex
        changed = {**records, name: Held(fresh, text)}
        self._records = None
        self._put(changed)
        self._records = changed
        return fresh

    def _settle(self) -> dict[str, Held]:
        """The records; what is read from the disk is made durable before anybody hears of it."""
        if self._records is None:
            records = self._get()
            self._put(records)
            self._records = records
        return self._records

    def _get(self) -> dict[str, Held]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}")
        return {str(name): Held(str(each["version"]), str(each["text"])) for name, each in told["records"].items()}

    def _put(self, records: dict[str, Held]) -> None:
        told = {name: {"version": held.version, "text": held.text} for name, held in sorted(records.items())}
        content = json.dumps({"format": FORMAT, "records": told}, ensure_ascii=False, indent=1)
        durable.replace(self._path, content.encode() + os.linesep.encode())
