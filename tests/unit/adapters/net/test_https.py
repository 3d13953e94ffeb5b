"""Requests with a token: sent once, to a server that is trusted, within a deadline."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from komainu.adapters.net import https
from komainu.adapters.net.https import HttpsClient
from komainu.ports import HttpsAnswer, HttpsError, HttpsFault, HttpsRequest
from tests.doubles.api_server import ApiServer, Behaviour, Request, drop, hang, nobody_listens
from tests.doubles.witness import TOKEN, WitnessHouse, token_file

pytestmark = pytest.mark.sockets


@pytest.fixture
def house(tmp_path: Path) -> WitnessHouse:
    return WitnessHouse(tmp_path)


@pytest.fixture
def client() -> Iterator[HttpsClient]:
    with closing(HttpsClient()) as made:
        yield made


def taken(request: Request) -> None:
    handler = request.handler
    handler.send_response(200)
    handler.send_header("ETag", '"v1"')
    handler.send_header("Content-Length", "4")
    handler.end_headers()
    handler.wfile.write(b"text")


def request(house: WitnessHouse, server: ApiServer) -> HttpsRequest:
    url = f"https://localhost:{server.port}/v1/records/shop"
    ca_file = str(house.certificates.authority)
    return HttpsRequest("PUT", url, {"If-Match": '"v0"'}, "ノード", ca_file, house.token_file)


def ask(client: HttpsClient, asked: HttpsRequest, timeout_ms: int = 20_000) -> HttpsAnswer:
    return asyncio.run(client.ask(asked, timeout_ms))


def fault(client: HttpsClient, asked: HttpsRequest, timeout_ms: int = 20_000) -> HttpsFault:
    with pytest.raises(HttpsError) as raised:
        ask(client, asked, timeout_ms)
    assert raised.value.text
    assert TOKEN not in raised.value.text
    return raised.value.fault


def serving(house: WitnessHouse, *behaviours: Behaviour) -> ApiServer:
    return ApiServer(*behaviours, tls=house.server_context())


def test_a_request_has_its_token_and_an_answer_its_headers(house: WitnessHouse, client: HttpsClient) -> None:
    with serving(house, taken) as server:
        answer = ask(client, request(house, server))
    (seen,) = server.requests
    assert (seen.handler.command, seen.handler.path, seen.body.decode()) == ("PUT", "/v1/records/shop", "ノード")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["if-match"] == '"v0"'
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, "text", '"v1"')
    assert client.calls() == {"https": 1}


@pytest.mark.parametrize("status", [307, 404, 503])
def test_every_status_is_an_answer_and_no_redirection_is_followed(
    house: WitnessHouse, client: HttpsClient, status: int
) -> None:
    with serving(house, lambda seen: seen.answer(status, "x")) as server:
        assert ask(client, request(house, server)).status == status
        assert len(server.requests) == 1


def test_a_server_that_is_not_trusted_sees_no_token(house: WitnessHouse, client: HttpsClient, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = WitnessHouse(tmp_path / "other")
    with serving(house, taken) as server:
        right = request(house, server)
        assert fault(client, replace(right, ca_file=None)) is HttpsFault.NO_TLS
        assert fault(client, replace(right, ca_file=str(other.certificates.authority))) is HttpsFault.NO_TLS
        assert fault(client, replace(right, ca_file="/none/ca.pem")) is HttpsFault.NO_TLS
        assert fault(client, replace(right, url=right.url.replace("localhost", "127.0.0.1"))) is HttpsFault.NO_TLS
        assert server.requests == []


def test_without_a_token_nothing_is_sent(house: WitnessHouse, client: HttpsClient, tmp_path: Path) -> None:
    with serving(house, taken) as server:
        asked = replace(request(house, server), token_file=str(tmp_path / "none"))
        assert fault(client, asked) is HttpsFault.NO_TOKEN
        assert server.connections == 0


def test_a_token_may_be_changed_under_a_running_daemon(
    house: WitnessHouse, client: HttpsClient, tmp_path: Path
) -> None:
    with serving(house, taken) as server:
        ask(client, request(house, server))
        token_file(tmp_path, "another-token-than-that")
        ask(client, request(house, server))
    assert [each.headers["authorization"][7:14] for each in server.requests] == [TOKEN[:7], "another"]


def test_an_answer_that_does_not_come_is_not_known(house: WitnessHouse, client: HttpsClient) -> None:
    with serving(house, taken, drop, hang) as server:
        asked = request(house, server)
        ask(client, asked)
        assert fault(client, asked) is HttpsFault.NO_ANSWER
        began = time.monotonic()
        assert fault(client, asked, 500) is HttpsFault.NO_ANSWER
        assert time.monotonic() - began < 5
        assert len(server.requests) == 3


def test_where_nobody_listens_nothing_was_sent(house: WitnessHouse, client: HttpsClient) -> None:
    with nobody_listens() as url:
        url = url.replace("http://127.0.0.1", "https://localhost")
        asked = HttpsRequest("GET", url, {}, "", str(house.certificates.authority), house.token_file)
        assert fault(client, asked) is HttpsFault.UNREACHABLE


def test_an_answer_without_end_is_none(house: WitnessHouse, client: HttpsClient) -> None:
    with serving(house, lambda seen: seen.answer(200, "x" * 200_000), taken) as server:
        asked = request(house, server)
        assert fault(client, asked) is HttpsFault.NO_ANSWER
        assert ask(client, asked).body == "text"  # and not the rest of the one before


@pytest.mark.parametrize(("idle_s", "connections"), [(30.0, 1), (0.0, 2)])
def test_a_connection_is_kept_for_the_next_request_but_not_for_long(
    house: WitnessHouse,
    client: HttpsClient,
    monkeypatch: pytest.MonkeyPatch,
    idle_s: float,
    connections: int,
) -> None:
    monkeypatch.setattr(https, "IDLE_S", idle_s)
    with serving(house, taken) as server:
        ask(client, request(house, server))
        ask(client, request(house, server))
        assert server.connections == connections


def test_no_proxy_is_asked(house: WitnessHouse, client: HttpsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_listens() as url, serving(house, taken) as server:
        monkeypatch.setenv("https_proxy", url)
        assert ask(client, request(house, server)).status == 200


def test_after_the_end_nothing_is_sent(house: WitnessHouse) -> None:
    call: Callable[[HttpsClient], object] = lambda made: ask(made, request(house, server))  # noqa: E731
    with serving(house, taken) as server:
        with closing(HttpsClient()) as made:
            call(made)
        with pytest.raises(RuntimeError, match="closed"):
            call(made)
        assert len(server.requests) == 1
