"""The witness itself: what it refuses, what it survives, what it says. The suite of the stores is in tests/ports."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from komainu.adapters.files import durable, token, witness_state
from komainu.adapters.files.token import TokenTrouble
from komainu.adapters.files.witness_state import StateTrouble
from komainu.adapters.net import witness
from komainu.adapters.net.witness import WitnessTrouble
from komainu.model.message import Message
from komainu_lab.vpc.authority import issue
from tests.doubles.witness import TOKEN, WitnessHouse, token_file

pytestmark = pytest.mark.sockets
SHOP = "/v1/records/shop"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[WitnessHouse]:
    with WitnessHouse(tmp_path) as made:
        yield made


def connect(house: WitnessHouse) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(house.certificates.authority))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", house.port), 20), server_hostname="localhost")


def received(connection: ssl.SSLSocket) -> str:
    """All that comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass  # it was closed with something of ours unread
    return b"".join(parts).decode()


def sent(house: WitnessHouse, raw: bytes) -> str:
    with closing(connect(house)) as connection:
        connection.sendall(raw)
        return received(connection)


def request(method: str, target: str, body: str = "", shown: str = TOKEN, **headers: str) -> bytes:
    told = {"Host": "localhost", "Authorization": f"Bearer {shown}", "Connection": "close", **headers}
    if body:
        told["Content-Length"] = str(len(body.encode()))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in told.items())]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def status(answer: str) -> int:
    assert "Komainu-Witness: 1\r\n" in answer
    return int(answer.split()[1])


def said(house: WitnessHouse) -> list[str]:
    return [each.code for each in house.said]


def codes(*messages: Message) -> list[str]:
    return [message.code for message in messages]


def test_a_record_is_made_and_read(house: WitnessHouse) -> None:
    assert status(sent(house, request("GET", SHOP))) == 404
    made = sent(house, request("PUT", SHOP, "text", If_None_Match="*"))
    assert status(made) == 200
    read = sent(house, request("GET", SHOP))
    assert status(read) == 200
    assert read.endswith("\r\n\r\ntext")
    (etag,) = {line for line in (made + read).splitlines() if line.startswith("ETag:")}
    assert status(sent(house, request("PUT", SHOP, "more", If_Match=etag.partition(" ")[2]))) == 200
    assert said(house) == codes(witness.LISTENS)


@pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", "\xff"])
@pytest.mark.parametrize("what", [request("GET", SHOP), request("PUT", SHOP, "x", If_None_Match="*")])
def test_without_the_token_nothing_is_done_nor_told(house: WitnessHouse, what: bytes, shown: str) -> None:
    answer = sent(house, what.replace(TOKEN.encode(), shown.encode("latin-1")))
    assert status(answer) == 401
    assert TOKEN not in answer
    assert status(sent(house, request("GET", SHOP))) == 404
    assert said(house) == codes(witness.LISTENS, witness.BAD_TOKEN)


def test_the_token_is_asked_for_before_anything_else_is_said(house: WitnessHouse) -> None:
    for target in ("/", "/v1/records/none", "/etc/passwd"):
        assert status(sent(house, request("GET", target, shown="wrong"))) == 401
    assert said(house) == codes(witness.LISTENS, witness.BAD_TOKEN)  # once a minute from one address


@pytest.mark.parametrize(
    ("what", "answered"),
    [
        (request("GET", "/"), 400),
        (request("GET", "/v1/records/"), 400),
        (request("GET", "/v1/records/a/b"), 400),
        (request("GET", "/v1/records/../x"), 400),
        (request("GET", f"/v1/records/{'x' * 200}"), 400),
        (request("DELETE", SHOP), 405),
        (request("PUT", SHOP, "x"), 428),
        (request("PUT", SHOP, "x", If_None_Match='"v"'), 428),
        (request("PUT", SHOP, "x", If_None_Match="*", If_Match='"v"'), 428),
        (request("PUT", SHOP, "x", If_Match='"v"'), 412),
        (request("PUT", SHOP, "x", If_Match="*"), 412),
        (request("PUT", SHOP, "x", If_None_Match="*").replace(b"\r\n\r\nx", b"\r\n\r\n\xff"), 400),
        (request("PUT", SHOP, Content_Length="65537"), 413),
        (request("PUT", SHOP, Content_Length="1e3"), 400),
        (request("PUT", SHOP, Content_Length="-1"), 400),
        (request("PUT", SHOP, Content_Length="9" * 30), 400),
        (request("PUT", SHOP, Transfer_Encoding="chunked"), 411),
        (request("GET", SHOP, X="y" * 20_000), 431),
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX : y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: y\r\nx: z\r\n\r\n", 400),
    ],
)
def test_what_is_no_right_request_is_refused_and_changes_nothing(
    house: WitnessHouse, what: bytes, answered: int
) -> None:
    assert status(sent(house, what)) == answered
    assert status(sent(house, request("GET", SHOP))) == 404


def test_one_connection_serves_several_requests(house: WitnessHouse) -> None:
    keep = request("GET", SHOP, Connection="keep-alive")
    with closing(connect(house)) as connection:
        connection.sendall(keep + keep + request("GET", SHOP))
        assert received(connection).count("HTTP/1.1 404") == 3


def test_who_goes_away_or_is_no_client_does_no_harm(house: WitnessHouse) -> None:
    for beginning in (b"", b"GET", request("PUT", SHOP, "text", If_None_Match="*")[:-2]):
        with closing(connect(house)) as connection:
            connection.sendall(beginning)
    with closing(socket.create_connection(("127.0.0.1", house.port), 20)) as bare:
        bare.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with closing(bare.makefile("rb")) as answer:
            answer.read()  # until the witness closes: this is no TLS
    assert status(sent(house, request("GET", SHOP))) == 404


def test_who_is_slow_is_closed(house: WitnessHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "REQUEST_S", 0.2)
    with closing(connect(house)) as connection:
        connection.sendall(request("GET", SHOP)[:-2])
        assert received(connection) == ""


def test_too_many_connections_are_closed_and_said_once(house: WitnessHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "CONNECTIONS", 1)
    with closing(connect(house)) as first:
        first.sendall(request("GET", SHOP, Connection="keep-alive"))
        assert first.recv(100)  # it is being served
        for _ in range(2):
            with closing(connect(house)) as second:
                assert received(second) == ""
        first.sendall(request("GET", SHOP))
        assert "HTTP/1.1 404" in received(first)
    assert said(house) == codes(witness.LISTENS, witness.CROWDED)


def test_a_disk_that_fails_is_no_answer_and_is_said(house: WitnessHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "replace", fails)
    assert status(sent(house, request("PUT", SHOP, "text", If_None_Match="*"))) == 503
    assert status(sent(house, request("GET", SHOP))) == 503
    monkeypatch.undo()
    assert status(sent(house, request("GET", SHOP))) == 404
    assert said(house) == codes(witness.LISTENS, witness.NOT_DURABLE)


def test_the_number_of_records_is_bounded(house: WitnessHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_state, "MOST_RECORDS", 0)
    assert status(sent(house, request("PUT", SHOP, "text", If_None_Match="*"))) == 507


def test_records_are_there_after_a_restart(tmp_path: Path) -> None:
    house = WitnessHouse(tmp_path)
    with house:
        sent(house, request("PUT", SHOP, "text", If_None_Match="*"))
        before = sent(house, request("GET", SHOP))
    with house:
        assert sent(house, request("GET", SHOP)) == before


def test_secrets_are_read_anew_when_told(house: WitnessHouse, tmp_path: Path) -> None:
    token_file(tmp_path, "another-token-than-that")
    assert status(sent(house, request("GET", SHOP))) == 404
    house.reload()
    assert status(sent(house, request("GET", SHOP))) == 401
    assert status(sent(house, request("GET", SHOP, shown="another-token-than-that"))) == 404
    renewed = issue(tmp_path / "certificates", "ap-northeast-1", "123456789012")
    house.reload()
    house.certificates = renewed
    assert status(sent(house, request("GET", SHOP, shown="another-token-than-that"))) == 404
    assert said(house).count(witness.RELOADED.code) == 2


def test_secrets_that_cannot_be_used_do_not_replace_those_that_can(house: WitnessHouse, tmp_path: Path) -> None:
    other = issue(tmp_path / "other", "ap-northeast-1", "123456789012")
    house.certificates.certificate.write_bytes(other.certificate.read_bytes())  # of another key
    house.reload()
    assert status(sent(house, request("GET", SHOP))) == 404
    (tmp_path / "token").write_text("short")
    house.reload()
    assert status(sent(house, request("GET", SHOP))) == 404
    assert said(house) == codes(witness.LISTENS, witness.NO_CERTIFICATE, token.NO_TOKEN)


def refusal(house: WitnessHouse, **changes: Any) -> str:
    """What a witness with other settings says when it cannot start."""
    with pytest.raises((WitnessTrouble, TokenTrouble, StateTrouble)) as raised, house.altered(**changes):
        pass
    found = raised.value
    assert isinstance(found, WitnessTrouble | TokenTrouble | StateTrouble)
    return found.said.code


def test_what_keeps_it_from_starting_is_said(tmp_path: Path) -> None:
    house = WitnessHouse(tmp_path)
    assert refusal(house, certificate="/none") == witness.NO_CERTIFICATE.code
    assert refusal(house, key=str(house.certificates.authority)) == witness.NO_CERTIFICATE.code
    assert refusal(house, token_file="/none") == token.NOT_READ.code
    assert refusal(house, state="/none/state.json") == witness_state.NOT_OPENED.code
    with house:
        assert refusal(house) == witness_state.TAKEN.code
        beside = str(tmp_path / "beside.json")
        assert refusal(house, state=beside) == witness.NO_LISTENING.code
        assert refusal(house, state=beside, host="192.0.2.1") == witness.NO_LISTENING.code
    with house:
        pass  # none of them has kept anything


@pytest.mark.processes
def test_signals_reload_and_end_the_process(tmp_path: Path) -> None:
    house = WitnessHouse(tmp_path)
    settings = house.settings
    words = ["--listen", "127.0.0.1:0", "--state", settings.state, "--cert", settings.certificate]
    words += ["--key", settings.key, "--token-file", settings.token_file, "--lang", "en"]
    command = [sys.executable, "-m", "komainu", "witness", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}) as process:
        ending = threading.Timer(60, process.kill)
        ending.start()
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(witness.LISTENS.code)
            process.send_signal(signal.SIGHUP)
            assert process.stderr.readline().startswith(witness.RELOADED.code)
            process.send_signal(signal.SIGTERM)
            assert process.stderr.readline().startswith(witness.ENDS.code)
            assert process.wait(20) == 0
            assert process.stderr.read() == ""
        finally:
            ending.cancel()
            process.kill()


def test_what_is_being_written_at_the_end_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = WitnessHouse(tmp_path)
    writing, go_on = threading.Event(), threading.Event()
    real = durable.replace

    def slow(path: Path, content: bytes, mode: int = 0o600) -> None:
        writing.set()
        assert go_on.wait(20)
        real(path, content, mode)

    house.__enter__()
    monkeypatch.setattr(durable, "replace", slow)
    with closing(connect(house)) as connection:
        connection.sendall(request("PUT", SHOP, "text", If_None_Match="*"))
        assert writing.wait(20)
        ending = threading.Thread(target=house.__exit__)
        ending.start()
        assert refusal(house) == witness_state.TAKEN.code
        go_on.set()
        assert received(connection) == ""  # closed without an answer: nobody was told anything
        ending.join(20)
    monkeypatch.undo()
    with house:
        assert sent(house, request("GET", SHOP)).endswith("\r\n\r\ntext")
