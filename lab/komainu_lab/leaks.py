"""Secrets where none may be: in the files of a machine, in what a command printed.

A secret is looked for in pieces, so that one that was cut short is found as well, and in the forms that programs write
it in. What is found is told by the secret's name, never by itself.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

PIECE = 24
"""Bytes of a piece. A multiple of three: so each piece has a base64 form of its own within that of the whole."""

HEAD = 8
"""Bytes of a form that say which ones to compare."""


class BadSecret(ValueError):
    """A secret that is too short to be told from chance."""


class Search:
    """Looks for these secrets, and keeps what it found."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        """Secrets by their names. Raises BadSecret."""
        short = [name for name, secret in secrets.items() if len(secret) < PIECE]
        if short:
            raise BadSecret(f"{short[0]} is shorter than {PIECE} bytes")
        self._needles: dict[bytes, dict[bytes, str]] = {}
        "The forms of all pieces with the secrets' names, by their first bytes: one pass finds any of them."
        for name, secret in secrets.items():
            for form in _forms(secret):
                self._needles.setdefault(form[:HEAD], {})[form] = name
        self.found: list[str] = []
        "Each finding in one line: which secret, and where."
        self.bytes = 0
        "How much was looked through."

    def text(self, place: str, content: str | bytes) -> None:
        """Look through what was said at a place."""
        data = content.encode() if isinstance(content, str) else content
        self.bytes += len(data)
        names = dict.fromkeys(self._in(data))
        self.found += [f"{name} in {place}" for name in names]

    def _in(self, data: bytes) -> Iterator[str]:
        heads = self._needles
        for at in range(len(data) - HEAD + 1):
            head = data[at : at + HEAD]
            if head in heads:
                yield from (name for needle, name in heads[head].items() if data.startswith(needle, at))

    def tree(self, place: str, root: Path, allowed: Iterable[str] = ()) -> None:
        """Look through every file below a directory but those `allowed`, which are relative to it."""
        homes = {root / each for each in allowed}
        for path in _files(root):
            if path not in homes:
                try:
                    self.text(f"{place}/{path.relative_to(root)}", path.read_bytes())
                except FileNotFoundError:
                    continue  # it was removed since it was listed


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def _forms(secret: bytes) -> Iterator[bytes]:
    for start in range(0, len(secret) - PIECE + 1, PIECE):
        piece = secret[start : start + PIECE]
        yield piece
        yield base64.b64encode(piece)
        yield base64.urlsafe_b64encode(piece)
        yield piece.hex().encode()
        yield piece.hex().upper().encode()
        yield quote(piece, safe="").encode()
