"""The tables of docs/tour.md as a checker: each function that a row names is defined in the file that it links to."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROW = re.compile(r"^\| \[[^\]]+\]\((?P<link>[^)]+\.py)\) \| (?P<names>[^|]+) \|")


def rows(text: str) -> Iterator[tuple[int, Path, list[str]]]:
    """Line, linked file and named functions of each row."""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := ROW.match(line):
            yield number, Path(found["link"].removeprefix("../")), re.findall(r"`([^`]+)`", found["names"])


def missing(text: str, read: Callable[[Path], str]) -> Iterator[str]:
    """Functions that the tour names and the code does not have."""
    for number, path, names in rows(text):
        tree = ast.parse(read(path), str(path))
        defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for name in names:
            if name not in defined:
                yield f"docs/tour.md:{number}: {path} has no function {name}"
