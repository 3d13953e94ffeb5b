"""An AWS API on loopback that behaves as told, one behaviour for each request."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Behaviour = Callable[["Request"], None]

REPLACED = (
    '<ReplaceRouteResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    "<requestId>1</requestId><return>true</return></ReplaceRouteResponse>"
)


class Request:
    """One request and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: "ApiServer") -> None:
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        fields = parse_qs(self.body.decode())
        self.action = fields.get("Action", [""])[0]
        self.fields = {name: values[0] for name, values in fields.items()}
        self.handler = handler
        self.server = server

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", "text/xml")
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)


def replaced(request: Request) -> None:
    request.answer(200, REPLACED)


def error(status: int, code: str) -> Behaviour:
    text = f"<Response><Errors><Error><Code>{code}</Code><Message>told so</Message></Error></Errors></Response>"
    return lambda request: request.answer(status, text)


def page(status: int) -> Behaviour:
    """What a gateway or a proxy answers: no error code of the API."""
    return lambda request: request.answer(status, "<html><body>Bad gateway</body></html>")


def hang(request: Request) -> None:
    """No answer until the server closes."""
    request.server.closing.wait(60)
    request.handler.close_connection = True


def drop(request: Request) -> None:
    """The request was read; the connection ends without an answer."""
    request.handler.close_connection = True


def through(url: str, then: Behaviour | None = None) -> Behaviour:
    """Hand the request on to another server; with `then` its answer is lost."""

    def forward(request: Request) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        with contextlib.closing(connection):
            handler = request.handler
            connection.request(handler.command, handler.path, request.body, dict(handler.headers.items()))
            answer = connection.getresponse()
            text = answer.read().decode()
        if then is None:
            request.answer(answer.status, text)
        else:
            then(request)

    return forward


class ApiServer:
    """Behaviours are used up in order; the last one stays."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.closing = threading.Event()
        self._behaviours = list(behaviours)
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def do_POST(self) -> None:
                owner.serve(Request(self, owner))

            do_GET = do_PUT = do_POST  # noqa: N815  (names that the library looks for)

            def log_message(self, format: str, *args: Any) -> None:
                """Tests say what they saw themselves."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._http.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        self.port: int = self._http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def serve(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        behaviour(request)

    @property
    def actions(self) -> list[str]:
        return [request.action for request in self.requests]

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)


@contextlib.contextmanager
def nobody_listens() -> Iterator[str]:
    """The URL of a port of this machine where connections are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
