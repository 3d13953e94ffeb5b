"""Files that are replaced whole: after a crash there is the old one or the new one, never a part."""

import os
from pathlib import Path


def same_file(path: Path, content: bytes) -> bool:
    """True when the file exists with exactly this content. Raises OSError when it cannot be read."""
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Put the content in place with this mode, durably; missing directories are made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    # Exclusive and with its final mode from the start: a secret is never readable by others, not even for a moment.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
