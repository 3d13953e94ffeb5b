"""What must outlive the daemon about an application: a small file in /run per application.

It is written before the process starts, so that a daemon killed at any instruction leaves either nothing running or a
record of what may run. It names a boot; one of another boot says nothing.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path


class Phase(StrEnum):
    """How far the application is known to have come."""

    STARTING = "starting"
    "Its start began; whether it succeeded was not seen."
    STARTED = "started"
    STOPPING = "stopping"
    "Its stop began and was not seen to end well."


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of an application."""

    owner: str
    "Whose it is; a guard against a file at the wrong place."
    boot: str
    phase: Phase
    pid: int = 0
    "The process that was started for it; 0 before it was."
    start_time: int = 0
    "Clock ticks since boot; with `pid` it names the process for ever."
    cgroup: str = ""
    "The directory of its control group; empty without one."
    log_position: int = 0
    "Size of the log when it was started."


class RecordDamaged(Exception):
    """The file is there and cannot be understood: what runs is not known from it."""


def read(path: Path, owner: str, boot: str) -> Record | None:
    """The record of this boot; None when there is none. Raises RecordDamaged, OSError."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise RecordDamaged(f"{path}: {error}") from error
    try:
        values = json.loads(text)
        record = Record(**{**values, "phase": Phase(values["phase"])})
    except (ValueError, TypeError, KeyError) as error:
        raise RecordDamaged(f"{path}: {error}") from error
    for field in fields(Record):
        wanted = int if field.name in ("pid", "start_time", "log_position") else str
        if not isinstance(getattr(record, field.name), wanted):
            raise RecordDamaged(f"{path}: {field.name} is no {wanted.__name__}")
    if record.owner != owner:
        raise RecordDamaged(f"{path}: it belongs to {record.owner}, not to {owner}")
    return record if record.boot == boot else None


def write(path: Path, record: Record) -> None:
    """Replace the record at one stroke. Raises OSError; then the old one stands.

    Nothing is synced: the file lies in memory (/run) and need not outlive the boot.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "w") as file:
            json.dump({field.name: getattr(record, field.name) for field in fields(Record)}, file)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def remove(path: Path) -> None:
    """Take the record away. Raises OSError."""
    path.unlink(missing_ok=True)
