"""The token of a witness: one line, in a file that nobody else may read."""

import os
from pathlib import Path

import pytest

from komainu.adapters.files import token
from komainu.adapters.files.token import TokenTrouble, read_token
from komainu.model.message import Message

GOOD = "0123456789abcdef"


def put(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_line_is_a_token(tmp_path: Path, end: str, mode: int) -> None:
    assert read_token(str(put(tmp_path, f"{GOOD}{end}".encode(), mode))) == GOOD


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o601, 0o777])
def test_what_others_may_read_or_change_is_not_used(tmp_path: Path, mode: int) -> None:
    assert said(put(tmp_path, GOOD.encode(), mode)) == token.NOT_SECRET


def test_what_belongs_to_somebody_else_is_not_used(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = put(tmp_path, GOOD.encode())
    os.chown(path, 12_345, 12_345)
    assert said(path) == token.NOT_SECRET


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"short", b"with spaces in between", f"{GOOD}\n{GOOD}".encode(), "トークン".encode() * 9, b"x" * 5_000),
        *(b"0123456789\tabcdef", b"0123456789\xffabcdef"),
    ],
)
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    assert said(put(tmp_path, content)) == token.NO_TOKEN


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert said(tmp_path / "none") == token.NOT_READ
    assert said("a\0b") == token.NOT_READ
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert said(tmp_path / "fifo") == token.NO_TOKEN


def said(path: Path | str) -> Message:
    """Which message; it never shows the token."""
    with pytest.raises(TokenTrouble) as trouble:
        read_token(path)
    assert GOOD not in f"{trouble.value.said}"
    (found,) = [
        each for each in (token.NOT_READ, token.NOT_SECRET, token.NO_TOKEN) if each.code == trouble.value.said.code
    ]
    return found
