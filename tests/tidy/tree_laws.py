"""The laws of the tree as checkers: which tests exist, what the locks say, which words no file may hold.

Like source_laws, they touch no file themselves.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.tidy.source_laws import only_declares

# Product files without a unit test of their own, and why.
UNMIRRORED: dict[str, str] = {
    "src/komainu/__main__.py": "calls compose and nothing else; the lab runs it",
    "src/komainu/compose.py": "the wiring diagram: the lab runs it whole, with nothing left out",
}

# Put together from pieces, so that this file does not break its own law.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("security", "ubuntu", "com"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
    )
)
MACHINE_PATHS = tuple("/" + path for path in ("work/main", "work/shared", "tmp/k/", "opt/wheels", "opt/pypi"))
# A home directory belongs to a person or a machine; only root's AWS settings lie at one place everywhere.
HOMES = re.compile(r"/(?:root/(?!\.aws\b)|home/)[\w.-]+")
TEXT_OF_OTHERS = ("LICENSE",)


def mirror(products: Mapping[Path, str], tests: Iterable[Path]) -> Iterator[str]:
    """Each product file that does something has its unit test: src/komainu/a/b.py has tests/unit/a/test_b.py."""
    existing = set(tests)
    for path, source in products.items():
        if path.name == "__init__.py" or str(path) in UNMIRRORED or only_declares(source):
            continue
        wanted = Path("tests/unit").joinpath(*path.parts[2:-1], f"test_{path.name}")
        if wanted not in existing:
            yield f"{path}: its unit test {wanted} is missing"


def mirror_backwards(products: Iterable[Path], lab: Iterable[Path], tests: Iterable[Path]) -> Iterator[str]:
    """Each unit test has its subject: one that outlived it tests nothing that anybody finds."""
    subjects = {path.relative_to("src/komainu") for path in products}
    subjects |= {Path("lab") / path.relative_to("lab/komainu_lab") for path in lab}
    packages = [path.parent for path in subjects if path.name == "__init__.py" and path.parent.name]
    subjects |= {package.with_suffix(".py") for package in packages}
    for test in tests:
        if not test.name.startswith("test_"):
            continue
        subject = test.relative_to("tests/unit").with_name(test.name.removeprefix("test_"))
        if subject not in subjects:
            yield f"{test}: there is no file {subject} that it could test"


def places(path: Path, text: str) -> Iterator[str]:
    """No file names the host of a package registry, or a path of the machine that it was written on."""
    if path.name in TEXT_OF_OTHERS:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for word in (*REGISTRY_HOSTS, *MACHINE_PATHS):
            if word in line:
                yield f"{path}:{number}: names {word!r}"
        if home := HOMES.search(line):
            yield f"{path}:{number}: names {home[0]!r}"


def lock(name: str, text: str) -> Iterator[str]:
    """Each line of a lock pins one version and has hashes; nothing names an index, a host or a path."""
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), start=1):
        pin = line.partition("--hash=")[0]
        if re.search(r"https?:|//|file:|--index|--extra|--find|--trusted| @ ", line):
            yield f"{name}: entry {number} names a place: {line.strip()[:80]}"
        elif not re.match(r"[a-z0-9][a-z0-9._-]*==[^\s;]+", pin):
            yield f"{name}: entry {number} pins no version: {line.strip()[:80]}"
        elif "--hash=sha256:" not in line:
            yield f"{name}: entry {number} has no hash: {pin.strip()}"


def pins(text: str) -> dict[str, str]:
    """The pinned versions of a lock by package; a package with several markers has the first."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(name, version)
    return found


def requirement_names(lines: Iterable[str]) -> list[str]:
    """The package names of requirement lines, sorted, in lower case; comments and includes left out."""
    return sorted(
        re.split(r"[\[=<>~! ;]", line.strip(), maxsplit=1)[0].lower()
        for line in lines
        if line.strip() and not line.startswith(("#", "-"))
    )
