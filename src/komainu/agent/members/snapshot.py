"""The bytes of a state, and its digest: equal for equal states on every member, whatever its release (ADR 0010)."""

import hashlib
from typing import Any, Final

from pydantic import TypeAdapter

from komainu.core.state import State

_ADAPTER = TypeAdapter(State)

_EACH: Final = "__all__"
_WORDS: Final = {"en": True, "ja": True, "level": True}
_WORDING: Final[dict[str, Any]] = {
    "groups": {
        _EACH: {
            "because": {_EACH: _WORDS},
            "hindrance": _WORDS,
            "holds": {_EACH: {_EACH: {"said": _WORDS}}},
        }
    },
    "monitors": {_EACH: {"on": {_EACH: {"said": _WORDS}}}},
}
"Of every message in a state all but its code."


def encode(state: State) -> bytes:
    """The canonical bytes of a state: its snapshot."""
    return _ADAPTER.dump_json(state, exclude_defaults=True)


def decode(data: bytes) -> State:
    """The state of a snapshot. Raises pydantic.ValidationError for anything else, and for what this release lacks."""
    return _ADAPTER.validate_json(data)


def digest(state: State) -> str:
    """32 hexadecimal digits that are equal exactly when the states mean the same.

    How messages are worded is left out: it belongs to the release, and no decision rests on it.
    """
    return hashlib.sha256(_ADAPTER.dump_json(state, exclude_defaults=True, exclude=_WORDING)).hexdigest()[:32]
