"""The tree of a configuration file: plain values that know their line."""

from dataclasses import dataclass, field
from typing import Any

from komainu.config.problem import Path, Problem


@dataclass(slots=True)
class Value:
    """A value and where it starts."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar(Value):
    """A text, number, truth value or nothing."""

    value: str | int | float | bool | None
    readable: bool = True
    "False when the text does not say what the value is (an alias, a tag): nothing more is said about it."


@dataclass(slots=True)
class Key(Value):
    """A key of a mapping."""

    name: str


@dataclass(slots=True)
class Sequence(Value):
    """A list."""

    items: list["Scalar | Sequence | Mapping"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Value):
    """Keys with their values, in the order of the file."""

    keys: dict[str, Key] = field(default_factory=dict)
    values: dict[str, "Scalar | Sequence | Mapping"] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class Document:
    """What a text was found to hold."""

    root: Node | None
    "None when the text could not be read to its end."
    problems: list[Problem]

    def plain(self) -> Any:
        """The values alone, as JSON has them. The depth is bounded by `MAX_DEPTH`."""
        return None if self.root is None else _plain(self.root)

    def find(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """Line and column of that place, or of the nearest one around it that is in the text."""
        node = self.root
        place = (1, 1) if node is None else (node.line, node.column)
        for number, step in enumerate(path):
            following = _step(node, step)
            if following is None:
                return place
            if at_key and number == len(path) - 1 and isinstance(node, Mapping):
                key = node.keys[str(step)]
                return key.line, key.column
            node = following
            place = (node.line, node.column)
        return place

    def unreadable(self, path: Path) -> bool:
        """True when the value there, or one around it, was refused as such: what it would have been is not known."""
        node = self.root
        for step in path:
            if isinstance(node, Scalar):
                break
            node = _step(node, step)
        return isinstance(node, Scalar) and not node.readable


def _step(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Mapping) and isinstance(step, str):
        return node.values.get(step)
    if isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def _plain(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    return node.value
