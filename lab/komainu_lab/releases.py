"""Older releases to upgrade from: copies of the package under test in which a part of it does not exist yet.

Each is a real tree that a real daemon runs from. `LOWERED` decides by older rules and is the same otherwise. `LACKING`
besides knows neither exclusions nor the maintenance switch, neither in a configuration or a state nor as a command,
and words its messages in another way: what telling the newer release apart means on the wire.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import komainu
from komainu_lab.errors import LabError

PACKAGE = Path(komainu.__file__).parent


@dataclass(frozen=True, slots=True)
class Patch:
    """One place of the package, as it is and as it was."""

    file: str
    now: str
    then: str


LOWERED = (
    Patch("__init__.py", f'__version__ = "{komainu.__version__}"', '__version__ = "0.0.9"'),
    Patch("core/state.py", "RULES = 2\n", "RULES = 1\n"),
)
LACKING = (
    *LOWERED,
    Patch("model/config.py", "from typing import Any, Literal", "from typing import Any, ClassVar, Literal"),
    Patch(
        "model/config.py",
        "    exclusions: tuple[Exclusion, ...] =",
        "    exclusions: ClassVar[tuple[Exclusion, ...]] =",
    ),
    Patch(
        "core/state.py",
        '    maintenance: bool = False\n    "The maintenance switch: ',
        '    maintenance: ClassVar[bool] = False\n    "The maintenance switch: ',
    ),
    Patch("core/state.py", "        maintenance=marks.maintenance,\n", ""),
    Patch("model/commands.py", "    | SetMaintenance\n", ""),
    Patch("model/causes.py", '"The members are now: {members}."', '"Members: {members}."'),
    Patch("core/placement.py", '"Group {group} goes from {old} to {node}."', '"{group}: from {old} to {node}."'),
)


def older(folder: Path, patches: tuple[Patch, ...]) -> Path:
    """Make that release in an empty folder; the folder is what Python has to look for packages in.

    Raises LabError when a patch does not fit the package any more.
    """
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for patch in patches:
        path = folder / PACKAGE.name / patch.file
        text = path.read_text(encoding="utf-8")
        if text.count(patch.now) != 1:
            raise LabError(
                f"{patch.file} has {text.count(patch.now)} times {patch.now!r}: the older release is no more"
            )
        path.write_text(text.replace(patch.now, patch.then), encoding="utf-8")
    return folder
