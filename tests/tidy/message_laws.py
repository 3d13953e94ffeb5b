"""The laws of messages as checkers: a code is declared once, and a code that is named somewhere is declared.

Like source_laws, they touch no file themselves.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

CODE = re.compile(r"\bKM\d{4}\b")
DECLARING = ("Message", "Frame", "Reason")
"Calls whose first argument is a code, or a part of one that must be as unique."


def declarations(path: Path, source: str) -> Iterator[tuple[str, str, int]]:
    """Kind, code and line of each declaration in a source."""
    for node in ast.walk(ast.parse(source, str(path))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        kind = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if kind in DECLARING and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield kind, first.value, node.lineno


def declared_twice(sources: Mapping[Path, str]) -> Iterator[str]:
    """A code stands in one declaration; a filter that matches it must not match another message."""
    first: dict[tuple[str, str], str] = {}
    for path, source in sources.items():
        for kind, code, line in declarations(path, source):
            place = f"{path}:{line}"
            if (kind, code) in first:
                yield f"{place}: {code} is declared at {first[kind, code]} already"
            first.setdefault((kind, code), place)


def frame_taken(sources: Mapping[Path, str]) -> Iterator[str]:
    """No message is declared under the beginning that a frame gives to its rows: the two could meet."""
    frames = [code for path, text in sources.items() for kind, code, _ in declarations(path, text) if kind == "Frame"]
    for path, source in sources.items():
        for kind, code, line in declarations(path, source):
            if kind == "Message" and any(code.startswith(frame) for frame in frames):
                yield f"{path}:{line}: {code} begins like the rows of a frame"


def cited(texts: Mapping[Path, str], known: Collection[str]) -> Iterator[str]:
    """A code that a document, a test or the lab names is one that the product declares."""
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            for code in CODE.findall(line):
                if code not in known:
                    yield f"{path}:{number}: nobody declares {code}"
