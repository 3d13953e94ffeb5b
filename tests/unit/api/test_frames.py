"""Frames: what is too large, or no JSON object, is refused by name."""

import pytest

from komainu.api import frames
from komainu.api.frames import BadFrame


def test_a_frame_is_its_length_and_its_json() -> None:
    data = frames.encode({"id": 1, "op": "状態"}, 100)
    head, body = data[:4], data[4:]

    assert frames.length(head, 100) == len(body)
    assert frames.decode(body) == {"id": 1, "op": "状態"}


def test_what_is_too_large_is_refused_before_it_is_sent_or_read() -> None:
    with pytest.raises(BadFrame, match="more than 10"):
        frames.encode({"id": 123456789}, 10)
    with pytest.raises(BadFrame, match="1 to 10 bytes, this one 4294967295"):
        frames.length(b"\xff\xff\xff\xff", 10)
    with pytest.raises(BadFrame, match="this one 0"):
        frames.length(b"\0\0\0\0", 10)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b"1"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.decode(body)
