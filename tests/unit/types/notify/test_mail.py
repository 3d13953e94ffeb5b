"""Mail to a real SMTP server on loopback: what arrives, and what is said when it does not."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.types.notify import mail, secret
from komainu.types.notify.mail import MAIL, Params
from komainu_lab.vpc.authority import Certificates, issue
from tests.doubles.api_server import nobody_listens
from tests.doubles.mail_server import MailServer, Manners
from tests.doubles.notices import FULL, LOST, host, notice

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("ca"), "ap-northeast-1", "123456789012")


def encrypting(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


def params(port: int, **changes: Any) -> Params:
    values = {
        "host": "localhost",
        "port": port,
        "tls": "none",
        "sender": "komainu@example.com",
        "to": ["a@example.com"],
    }
    return Params.model_validate({**values, **changes})


def send(given: Params, timeout_ms: int = 20_000, **changes: Any) -> Outcome:
    return asyncio.run(MAIL.make(given, host()).send(notice(LOST, FULL, **changes), timeout_ms))


def test_a_mail_arrives_whole() -> None:
    with MailServer() as server:
        assert send(params(server.port, to=["a@example.com", "b@example.com"]), language="ja") == SUCCEEDED
    (got,) = server.received
    assert (got.sender, got.to, got.encrypted) == ("komainu@example.com", ["a@example.com", "b@example.com"], False)
    assert got.mail["Subject"] == "[Komainu shop] エラー: アラート 2 件"
    assert got.mail["To"] == "a@example.com, b@example.com"
    assert got.mail["Auto-Submitted"] == "auto-generated"
    assert got.mail["X-Komainu-Level"] == "error"
    assert got.mail["Message-ID"].endswith("@example.com>")
    text = got.mail.get_content()
    assert "ノード n1 と通信できません。" in text
    assert "No space left on device" in text
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_with_tls_the_password_of_the_file_is_used(tmp_path: Path, certificates: Certificates, kind: str) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    password.chmod(0o600)
    manners = Manners(encrypting(certificates), kind == "tls", users={"komainu": "open sesame"})
    with MailServer(manners) as server:
        given = params(
            server.port, tls=kind, ca_file=str(certificates.authority), user="komainu", password_file=str(password)
        )
        assert send(given) == SUCCEEDED
        password.write_text("open barley\n")
        refused = send(given)
        password.chmod(0o644)
        unread = send(given)
    (got,) = server.received
    assert (got.user, got.encrypted) == ("komainu", True)
    assert refused.result is Result.FAILED
    assert refused.said is not None
    assert refused.said.code == mail.LOGIN_REFUSED.code
    assert refused.detail == "535 who are you"
    assert unread.said is not None
    assert unread.said.code == secret.NOT_SECRET.code
    assert "sesame" not in f"{refused} {unread}"
    assert "barley" not in f"{refused} {unread}"


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_a_certificate_of_a_stranger_is_not_trusted(certificates: Certificates, kind: str) -> None:
    with MailServer(Manners(encrypting(certificates), kind == "tls")) as server:
        outcome = send(params(server.port, tls=kind))
    assert outcome.result is Result.FAILED
    assert outcome.said == mail.NO_TLS.said(name="ops", host="localhost", port=server.port)
    assert "certificate verify failed" in outcome.detail
    assert server.received == []


def test_a_server_without_tls_gets_nothing() -> None:
    with MailServer() as server:
        outcome = send(params(server.port, tls="starttls"))
    assert outcome.said is not None
    assert outcome.said.code == mail.NO_TLS.code
    assert "MAIL" not in server.commands


def test_a_file_of_cas_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = send(params(1, tls="tls", ca_file=str(tmp_path / "none.pem")))
    assert outcome.said is not None
    assert outcome.said.code == mail.NO_TLS.code
    assert "none.pem" in outcome.detail


def test_nobody_listens() -> None:
    with nobody_listens() as url:
        outcome = send(params(int(url.rpartition(":")[2])))
    assert outcome.result is Result.FAILED
    assert outcome.said is not None
    assert outcome.said.code == mail.NO_CONNECTION.code


def test_a_server_that_wants_no_mail() -> None:
    with MailServer(Manners(greeting="554 closed today")) as server:
        outcome = send(params(server.port))
    assert outcome.said is not None
    assert outcome.said.code == mail.NO_CONNECTION.code
    assert outcome.detail == "554 closed today"


def test_a_recipient_that_is_refused_is_named_and_the_others_get_it() -> None:
    with MailServer(Manners(refuses=("b@example.com",))) as server:
        outcome = send(params(server.port, to=["a@example.com", "b@example.com"]))
        nobody = send(params(server.port, to=["b@example.com"]))
    assert outcome.result is Result.SUCCEEDED
    assert outcome.said == mail.SOME_REFUSED.said(name="ops", host="localhost", to="b@example.com")
    assert outcome.detail == "b@example.com: 550 nobody here"
    assert [got.to for got in server.received] == [["a@example.com"]]
    assert nobody.result is Result.FAILED
    assert nobody.said is not None
    assert nobody.said.code == mail.REFUSED.code


def test_a_mail_that_is_refused_is_surely_not_sent_and_one_without_an_answer_may_be() -> None:
    with MailServer(Manners(after_data="554 spam")) as server:
        refused = send(params(server.port))
    with MailServer(Manners(after_data="")) as server:
        lost = send(params(server.port))
    assert (refused.result, refused.detail) == (Result.FAILED, "554 spam")
    assert lost.result is Result.UNKNOWN
    assert lost.said is not None
    assert lost.said.code == mail.NO_ANSWER.code


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "DATA"])
def test_a_server_that_hangs_is_left_after_the_deadline(verb: str) -> None:
    with MailServer(Manners(hangs_at=verb)) as server:
        outcome = send(params(server.port), timeout_ms=300)
    assert not outcome.succeeded


def test_while_one_sending_hangs_no_second_thread_is_begun() -> None:
    async def story(port: int) -> tuple[Outcome, Outcome]:
        hands = MAIL.make(params(port), host())
        first = asyncio.ensure_future(hands.send(notice(), 1_000))
        await asyncio.sleep(0)
        second = await hands.send(notice(), 5_000)
        return await first, second

    with MailServer(Manners(hangs_at="EHLO")) as server:
        first, second = asyncio.run(story(server.port))
    assert not first.succeeded
    assert second.result is Result.UNKNOWN
    assert "has not come back yet" in second.detail


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user": "u"}, mail.HALF_LOGIN),
        ({"password_file": "/etc/p"}, mail.HALF_LOGIN),
        ({"host": "mail.example", "user": "u", "password_file": "/etc/p"}, mail.CLEAR_PASSWORD),
    ],
)
def test_a_login_must_be_whole_and_encrypted(changes: dict[str, Any], said: mail.Message) -> None:
    with pytest.raises(ValidationError) as refused:
        params(25, **changes)
    assert refused.value.errors()[0]["ctx"]["error"].said.code == said.code  # type: ignore[typeddict-item]


@pytest.mark.parametrize("to", ["", "nobody", "a@b\nBcc: c@d", "a b@c", "<a@b>", "あ@example.com"])
def test_what_is_no_address_is_refused(to: str) -> None:
    with pytest.raises(ValidationError):
        params(25, to=[to])


def test_the_usual_ports() -> None:
    assert [mail.PORTS[kind] for kind in ("none", "starttls", "tls")] == [25, 587, 465]
