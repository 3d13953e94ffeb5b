"""The HTTP check against real servers on loopback: right ones, wrong ones, silent ones, and certificates."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import command, http, http_messages as say
from komainu.types.http import HTTP
from tests.unit.adapters.linux.workbench import until
from tests.unit.types.monitor_stage import Node, play, refusal, says

sockets = pytest.mark.sockets

SHORT_MS = 500
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well"


class Server:
    """Answers each connection with these bytes, whatever is asked."""

    def __init__(
        self,
        answer: bytes | Callable[[socket.socket, threading.Event], None],
        tls: Path | None = None,
        *,
        end: bytes = b"\r\n\r\n",
    ) -> None:
        """`tls`: certificate and key in one file. `end`: what ends a request."""
        self.answer = answer
        self.end = end
        self.asked: list[bytes] = []
        self.left: list[socket.socket] = []
        self.over = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)
        self._thread = threading.Thread(target=self._serve, name="http server of a test")
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    def close(self) -> None:
        self.over.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):  # a client that breaks off is what some tests are about
                self._converse(client)

    def _converse(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(client)
            client.settimeout(20)
            if self._context is not None:
                client = stack.enter_context(self._context.wrap_socket(client, server_side=True))
            asked = b""
            while self.end not in asked and (piece := client.recv(4096)):
                asked += piece
            self.asked.append(asked)
            if callable(self.answer):
                self.answer(client, self.over)
            else:
                client.sendall(self.answer)


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Servers that end with the test."""
    made: list[Server] = []

    def start(*args: Any, **more: Any) -> Server:
        made.append(Server(*args, **more))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(made.public_bytes(encoding) + secret)
    return path


def url(server: Server, path: str = "/health", scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.port}{path}"


async def normal(node: Node) -> None:
    """The check finds nothing wrong."""
    assert await node.check() == SUCCEEDED


def wrong(result: Result, message: say.Message, detail: str = "", timeout_ms: int = 20_000) -> Any:
    """The check says this."""

    async def story(node: Node) -> None:
        outcome = await node.check(timeout_ms)
        says(outcome, result, message)
        assert detail in outcome.detail

    return story


@sockets
def test_the_expected_answer_is_normal_and_the_request_is_as_asked(server: Callable[..., Server]) -> None:
    one = server(OK)
    play(HTTP, normal, url=url(one, "/health?full=1"))
    assert one.asked[0].startswith(b"GET /health?full=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{one.port}\r\n".encode() in one.asked[0]
    play(HTTP, normal, url=url(one, ""), method="HEAD")
    assert one.asked[1].startswith(b"HEAD / HTTP/1.1\r\n")


@sockets
def test_another_status_is_an_error_with_what_was_answered(server: Callable[..., Server]) -> None:
    one = server(b"HTTP/1.1 503 Busy\r\nContent-Length: 11\r\n\r\nno database")
    play(HTTP, wrong(Result.FAILED, say.STATUS, "no database"), url=url(one))
    play(HTTP, normal, url=url(one), expected_status=(200, 503))


@sockets
def test_a_redirect_is_an_answer_and_is_not_followed(server: Callable[..., Server]) -> None:
    one = server(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    play(HTTP, wrong(Result.FAILED, say.STATUS), url=url(one))
    play(HTTP, normal, url=url(one), expected_status=(302,))
    assert len(one.asked) == 2


@sockets
def test_the_text_has_to_be_in_the_answer(server: Callable[..., Server]) -> None:
    one = server(OK)
    play(HTTP, normal, url=url(one), text="all well")
    play(HTTP, wrong(Result.FAILED, say.NO_TEXT, "all well"), url=url(one), text="all wrong")


@sockets
def test_a_text_that_lies_across_two_pieces_is_found_while_the_answer_goes_on(server: Callable[..., Server]) -> None:
    def endless(client: socket.socket, over: threading.Event) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nstatus\r\n")
        client.sendall(b"8\r\n: runnin\r\n")
        client.sendall(b"1\r\ng\r\n")
        over.wait(20)

    play(HTTP, normal, url=url(server(endless)), text="status: running")


@sockets
def test_more_than_a_mebibyte_is_not_searched(server: Callable[..., Server]) -> None:
    def much(client: socket.socket, _: threading.Event) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"." * 3_000_000 + b"all well")

    play(HTTP, wrong(Result.FAILED, say.NO_TEXT, "first MiB"), url=url(server(much)), text="all well")


@sockets
def test_what_does_not_speak_http_is_an_error(server: Callable[..., Server]) -> None:
    play(HTTP, wrong(Result.FAILED, say.GARBLED), url=url(server(b"SSH-2.0-OpenSSH\r\n")), no_answer="caution")
    play(HTTP, wrong(Result.FAILED, say.GARBLED), url=url(server(b"")), no_answer="caution")


@sockets
def test_a_refusal_is_an_error_whatever_silence_means(server: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    play(HTTP, wrong(Result.FAILED, say.REFUSED), url=f"http://127.0.0.1:{port}/", no_answer="caution")


def _mute(_: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def _dripping(client: socket.socket, over: threading.Event) -> None:
    """A byte now and then: each read is answered in time, and the answer is never complete."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000:
        if over.wait(0.05):
            return
        client.sendall(bytes([byte]))


@sockets
@pytest.mark.parametrize("answer", [_mute, _dripping])
@pytest.mark.parametrize(
    ("policy", "result", "message"),
    [("error", Result.FAILED, say.TIMEOUT), ("caution", Result.SUCCEEDED, say.WARN_TIMEOUT)],
)
def test_silence_means_what_the_policy_says(
    server: Callable[..., Server], answer: Any, policy: str, result: Result, message: say.Message
) -> None:
    play(HTTP, wrong(result, message, timeout_ms=SHORT_MS), url=url(server(answer)), no_answer=policy)


@sockets
def test_a_thread_that_reads_is_woken_when_nobody_waits_for_it(server: Callable[..., Server]) -> None:
    async def story(node: Node) -> None:
        says(await node.check(SHORT_MS), Result.FAILED, say.TIMEOUT)
        one.answer = OK
        await until(lambda: not node.hands._aside.busy, "the thread still reads")  # type: ignore[attr-defined]
        assert await node.check() == SUCCEEDED

    one = server(_dripping)
    play(HTTP, story, url=url(one))


@sockets
def test_a_name_that_is_not_resolved_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown_name(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_name)
    play(HTTP, wrong(Result.FAILED, say.NO_NAME), url="http://web.example/")
    play(HTTP, wrong(Result.SUCCEEDED, say.WARN_NO_NAME), url="http://web.example/", no_answer="caution")


# --- TLS -------------------------------------------------------------------------------------------------------------


@sockets
def test_the_certificate_is_verified_unless_told_otherwise(server: Callable[..., Server], certificate: Path) -> None:
    one = server(OK, certificate)
    secure = url(one, scheme="https")
    play(HTTP, normal, url=secure, ca_file=str(certificate), text="all well")
    play(HTTP, wrong(Result.FAILED, say.TLS, "verif"), url=secure)
    play(HTTP, normal, url=secure, verify=False)


@sockets
def test_a_certificate_of_another_name_is_refused(server: Callable[..., Server], certificate: Path) -> None:
    one = server(OK, certificate)
    play(
        HTTP,
        wrong(Result.FAILED, say.TLS, "match"),
        url=f"https://localhost:{one.port}/",
        ca_file=str(certificate),
    )


@sockets
def test_one_that_speaks_no_tls_is_an_error(server: Callable[..., Server]) -> None:
    play(HTTP, wrong(Result.FAILED, say.TLS), url=url(server(OK, end=b"\0"), scheme="https"), verify=False)


def test_authorities_that_cannot_be_read_are_unknown(tmp_path: Path) -> None:
    play(HTTP, wrong(Result.UNKNOWN, say.NO_CA), url="https://127.0.0.1/", ca_file=str(tmp_path / "absent"))
    (tmp_path / "empty").write_text("")
    play(HTTP, wrong(Result.UNKNOWN, say.NO_CA), url="https://127.0.0.1/", ca_file=str(tmp_path / "empty"))


def test_a_node_without_threads_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    play(HTTP, wrong(Result.UNKNOWN, say.NOT_TRIED), url="http://127.0.0.1/")


def test_what_cannot_be_meant_is_refused() -> None:
    for bad in (
        "ftp://host/", "//host/", "http://", "http:///path", "http://host:99999/", "http://host:x/", "http://a b/",
        "http://user:secret@host/", "http://host/\n", "http://ホスト/", "https://[::1/",
    ):  # fmt: skip
        assert refusal(HTTP, url=bad) == say.BAD_URL.code, bad
    assert refusal(HTTP, url="http://h/", method="HEAD", text="x") == say.HEAD_HAS_NO_TEXT.code
    assert refusal(HTTP, url="http://h/", ca_file="/ca") == say.NO_TLS.code
    assert refusal(HTTP, url="https://h/", ca_file="/ca", verify=False) == say.NO_TLS.code
    assert refusal(HTTP, url="https://h/", ca_file="ca") == command.RELATIVE.code
    assert http.HttpParams(url="https://[::1]:8443/x").url
