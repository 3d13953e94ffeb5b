"""Files that are there whole or not at all, also after a loss of power."""

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put `content` at `path` in one step, durably: afterwards the old file or the new one is there, never a part.

    Raises OSError; then the old file is there still, or the new one if only the folder could not be made durable.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        # What a power loss left of an earlier attempt is overwritten, not followed.
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            os.fchmod(descriptor, mode)
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder and those above it, durably; nothing changes when it is there. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        sync_folder(each.parent)
