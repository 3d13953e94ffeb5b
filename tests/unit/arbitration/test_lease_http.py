"""The vote on a witness: how it is asked, and what counts as its answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.arbitration import lease_http
from komainu.arbitration.lease_http import LEASE_HTTP, Params
from komainu.model.message import Message, Refused
from komainu.ports import Held, HttpsAnswer, HttpsError, HttpsFault, StoreSilent, VoteStore
from tests.doubles.leases import FakeHttps, host

URL = "https://witness.example:7641"
OURS = {"komainu-witness": "1"}


def store(https: FakeHttps, **params: Any) -> VoteStore:
    given = {"url": URL, "token_file": "/etc/komainu/witness.token", **params}
    return LEASE_HTTP.make(Params(**given), host(https=https))


def answer(status: int, body: str = "", headers: Mapping[str, str] = OURS, **more: str) -> HttpsAnswer:
    return HttpsAnswer(status, {**headers, **more}, body)


def test_a_record_is_read() -> None:
    https = FakeHttps([answer(200, "text", etag='"v1"')])
    assert asyncio.run(store(https, ca_file="/ca.pem").read(1_000)) == Held("v1", "text")
    (request,) = https.requests
    assert (request.method, request.url) == ("GET", f"{URL}/v1/records/shop")
    assert (request.ca_file, request.token_file) == ("/ca.pem", "/etc/komainu/witness.token")
    assert asyncio.run(store(FakeHttps([answer(404)])).read(1_000)) is None


def test_a_write_has_its_condition() -> None:
    https = FakeHttps([answer(200, etag='"v2"')])
    assert asyncio.run(store(https, key="own").replace("v1", "text", 1_000)) == "v2"
    assert asyncio.run(store(https).create("text", 1_000)) == "v2"
    replaced, made = https.requests
    assert (replaced.method, replaced.url, replaced.body) == ("PUT", f"{URL}/v1/records/own", "text")
    assert replaced.headers["If-Match"] == '"v1"'
    assert "If-None-Match" not in replaced.headers
    assert made.headers["If-None-Match"] == "*"
    assert "If-Match" not in made.headers


def test_a_condition_that_does_not_hold_is_a_refusal() -> None:
    mine = store(FakeHttps([answer(412)]))
    assert asyncio.run(mine.replace("v1", "text", 1_000)) is None
    assert asyncio.run(mine.create("text", 1_000)) is None


def silence(mine: VoteStore) -> list[StoreSilent]:
    found = []
    for call in (mine.read(1_000), mine.replace("v", "text", 1_000), mine.create("text", 1_000)):
        with pytest.raises(StoreSilent) as silent:
            asyncio.run(call)
        found.append(silent.value)
    return found


@pytest.mark.parametrize("status", [200, 404, 412, 302, 401, 502])
def test_what_something_else_answers_says_nothing(status: int) -> None:
    for silent in silence(store(FakeHttps([answer(status, "a page", {}, etag='"v"')]))):
        assert silent.said.code == lease_http.FOREIGN.code
        assert silent.detail == "a page"


@pytest.mark.parametrize(
    ("status", "meant"),
    [(401, lease_http.DENIED), (500, lease_http.FAILED), (503, lease_http.FAILED), (428, lease_http.FAILED)],
)
def test_what_is_no_success_says_nothing(status: int, meant: Message) -> None:
    for silent in silence(store(FakeHttps([answer(status, "the reason")]))):
        assert silent.said.code == meant.code
        assert f"{URL}/shop" in silent.said.en


def test_a_success_without_a_version_is_none() -> None:
    assert [each.said.code for each in silence(store(FakeHttps([answer(200)])))] == [lease_http.FAILED.code] * 3


def test_a_refusal_to_a_reader_is_no_answer() -> None:
    with pytest.raises(StoreSilent):
        asyncio.run(store(FakeHttps([answer(412)])).read(1_000))


@pytest.mark.parametrize(
    ("fault", "meant"),
    [
        (HttpsFault.UNREACHABLE, lease_http.UNREACHABLE),
        (HttpsFault.NO_TLS, lease_http.NO_TLS),
        (HttpsFault.NO_ANSWER, lease_http.NO_ANSWER),
        (HttpsFault.NO_TOKEN, lease_http.NO_TOKEN),
    ],
)
def test_without_an_answer_the_reason_is_said(fault: HttpsFault, meant: Message) -> None:
    for silent in silence(store(FakeHttps([HttpsError(fault, "the reason")]))):
        assert (silent.said.code, silent.detail) == (meant.code, "the reason")


def test_the_proof_is_beside_the_record() -> None:
    https = FakeHttps([answer(503)])
    with pytest.raises(StoreSilent):
        asyncio.run(store(https).examine(1_000))
    assert [request.url for request in https.requests] == [f"{URL}/v1/records/shop.probe"]


@pytest.mark.parametrize("url", [URL, f"{URL}/", "https://192.0.2.1", "https://[2001:db8::1]:7641"])
def test_urls_of_a_witness(url: str) -> None:
    assert Params(url=url, token_file="/t").url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        *("http://witness:7641", "https://", "https://u:p@witness", "https://witness:7641/x", "https://witness?x=1"),
        *("https://witness:0", "https://witness:x", "https://wit ness", "witness:7641", "https://ウィットネス"),
    ],
)
def test_what_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Params(url=url, token_file="/t")
    (error,) = refused.value.errors()
    assert isinstance(error["ctx"]["error"], Refused)
    assert error["ctx"]["error"].said == lease_http.NO_URL.said()


@pytest.mark.parametrize("wrong", [{"token_file": "relative"}, {"token": "secret"}, {"key": "a/b"}, {"ca_file": "x"}])
def test_secrets_are_in_files_and_names_are_plain(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Params(**{"url": URL, "token_file": "/t", **wrong})
