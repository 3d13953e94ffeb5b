"""The secret of the links: whole, readable by root alone, and never a file of the wrong kind."""

from pathlib import Path

import pytest

from komainu.adapters.files.authkey import MISSING, NOT_A_KEY, NOT_READ, NOT_WRITTEN, AuthKey, KeyTrouble

KEY = bytes(range(256))


def test_it_is_written_for_root_alone_and_replaced_whole(tmp_path: Path) -> None:
    key = AuthKey(tmp_path / "etc" / "authkey")
    assert not key.exists()
    key.write(KEY)
    key.write(KEY[::-1])

    assert key.exists()
    assert key.read() == KEY[::-1]
    assert key.path.stat().st_mode & 0o777 == 0o400
    assert [path.name for path in key.path.parent.iterdir()] == ["authkey"]


@pytest.mark.parametrize("size", [0, 10, 127, 4_097])
def test_what_cannot_be_a_key_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "authkey").write_bytes(b"x" * size)
    with pytest.raises(KeyTrouble) as trouble:
        AuthKey(tmp_path / "authkey").read()

    assert trouble.value.said.code == NOT_A_KEY.code


def test_a_key_that_is_missing_or_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyTrouble) as missing:
        AuthKey(tmp_path / "authkey").read()
    with pytest.raises(KeyTrouble) as unread:
        AuthKey(tmp_path).read()
    (tmp_path / "file").touch()
    with pytest.raises(KeyTrouble) as unwritten:
        AuthKey(tmp_path / "file" / "authkey").write(KEY)

    assert missing.value.said.code == MISSING.code
    assert unread.value.said.code == NOT_READ.code
    assert unwritten.value.said.code == NOT_WRITTEN.code
