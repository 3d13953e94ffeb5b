"""Which takeover brought each running resource here: remembered over a restart of the daemon, not over a boot.

On a merge of two actives the newer takeover stays, so a probe has to report the epoch of what it found.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from komainu.agent.background import Background
from komainu.agent.execution.hands import Key
from komainu.model.message import Message, Said

NOT_REMEMBERED = Message(
    "KM5103",
    "It cannot be written down in {folder} what runs here ({reason}). After a restart of the daemon the age of what "
    "runs is unknown. Make space in {folder}.",
    "動作中のリソースを {folder} に記録できません ({reason})。デーモンの再起動後、起動した時期が分からなくなります。"
    "{folder} の空き容量を確認してください。",
    "warning",
)


class Runs:
    """One small file per running resource, in a directory that a boot empties. Files are written in the background."""

    def __init__(self, folder: Path, background: Background, alert: Callable[[Said], None]) -> None:
        """Reads what an earlier daemon left: only at the start."""
        self._folder = folder
        self._background = background
        self._alert = alert
        self._epochs = self._load()

    def epoch(self, key: Key) -> int:
        """The epoch in which it was started; 0 when that is not known."""
        return self._epochs.get(key, 0)

    def started(self, key: Key, epoch: int) -> None:
        """It was started here."""
        if self._epochs.get(key) == epoch:
            return
        self._epochs[key] = epoch
        self._background.do(lambda: self._write(key, epoch), self._failed)

    def ended(self, key: Key) -> None:
        """It surely does not run here any more."""
        if self._epochs.pop(key, None) is not None:
            self._background.do(lambda: self._path(key).unlink(missing_ok=True), self._failed)

    def names(self) -> tuple[str, ...]:
        """The resources that were started here and not surely ended since."""
        return tuple(resource for _, resource in self._epochs)

    def _load(self) -> dict[Key, int]:
        found: dict[Key, int] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                told = json.loads(path.read_bytes())
                found[(str(told["group"]), str(told["resource"]))] = int(told["epoch"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._alert(NOT_REMEMBERED.said(folder=str(self._folder), reason=f"{path.name}: {error}"))
        return found

    def _write(self, key: Key, epoch: int) -> None:
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = self._path(key)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"group": key[0], "resource": key[1], "epoch": epoch}))
        os.replace(fresh, path)

    def _failed(self, error: Exception) -> None:
        self._alert(NOT_REMEMBERED.said(folder=str(self._folder), reason=str(error)))

    def _path(self, key: Key) -> Path:
        return self._folder / f"{key[0]}:{key[1]}.json"
