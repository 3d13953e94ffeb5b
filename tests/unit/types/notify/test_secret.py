"""A secret is one line in a file that root alone may read; anything else is refused with its remedy."""

import os
from pathlib import Path

import pytest

from komainu.types.notify import secret
from komainu.types.notify.secret import SecretTrouble, read_secret


def write(path: Path, content: bytes, mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("content", [b"word", b"word\n", b"word\r\n"])
def test_the_line_in_the_file_is_the_secret(tmp_path: Path, content: bytes) -> None:
    assert read_secret("ops", write(tmp_path / "s", content)) == "word"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_may_read_or_change_is_not_used(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "s", b"word", mode)
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", file)
    assert trouble.value.said == secret.NOT_SECRET.said(name="ops", file=file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    file = write(tmp_path / "s", b"word")
    os.chown(file, 65_534, 65_534)
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", file)
    assert trouble.value.said.code == secret.NOT_SECRET.code


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"x" * 5_000, b"tab\tbed"])
def test_what_is_no_line_of_text_is_no_secret(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", write(tmp_path / "s", content))
    assert trouble.value.said.code == secret.NO_TEXT.code
    assert "two" not in trouble.value.said.en


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", str(tmp_path / "none"))
    assert trouble.value.said.code == secret.NOT_READ.code
    assert str(tmp_path / "none") in trouble.value.said.en


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f", 0o600)
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", str(tmp_path / "f"))
    assert trouble.value.said.code == secret.NO_TEXT.code


def test_what_is_no_path_is_refused_by_name() -> None:
    with pytest.raises(SecretTrouble) as trouble:
        read_secret("ops", "/etc/\0")
    assert trouble.value.said.code == secret.NOT_READ.code
