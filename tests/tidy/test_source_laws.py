"""The laws of style hold in the whole tree, and each checker finds what it is there to find."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tidy import source_laws, tree

EVERYWHERE = ("src", "lab", "tests", "bench", "examples", "packaging")
CORE = Path("src/komainu/core/step.py")
TYPE = Path("src/komainu/types/exec.py")
MIRROR = Path("src/komainu/mirror/wire.py")

Checker = Callable[[Path, str], Iterator[str]]


def check(checker: Checker, paths: list[Path]) -> None:
    broken = [line for path in paths for line in checker(path, tree.read(path))]
    assert not broken, "\n".join(broken)


def test_the_tree_is_seen() -> None:
    assert Path("src/komainu/__init__.py") in tree.product_files()
    assert Path("tests/tidy/test_source_laws.py") in tree.python_files("tests")


def test_functions_and_files_are_short() -> None:
    check(source_laws.sizes, tree.python_files(*EVERYWHERE))


def test_the_core_is_small() -> None:
    assert not list(source_laws.core_size({path: tree.read(path) for path in tree.product_files()}))


def test_names_say_something() -> None:
    broken = [line for path in tree.python_files(*EVERYWHERE) for line in source_laws.names(path)]
    assert not broken, "\n".join(broken)


def test_core_and_model_are_deterministic() -> None:
    check(source_laws.determinism, tree.product_files())


def test_no_exception_is_swallowed() -> None:
    check(source_laws.exceptions, tree.python_files(*EVERYWHERE))


def test_the_product_does_not_sleep() -> None:
    check(source_laws.sleeps, tree.product_files())


def test_the_product_imports_what_it_declares() -> None:
    check(source_laws.imports, tree.product_files())


# --- Each checker on a planted violation, and on the nearest thing that is allowed -----------------------------------

LONG_FUNCTION = "def long() -> None:\n" + "    x = 1\n" * 70
FITTING_FUNCTION = "def fits() -> None:\n" + "    x = 1\n" * 69

PLANTED: list[tuple[Checker, Path, str]] = [
    (source_laws.sizes, TYPE, LONG_FUNCTION),
    (source_laws.sizes, TYPE, "class A:\n" + textwrap.indent("async " + LONG_FUNCTION, "    ")),
    (source_laws.sizes, TYPE, "x = 1\n" * 501),
    (source_laws.sizes, CORE, "x = 1\n" * 401),
    (source_laws.determinism, CORE, "x = {1, 2}"),
    (source_laws.determinism, CORE, "x = {y for y in z}"),
    (source_laws.determinism, CORE, "x = set()"),
    (source_laws.determinism, CORE, "x = list(map(frozenset, y))"),
    (source_laws.determinism, CORE, "x = hash(y)"),
    (source_laws.determinism, CORE, "x = id(y)"),
    (source_laws.determinism, CORE, "x = 0.5"),
    (source_laws.determinism, CORE, "x = y / 2"),
    (source_laws.determinism, CORE, "x /= 2"),
    (source_laws.determinism, CORE, "x = float(y)"),
    (source_laws.determinism, CORE, "x = y.keys() - z"),
    (source_laws.determinism, Path("src/komainu/model/names.py"), "x: float"),
    (source_laws.exceptions, TYPE, "try:\n    x()\nexcept:\n    raise"),
    (source_laws.exceptions, TYPE, "try:\n    x()\nexcept Exception:\n    pass"),
    (source_laws.exceptions, TYPE, "try:\n    x()\nexcept (OSError, BaseException):\n    ..."),
    (source_laws.sleeps, TYPE, "import time\ntime.sleep(1)"),
    (source_laws.sleeps, TYPE, "from time import monotonic, sleep"),
    (source_laws.imports, TYPE, "import moto"),
    (source_laws.imports, TYPE, "def f() -> None:\n    from komainu_lab import topology"),
    (source_laws.imports, MIRROR, "import pydantic"),
    (source_laws.imports, MIRROR, "from komainu.model import names"),
]
ALLOWED: list[tuple[Checker, Path, str]] = [
    (source_laws.sizes, TYPE, FITTING_FUNCTION),
    (source_laws.sizes, TYPE, "x = 1\n" * 500),
    (source_laws.sizes, CORE, "x = 1\n" * 400),
    (source_laws.determinism, CORE, "x = {'a': 1}\ny = x.id\nz = 7 // 2\nassert not isinstance(z, float)"),
    (source_laws.determinism, TYPE, "x = {1, 2}\ny = 0.5"),
    (source_laws.exceptions, TYPE, "try:\n    x()\nexcept OSError:\n    pass"),
    (source_laws.exceptions, TYPE, "try:\n    x()\nexcept Exception as error:\n    report(error)"),
    (source_laws.sleeps, TYPE, "import time\ntime.monotonic()"),
    (source_laws.imports, TYPE, "import os\nimport boto3\nfrom komainu.model import names\nfrom . import probes"),
    (source_laws.imports, MIRROR, "import struct\nfrom komainu.mirror import format"),
]


@pytest.mark.parametrize(("checker", "path", "source"), PLANTED)
def test_a_violation_is_found(checker: Checker, path: Path, source: str) -> None:
    assert list(checker(path, source))


@pytest.mark.parametrize(("checker", "path", "source"), ALLOWED)
def test_what_is_allowed_is_let_through(checker: Checker, path: Path, source: str) -> None:
    assert not list(checker(path, source))


@pytest.mark.parametrize("name", ["src/komainu/util.py", "tests/unit/test_helpers.py", "lab/komainu_lab/base/x.py"])
def test_a_name_that_says_nothing_is_found(name: str) -> None:
    assert list(source_laws.names(Path(name)))


def test_a_core_that_grew_is_found() -> None:
    sources = {Path(f"src/komainu/core/file{number}.py"): "x = 1\n" * 400 for number in range(8)}
    assert list(source_laws.core_size(sources))
