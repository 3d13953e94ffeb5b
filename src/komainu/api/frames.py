"""Frames on the socket: four bytes of length, most significant first, then one JSON object in UTF-8.

Only the standard library: the command line imports this, and has to be quick.

    request   {"id": 1, "op": "status", "args": {}}
    answer    {"id": 1, "language": "en", "result": ...}
    stream    {"id": 1, "language": "en", "item": ...} any number of times, then {"id": 1, ..., "end": true}
    refusal   {"id": 1, "language": "en", "error": {"code", "level", "en", "ja"}}

`language` is the one chosen for the cluster; a refusal before a request could be read has none.
"""

import json
import struct
from typing import Any

HEAD = struct.Struct(">I")
REQUEST_BYTES = 64 * 1024
"""The largest request of anybody."""
ROOT_REQUEST_BYTES = 4 * 1024 * 1024
"""The largest request of root: it may be a whole configuration."""
ANSWER_BYTES = 16 * 1024 * 1024
"""The largest answer."""


class BadFrame(ValueError):
    """What came is no frame of ours."""


def encode(frame: dict[str, Any], most: int) -> bytes:
    """The bytes of a frame. Raises BadFrame when it is larger than `most` bytes."""
    body = json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > most:
        raise BadFrame(f"{len(body)} bytes are more than {most}")
    return HEAD.pack(len(body)) + body


def length(head: bytes, most: int) -> int:
    """The length that a head announces. Raises BadFrame."""
    (count,) = HEAD.unpack(head)
    if not 0 < count <= most:
        raise BadFrame(f"a frame has 1 to {most} bytes, this one {count}")
    return int(count)


def decode(body: bytes) -> dict[str, Any]:
    """The frame of those bytes. Raises BadFrame."""
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise BadFrame("not a JSON object")
    return frame
