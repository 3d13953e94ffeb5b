"""What differs between two configurations, in the words of the file, and what follows from it (C11).

Pure, and only for showing and judging: the core decides by itself what has to stop when another one comes into force.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from komainu.config.consequences import ORDER, Consequences, of_difference
from komainu.config.problem import shown
from komainu.model.config import Cluster, GroupDependency, Part, Target
from komainu.model.message import Language, Said

Words = tuple[str, ...]
"""A path as an administrator knows it: `("groups", "db", "resources", "postgres", "params", "port")`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. Parts with names are compared by name; a whole part that came or went is one thing."""

    path: Words
    kind: Literal["added", "removed", "changed"]
    old: Any
    "A value as JSON has it; None for what was added."
    new: Any
    "A value as JSON has it; None for what was removed."
    follows: tuple[Said, ...] = ()
    "What it entails; that nothing restarts is said as well."

    @property
    def words(self) -> str:
        """The path on one line."""
        return "/".join(self.path)

    def line(self) -> str:
        """The difference on one line, the same in every language: `~ groups/db/failback: "manual" -> "auto"`."""
        if self.kind == "added":
            return f"+ {self.words}: {shown(self.new)}"
        if self.kind == "removed":
            return f"- {self.words}: {shown(self.old)}"
        return f"~ {self.words}: {shown(self.old)} -> {shown(self.new)}"


def differences(old: Cluster, new: Cluster) -> tuple[Difference, ...]:
    """Everything that differs but the version; nothing exactly when the two are otherwise equal.

    What was removed stands in the order of `old`, then what was changed or added in the order of `new`, section by
    section.
    """
    return tuple(
        Difference(each.path, each.kind, each.old, each.new, of_difference(old, new, each.path).said())
        for each in _found(old, new)
    )


def consequences(old: Cluster, new: Cluster) -> Consequences:
    """What follows from all differences together."""
    whole = Consequences()
    for each in _found(old, new):
        whole = whole.joined(of_difference(old, new, each.path))
    return whole


def text(old: Cluster, new: Cluster, language: Language) -> str:
    """The differences, a line each, an empty line, and what follows from them in sentences."""
    lines = [each.line() for each in _found(old, new)]
    sentences = [said.text(language) for said in consequences(old, new).said()]
    return "\n".join([*lines, *([""] if lines else []), *sentences]) + "\n"


def _found(old: Cluster, new: Cluster) -> Iterator[Difference]:
    for key in Cluster.model_fields:
        if key != "version":
            yield from _between((key,), getattr(old, key), getattr(new, key))


def _between(path: Words, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Part) and isinstance(new, Part) and not isinstance(old, Target):
        for key in type(old).model_fields:
            if key not in _NAMES:
                yield from _between((*path, key), getattr(old, key), getattr(new, key))
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _keyed(path, old, new)
    elif _has_names(old) or _has_names(new):
        before, after = _named(old), _named(new)
        yield from _keyed(path, before, after)
        kept = [name for name in before if name in after]
        now = [name for name in after if name in before]
        if kept != now:
            yield Difference((*path, ORDER), "changed", kept, now)
    elif not _same(old, new):
        kind: Literal["added", "removed", "changed"] = "changed"
        if old is None or new is None:
            kind = "added" if old is None else "removed"
        yield Difference(path, kind, _plain(old), _plain(new))


def _keyed(path: Words, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for key, value in old.items():
        if key not in new:
            yield Difference((*path, key), "removed", _plain(value), None)
    for key, value in new.items():
        if key not in old:
            yield Difference((*path, key), "added", None, _plain(value))
        elif value is not None and old[key] is not None:
            yield from _between((*path, key), old[key], value)
        elif value is not old[key]:
            yield Difference((*path, key), "changed", _plain(old[key]), _plain(value))


_NAMES = ("name", "group")
"""By these the parts of a list are told from each other; they stand in the path."""


def _has_names(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Part)


def _named(parts: tuple[Any, ...]) -> dict[str, Any]:
    return {each.group if isinstance(each, GroupDependency) else each.name: each for each in parts}


def _same(old: Any, new: Any) -> bool:
    """As JSON has them: there `1`, `1.0` and `true` are three things."""
    return json.dumps(_plain(old), sort_keys=True) == json.dumps(_plain(new), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Target):
        words = {"node": "local-server", "all-groups": "all-groups"}
        return words.get(value.kind) or {key: each for key in ("group", "resource") if (each := getattr(value, key))}
    if isinstance(value, Part):
        return {key: _plain(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value
