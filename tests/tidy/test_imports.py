"""Imports run inward only. The contracts are checked by import-linter, on the tree and on planted packages."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tidy import import_laws, tree

PRODUCT = tree.ROOT / "src" / "komainu"
LAB = tree.ROOT / "lab" / "komainu_lab"
PROGRAM = "from importlinter.cli import lint_imports_command as main; main()"


def lint(folder: Path, sources: Mapping[str, Path]) -> tuple[int, str]:
    """Run import-linter on the packages; the configuration is written into `folder`. Returns code and output."""
    modules = [name for package in sources.values() for name in import_laws.modules_below(package)]

    home = sources["komainu"].parent

    def is_type(module: str) -> bool:
        file = home.joinpath(*module.split(".")).with_suffix(".py")
        return module.startswith("komainu.types.") and file.is_file() and import_laws.declares_a_type(file.read_text())

    settings = folder / "contracts.toml"
    settings.write_text(import_laws.configuration(list(sources), import_laws.contracts(modules, is_type)))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--no-cache", "--config", str(settings)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(package.parent) for package in sources.values())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_imports_run_inward_only(tmp_path: Path) -> None:
    code, told = lint(tmp_path, {"komainu": PRODUCT, "komainu_lab": LAB})
    assert code == 0, told
    assert "imports run inward only KEPT" in told


def test_each_package_is_a_package() -> None:
    """A folder without __init__.py is seen by nobody, import-linter included."""
    folders = {path.parent for path in [*tree.product_files(), *tree.python_files("lab")]}
    bare = [str(folder) for folder in sorted(folders) if not (tree.ROOT / folder / "__init__.py").is_file()]
    assert not bare, f"without __init__.py: {', '.join(bare)}"


# --- Planted violations ------------------------------------------------------------------------------------------

SOUND = {
    "compose.py": "from komainu.adapters import files\nfrom komainu.agent import loop\n",
    "cli/__init__.py": "from komainu.api import client\nfrom komainu.model import names\n",
    "api/client.py": "from komainu.agent import loop\n",
    "agent/loop.py": "from komainu.core import step\nfrom komainu import ports\n",
    "types/exec.py": "from komainu.types import exec_params\n\n\nclass Params: ...\n",
    "types/exec_params.py": "class ExecParams: ...\n",
    "types/fip.py": "from komainu.types import probes\n\n\nclass FipParams: ...\n",
    "types/probes.py": "import os\n",
    "adapters/files.py": "import os\nfrom komainu import ports\n",
    "ports.py": "from komainu.model import names\n",
    "core/step.py": "import hashlib\nfrom komainu.model import names\n",
    "core/facts.py": "",
    "model/names.py": "",
    "mirror/wire.py": "import struct\n",
}
INWARD = "imports run inward only"
# What is planted, where, and the contract that must break.
VIOLATIONS = {
    "outward": ("core/facts.py", "from komainu.agent import loop\n", INWARD),
    "siblings": ("types/exec.py", "from komainu import config\n\n\nclass Params: ...\n", INWARD),
    "a ring that nobody named": ("helpers/__init__.py", "", INWARD),
    "a cycle": ("core/facts.py", "def f() -> None:\n    from komainu.core import step\n", "no cycles"),
    "an impure core": ("core/facts.py", "import time\n", "the core and the model are pure"),
    "an impure model": ("model/names.py", "def f() -> None:\n    import os.path\n", "the core and the model are pure"),
    "a type that knows the core": (
        "types/exec.py",
        "from komainu.core import step\n\n\nclass Params: ...\n",
        "types, arbitration, config, adapters never import core",
    ),
    "two types": (
        "types/exec.py",
        "from komainu.types import fip\n\n\nclass Params: ...\n",
        "types are independent of one another",
    ),
    "a part of another type": (
        "types/fip.py",
        "from komainu.types import exec_params\n\n\nclass Params: ...\n",
        "types are independent of one another",
    ),
    "an adapter outside compose": (
        "agent/loop.py",
        "from komainu.core import step\nfrom komainu.adapters import files\n",
        "adapters are imported by compose alone",
    ),
    "cli past the api": ("cli/__init__.py", "from komainu.agent import loop\n", "cli imports only api and model"),
    "the lab in the product": ("agent/loop.py", "import komainu_lab\n", "the product never imports the lab"),
}
ALSO = {"core/step.py": "from komainu.core import facts\n", "config/__init__.py": ""}


def plant(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    """Write a small komainu and a small komainu_lab; every folder becomes a package."""
    for package in ("komainu", "komainu_lab"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    for name, text in files.items():
        file = folder / "komainu" / name
        file.parent.mkdir(exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(text)
    return {"komainu": folder / "komainu", "komainu_lab": folder / "komainu_lab"}


def test_a_sound_package_is_let_through(tmp_path: Path) -> None:
    code, told = lint(tmp_path, plant(tmp_path, SOUND))
    assert code == 0, told


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_a_violation_is_found(tmp_path: Path, kind: str) -> None:
    name, text, contract = VIOLATIONS[kind]
    code, told = lint(tmp_path, plant(tmp_path, {**SOUND, **ALSO, name: text}))
    assert code == 1, told
    assert f"{contract} BROKEN" in told, told
