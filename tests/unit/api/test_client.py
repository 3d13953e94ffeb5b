"""The client: every way in which nobody answers is one sentence with a remedy."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from komainu.api import client as c
from komainu.api.client import Client, Trouble

pytestmark = pytest.mark.sockets


def frame(**told: object) -> bytes:
    body = json.dumps(told).encode()
    return struct.pack(">I", len(body)) + body


@contextmanager
def server(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody who answers one client in his own way."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(10)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield str(path)
        finally:
            thread.join(10)


def request(connection: socket.socket) -> dict[str, object]:
    (length,) = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
    return dict(json.loads(connection.recv(length, socket.MSG_WAITALL)))


def test_questions_are_asked_one_after_the_other(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        first = request(connection)
        connection.sendall(frame(id=first["id"], language="ja", result=first["args"]))
        second = request(connection)
        for item in (1, 2):
            connection.sendall(frame(id=second["id"], language="ja", item=item))
        connection.sendall(frame(id=second["id"], language="ja", end=True))

    with server(tmp_path / "s", answer) as path, Client(path) as client:
        assert client.ask("one", group="web") == {"group": "web"}
        assert client.language == "ja"
        assert list(client.follow("two", 5)) == [1, 2]


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        request(connection)
        for byte in frame(id=1, result="あ" * 100):
            connection.sendall(bytes((byte,)))

    with server(tmp_path / "s", answer) as path, Client(path) as client:
        assert client.ask("status") == "あ" * 100


def test_a_refusal_is_quoted(tmp_path: Path) -> None:
    said = {"code": "KM1", "level": "error", "en": "no", "ja": "いいえ"}

    def answer(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(frame(id=1, error=said))

    with server(tmp_path / "s", answer) as path, Client(path) as client, pytest.raises(Trouble) as trouble:
        client.ask("status")
    assert (trouble.value.said.code, trouble.value.said.ja) == ("KM1", "いいえ")


def test_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        Client(str(tmp_path / "nobody"))

    assert trouble.value.said.code == c.NOT_RUNNING.code
    assert "systemctl start komainud" in trouble.value.said.en


def test_a_socket_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: str) -> None:
        raise PermissionError

    monkeypatch.setattr(c.socket.socket, "connect", refuse, raising=False)
    with pytest.raises(Trouble) as trouble:
        Client(str(tmp_path / "s"))
    assert trouble.value.said.code == c.NOT_ALLOWED.code


@pytest.mark.parametrize(
    "bytes_sent", [b"", b"\0\0", frame(id=1)[:-1], b"\xff\xff\xff\xff", struct.pack(">I", 2) + b"{]"]
)
def test_an_answer_that_is_none(tmp_path: Path, bytes_sent: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(bytes_sent)

    with server(tmp_path / "s", answer) as path, Client(path) as client, pytest.raises(Trouble) as trouble:
        client.ask("status")
    assert trouble.value.said.code == c.NO_ANSWER.code


def test_an_answer_that_does_not_come_in_time(tmp_path: Path) -> None:
    done = threading.Event()

    def answer(connection: socket.socket) -> None:
        request(connection)
        done.wait(10)

    with server(tmp_path / "s", answer) as path, Client(path) as client:
        with pytest.raises(Trouble) as trouble:
            client.ask("status", timeout_s=0.05)
        done.set()
    assert trouble.value.said.code == c.NO_ANSWER.code
