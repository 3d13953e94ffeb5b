"""A planted secret is found, in whatever form; where there is none, none is found."""

import base64
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from komainu_lab.leaks import PIECE, BadSecret, Search

TOKEN = b"FwoGZXIvYXdzEBYaDkExample/Token+which=is.much-longer_than+a/piece=0123456789abcdef"
KEY = bytes(range(256))
SECRETS = {"a session token": TOKEN, "the key of the links": KEY}


@pytest.mark.parametrize(
    "planted",
    [
        TOKEN,
        TOKEN[: PIECE + 3] + b"...",
        b"..." + TOKEN[-2 * PIECE :],
        base64.b64encode(TOKEN),
        quote(TOKEN, safe="").encode(),
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode(),
        base64.b64encode(KEY),
        base64.urlsafe_b64encode(KEY),
    ],
)
def test_a_planted_secret_is_found(planted: bytes) -> None:
    search = Search(SECRETS)
    search.text("the log", b"2026-11-23 something happened: " + planted + b" and went on")
    (found,) = search.found
    assert found in [f"{name} in the log" for name in SECRETS]
    assert TOKEN[:PIECE].decode() not in found


def test_innocent_text_is_left_alone() -> None:
    search = Search(SECRETS)
    search.text("the log", "RequestExpired: Request has expired. " + TOKEN[: PIECE - 1].decode())
    assert search.found == []
    assert search.bytes > 0


def test_every_file_of_a_tree_is_looked_through_but_the_homes_of_secrets(tmp_path: Path) -> None:
    (tmp_path / "etc/komainu").mkdir(parents=True)
    (tmp_path / "etc/komainu/authkey").write_bytes(KEY)
    (tmp_path / "etc/komainu/cluster.yaml").write_bytes(b"cluster: {}")
    (tmp_path / "log").symlink_to(tmp_path / "etc/komainu/authkey")
    os.mkfifo(tmp_path / "pipe")
    search = Search(SECRETS)
    search.tree("node1", tmp_path, ["etc/komainu/authkey"])
    assert search.found == []
    assert search.bytes == len(b"cluster: {}")
    (tmp_path / "etc/komainu/cluster.yaml.old").write_bytes(b"x" * 100_000 + TOKEN)
    search.tree("node1", tmp_path, ["etc/komainu/authkey"])
    assert search.found == ["a session token in node1/etc/komainu/cluster.yaml.old"]
    search.tree("node1", tmp_path)
    assert "the key of the links in node1/etc/komainu/authkey" in search.found


def test_a_secret_that_could_be_there_by_chance_is_refused() -> None:
    with pytest.raises(BadSecret, match="a password is shorter than 24 bytes"):
        Search({"a password": b"secret"})
