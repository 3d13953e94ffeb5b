"""A webhook to a real HTTP server on loopback: what is posted, and what is said when it fails."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.types.notify import secret, webhook
from komainu.types.notify.webhook import WEBHOOK, Params, is_url, signature
from komainu_lab.vpc.authority import Certificates, issue
from tests.doubles.api_server import ApiServer, Request, drop, hang, nobody_listens
from tests.doubles.notices import FULL, LOST, host, notice

pytestmark = pytest.mark.sockets
PATH = "/services/T0/B0/s3cr3t"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("ca"), "ap-northeast-1", "123456789012")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def taken(request: Request) -> None:
    request.answer(204, "")


def answering(status: int, text: str = "", **headers: str) -> Any:
    def behave(request: Request) -> None:
        handler = request.handler
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return behave


def secret_file(folder: Path, content: str) -> str:
    file = folder / "secret"
    file.write_text(content)
    file.chmod(0o600)
    return str(file)


def send(given: Params, timeout_ms: int = 20_000, **changes: Any) -> Outcome:
    return asyncio.run(WEBHOOK.make(given, host()).send(notice(LOST, FULL, **changes), timeout_ms))


def test_the_alerts_are_posted_as_json() -> None:
    with ApiServer(taken) as server:
        given = Params(url=f"{server.url}{PATH}", headers={"X-Team": "db"})
        assert send(given, left_out=(("KM5301", 3),)) == SUCCEEDED
    (request,) = server.requests
    assert request.handler.path == PATH
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["x-team"] == "db"
    assert "x-komainu-signature" not in request.headers
    told = json.loads(request.body)
    assert (told["cluster"], told["sender"], told["level"], told["count"]) == ("shop", "n2", "error", 5)
    assert [alert["code"] for alert in told["alerts"]] == ["KM7101", "KM5301"]
    assert told["alerts"][0] == {
        "id": "c0ffee-1",
        "at": "2026-11-22T07:00:00.123Z",
        "node": "",
        "module": "core",
        "code": "KM7101",
        "level": "error",
        "en": "Node n1 is lost.",
        "ja": "ノード n1 と通信できません。",
        "detail": "",
    }
    assert told["left_out"] == {"KM5301": 3}
    assert told["test"] is False


def test_a_shared_secret_signs_the_time_and_the_body(tmp_path: Path) -> None:
    with ApiServer(taken) as server:
        assert send(Params(url=server.url, secret_file=secret_file(tmp_path, "pepper\n"))) == SUCCEEDED
    (request,) = server.requests
    at = request.headers["x-komainu-timestamp"]
    assert request.headers["x-komainu-signature"] == signature("pepper", at, request.body)
    assert signature("pepper", at, request.body) != signature("salt", at, request.body)
    assert signature("pepper", at, request.body) != signature("pepper", "0", request.body)


def test_the_signature_is_what_others_compute() -> None:
    """By `printf '1.{}' | openssl dgst -sha256 -hmac key`."""
    told = "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
    assert signature("key", "1", b"{}") == told


def test_authorization_comes_from_a_file(tmp_path: Path) -> None:
    with ApiServer(taken) as server:
        assert send(Params(url=server.url, authorization_file=secret_file(tmp_path, "Bearer abc"))) == SUCCEEDED
    assert server.requests[0].headers["authorization"] == "Bearer abc"


def test_a_secret_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    file = secret_file(tmp_path, "pepper")
    Path(file).chmod(0o644)
    with ApiServer(taken) as server:
        outcome = send(Params(url=server.url, secret_file=file))
    assert outcome.said is not None
    assert outcome.said.code == secret.NOT_SECRET.code
    assert server.requests == []


def test_a_url_may_be_a_secret_too(tmp_path: Path) -> None:
    with ApiServer(taken) as server:
        assert send(Params(url_file=secret_file(tmp_path, f"{server.url}{PATH}\n"))) == SUCCEEDED
        wrong = send(Params(url_file=secret_file(tmp_path, "ftp://x/s3cr3t")))
    assert server.requests[0].handler.path == PATH
    assert wrong.said is not None
    assert wrong.said.code == webhook.NO_URL.code
    assert "s3cr3t" not in f"{wrong}"


def test_https_is_verified(certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with ApiServer(taken, tls=context) as server:
        url = f"https://localhost:{server.port}{PATH}"
        assert send(Params(url=url, ca_file=str(certificates.authority))) == SUCCEEDED
        stranger = send(Params(url=url))
        no_file = send(Params(url=url, ca_file="/none/ca.pem"))
    assert len(server.requests) == 1
    assert stranger.result is Result.FAILED
    assert stranger.said == webhook.NO_TLS.said(name="ops", place=f"https://localhost:{server.port}")
    assert no_file.said is not None
    assert no_file.said.code == webhook.NO_TLS.code
    assert "s3cr3t" not in f"{stranger} {no_file}"


@pytest.mark.parametrize(
    ("status", "result", "said"),
    [
        (200, Result.SUCCEEDED, None),
        (299, Result.SUCCEEDED, None),
        (302, Result.FAILED, webhook.ELSEWHERE),
        (404, Result.FAILED, webhook.ANSWERED),
        (503, Result.UNKNOWN, webhook.ANSWERED),
    ],
)
def test_the_status_says_what_became_of_it(status: int, result: Result, said: webhook.Message | None) -> None:
    with ApiServer(answering(status, "no such hook", Location="http://127.0.0.1:1/")) as server:
        outcome = send(Params(url=server.url))
    assert outcome.result is result
    assert len(server.requests) == 1
    if said is not None:
        assert outcome.said == said.said(name="ops", place=server.url, status=status)
        assert outcome.detail == "no such hook"


def test_no_answer_is_unknown_and_no_connection_is_a_failure() -> None:
    with ApiServer(drop) as server:
        dropped = send(Params(url=f"{server.url}{PATH}"))
    with ApiServer(hang) as server:
        hung = send(Params(url=f"{server.url}{PATH}"), timeout_ms=300)
    with nobody_listens() as url:
        refused = send(Params(url=f"{url}{PATH}"))
    assert (dropped.result, hung.result, refused.result) == (Result.UNKNOWN, Result.UNKNOWN, Result.FAILED)
    assert refused.said == webhook.UNREACHABLE.said(name="ops", place=url)
    assert "s3cr3t" not in f"{dropped} {hung} {refused}"


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer(taken) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert send(Params(url="http://hooks.example/x")) == SUCCEEDED
        assert proxy.requests[0].handler.path == "http://hooks.example/x"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with ApiServer(taken) as server:
            assert send(Params(url=server.url)) == SUCCEEDED
        assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, webhook.ONE_URL),
        ({"url": "https://h/", "url_file": "/f"}, webhook.ONE_URL),
        ({"url": "http://h/", "authorization_file": "/f"}, webhook.CLEAR_SECRET),
        ({"url": "hooks.example"}, webhook.NO_URL),
        ({"url": "https://h/", "headers": {"authorization": "x"}}, webhook.RESERVED_HEADER),
        ({"url": "https://h/", "headers": {"X-Komainu-Signature": "x"}}, webhook.RESERVED_HEADER),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: webhook.Message) -> None:
    with pytest.raises(ValidationError) as refused:
        Params(**changes)
    assert refused.value.errors()[0]["ctx"]["error"].said.code == said.code  # type: ignore[typeddict-item]


@pytest.mark.parametrize("headers", [{"X\n": "y"}, {"X": "y\r\nZ: 1"}, {"X": "é"}, {"X": ""}, {"": "y"}])
def test_headers_smuggle_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Params(url="https://h/", headers=headers)


@pytest.mark.parametrize(
    "url", ["", "https://", "https:///x", "http://u:p@h/", "http://h:99999/", "http://h/ x", "http://h/\n", "file:///x"]
)
def test_what_is_no_url(url: str) -> None:
    assert not is_url(url)
    assert is_url("https://hooks.example:8443/a?b=c")
