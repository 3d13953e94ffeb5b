"""The files that the laws speak of: what is tracked, and what would be with the next `git add`."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, relative to the root. Generated and ignored files are none of ours."""
    # The checkout may belong to another user than the one who tests (root does, for the lab).
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout
    paths = sorted({Path(name) for name in listed.decode().split("\0") if name})
    return tuple(path for path in paths if (ROOT / path).is_file())


def python_files(*folders: str) -> list[Path]:
    """The Python files below the folders, relative to the root."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


def product_files() -> list[Path]:
    """The Python files of src/komainu, relative to the root."""
    return [path for path in python_files("src") if path.parts[:2] == ("src", "komainu")]


def read(path: Path) -> str:
    """The text of one of our files."""
    return (ROOT / path).read_text(encoding="utf-8")
