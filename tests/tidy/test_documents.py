"""The documents exist in both languages, and their links lead somewhere."""

from pathlib import Path

import pytest

from tests.tidy import document_laws, tree


def documents() -> dict[Path, str]:
    return {path: tree.read(path) for path in tree.files() if path.suffix == ".md"}


def exists(path: Path) -> bool:
    return path == Path() or path in tree.files() or any(path in file.parents for file in tree.files())


def test_links_lead_somewhere() -> None:
    broken = [line for path, text in documents().items() for line in document_laws.links(path, text, exists, tree.read)]
    assert not broken, "\n".join(broken)


def test_documents_for_users_exist_in_both_languages() -> None:
    assert not (broken := list(document_laws.languages(documents()))), "\n".join(broken)


# --- Planted violations ------------------------------------------------------------------------------------------

OTHER = "# The tour\n\n## 二つの `step()` の話\n\n## Start, and stop!\n"


@pytest.mark.parametrize(
    "target", ["missing.md", "../docs/missing.md", "tour.md#no-such-heading", "#nowhere", "../../docs/tour.md"]
)
def test_a_dead_link_is_found(target: str) -> None:
    assert _links(f"# Page\n\nSee [the tour]({target}).\n")


@pytest.mark.parametrize(
    "target",
    [
        "tour.md",
        "../docs/tour.md",
        "tour.md#start-and-stop",
        "tour.md#二つの-step-の話",
        "#page",
        "https://example.com/x",
    ],
)
def test_a_living_link_is_let_through(target: str) -> None:
    assert not _links(f"# Page\n\nSee [the `tour`]({target}).\n")


def test_code_holds_no_links() -> None:
    assert not _links("```\n[x](missing.md)\n```\n\nThe form is `[x](missing.md)`.\n")
    assert _links("[x]: missing.md\n")


def _links(text: str) -> list[str]:
    page = Path("docs/page.md")
    files = {page: text, Path("docs/tour.md"): OTHER}
    return list(document_laws.links(page, text, files.__contains__, files.__getitem__))


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("docs/en/x.md", None),
        (None, "docs/ja/x.md"),
        ("README.md", None),
        (None, "README.ja.md"),
    ],
)
def test_a_missing_language_is_found(english: str | None, japanese: str | None) -> None:
    assert list(document_laws.languages({Path(name): "# X\n" for name in (english, japanese) if name}))


@pytest.mark.parametrize("japanese", ["# X\n", "# X\n\n### Y\n\n```\na\n```\n", "# X\n\n## Y\n"])
def test_a_part_that_one_language_lacks_is_found(japanese: str) -> None:
    english = "# X\n\n## Y\n\n```\na\n```\n"
    pair = {Path("README.md"): english, Path("README.ja.md"): japanese}
    assert list(document_laws.languages(pair))
    assert not list(document_laws.languages({**pair, Path("README.ja.md"): english}))
