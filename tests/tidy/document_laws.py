"""The laws of the documents as checkers: both languages, and links that lead somewhere."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r"(?<!\\)!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside code blocks, with their numbers; code between backticks is blanked."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and fence and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield number, line


def headings(text: str) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(len(found[1]), found[2]) for _, line in prose_lines(text) if (found := HEADING.match(line))]


def anchors(text: str) -> set[str]:
    """The anchors of a document as the usual hosts of Git repositories make them: each heading, and explicit ids."""
    found: dict[str, int] = {}
    result = set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))
    for _, heading in headings(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = "".join(
            character
            for character in plain.strip().lower().replace(" ", "-")
            if character in "-_" or unicodedata.category(character)[0] in "LNM"
        )
        count = found.get(slug, 0)
        found[slug] = count + 1
        result.add(slug if count == 0 else f"{slug}-{count}")
    return result


def links(path: Path, text: str, exists: Callable[[Path], bool], read: Callable[[Path], str]) -> Iterator[str]:
    """A relative link leads to a file of the project, and its anchor to a heading there."""
    for number, line in prose_lines(text):
        plain = re.sub(r"`[^`]*`", "", line)
        for target in [*LINK.findall(plain), *REFERENCE.findall(plain)]:
            if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
                continue
            name, _, anchor = unquote(target).partition("#")
            wanted = _normal(path.parent / name) if name else path
            if not exists(wanted):
                yield f"{path}:{number}: the link {target} leads nowhere"
            elif anchor and wanted.suffix == ".md" and anchor not in anchors(read(wanted)):
                yield f"{path}:{number}: {wanted} has no heading for #{anchor}"


def _normal(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def twin(path: Path) -> Path | None:
    """The same document in the other language; None for a document that developers alone read."""
    if path.parts[:2] in (("docs", "en"), ("docs", "ja")):
        return Path("docs", "ja" if path.parts[1] == "en" else "en", *path.parts[2:])
    if path.name.endswith(".ja.md"):
        return path.with_name(path.name.removesuffix(".ja.md") + ".md")
    if path == Path("README.md"):
        return Path("README.ja.md")
    return None


def languages(documents: Mapping[Path, str]) -> Iterator[str]:
    """A document for users exists in English and Japanese, with the same headings in the same order and as many
    blocks of code: a part that one language lacks is found."""
    for path, text in documents.items():
        other = twin(path)
        if other is None:
            continue
        if other not in documents:
            yield f"{path}: {other}, the same in the other language, is missing"
        elif path < other:
            levels, others = ([level for level, _ in headings(each)] for each in (text, documents[other]))
            if levels != others:
                yield f"{path} and {other} differ in their headings: levels {levels} and {others}"
            if _blocks(text) != _blocks(documents[other]):
                yield f"{path} and {other} differ in their code: {_blocks(text)} and {_blocks(documents[other])} fences"


def _blocks(text: str) -> int:
    return sum(1 for line in text.splitlines() if FENCE.match(line))
