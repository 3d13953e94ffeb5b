"""The laws of the tree hold, and each checker finds what it is there to find."""

import tomllib
from pathlib import Path

import pytest

from tests.tidy import tree, tree_laws

LOCKS = ("requirements/run.txt", "requirements/dev.txt")
HASH = "--hash=sha256:" + "0" * 64


def unit_tests() -> list[Path]:
    return [path for path in tree.python_files("tests") if path.parts[1] == "unit"]


def test_each_product_file_has_its_unit_test() -> None:
    products = {path: tree.read(path) for path in tree.product_files()}
    assert not (broken := list(tree_laws.mirror(products, unit_tests()))), "\n".join(broken)


def test_each_unit_test_has_its_subject() -> None:
    lab = [path for path in tree.python_files("lab") if path.parts[1] == "komainu_lab"]
    broken = list(tree_laws.mirror_backwards(tree.product_files(), lab, unit_tests()))
    assert not broken, "\n".join(broken)


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    broken = []
    for path in tree.files():
        try:
            text = tree.read(path)
        except UnicodeDecodeError:
            continue  # a binary file names nothing
        broken += tree_laws.places(path, text)
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("name", LOCKS)
def test_the_locks_are_hashed_and_name_no_place(name: str) -> None:
    text = tree.read(Path(name))
    assert tree_laws.pins(text)
    assert not (broken := list(tree_laws.lock(name, text))), "\n".join(broken)


def test_production_and_development_run_the_same_versions() -> None:
    run, dev = (tree_laws.pins(tree.read(Path(name))) for name in LOCKS)
    assert run.items() <= dev.items()


def test_what_is_declared_is_what_is_locked() -> None:
    project = tomllib.loads(tree.read(Path("pyproject.toml")))["project"]
    declared = tree_laws.requirement_names(project["dependencies"])
    assert declared == tree_laws.requirement_names(tree.read(Path("requirements/run.in")).splitlines())
    assert set(declared) <= set(tree_laws.pins(tree.read(Path("requirements/run.txt"))))


def test_moto_is_pinned_exactly_and_the_same_everywhere() -> None:
    lab = tomllib.loads(tree.read(Path("lab/pyproject.toml")))["project"]["dependencies"]
    wanted = next(line for line in lab if line.startswith("moto["))
    assert wanted in tree.read(Path("requirements/dev.in")).splitlines()
    assert wanted.endswith("==" + tree_laws.pins(tree.read(Path("requirements/dev.txt")))["moto"])


# --- Planted violations ------------------------------------------------------------------------------------------

BEHAVIOUR = "def f() -> int:\n    return 1\n"
DECLARATION = "LIMIT = 3\n\n\nclass Bus(Protocol):\n    def send(self) -> None:\n        'Send.'\n"


def test_a_missing_unit_test_is_found() -> None:
    products = {Path("src/komainu/types/exec.py"): BEHAVIOUR}
    assert list(tree_laws.mirror(products, [Path("tests/unit/test_exec.py")]))
    assert not list(tree_laws.mirror(products, [Path("tests/unit/types/test_exec.py")]))
    assert not list(tree_laws.mirror({Path("src/komainu/ports.py"): DECLARATION}, []))


def test_a_unit_test_without_a_subject_is_found() -> None:
    subject = [Path("src/komainu/types/exec.py")]
    assert list(tree_laws.mirror_backwards(subject, [], [Path("tests/unit/types/test_execs.py")]))
    assert not list(tree_laws.mirror_backwards(subject, [], [Path("tests/unit/types/test_exec.py")]))


@pytest.mark.parametrize("word", tree_laws.REGISTRY_HOSTS + tree_laws.MACHINE_PATHS)
def test_a_place_is_found(word: str) -> None:
    assert list(tree_laws.places(Path("README.md"), f"first\nsee {word}x\n"))


@pytest.mark.parametrize("home", ["root", "home"])
def test_a_home_is_found(home: str) -> None:
    assert list(tree_laws.places(Path("README.md"), f"see /{home}/notes\n"))
    assert not list(tree_laws.places(Path("README.md"), f"see /{home}\n"))
    assert not list(tree_laws.places(Path("README.md"), "/root/.aws/credentials\n"))


@pytest.mark.parametrize(
    "line",
    [
        "boto3==1.0",
        f"boto3>=1.0 {HASH}",
        f"boto3 @ file:x {HASH}",
        f"--index-url x\nboto3==1.0 {HASH}",
        f"--find-links wheels\nboto3==1.0 {HASH}",
    ],
)
def test_a_loose_lock_is_found(line: str) -> None:
    assert list(tree_laws.lock("dev.txt", line))
    assert not list(tree_laws.lock("dev.txt", f"boto3==1.0 ; python_version >= '3' \\\n    {HASH}\n"))
