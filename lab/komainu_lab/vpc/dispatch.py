"""From one HTTP request to moto and back, in process.

EC2, STS and IAM are called directly: moto's own server needs two to three times as long for a call, most of it in
layers that only find out which service is meant. The other services go through that server's WSGI application.
"""

import functools
import io
import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

import moto.core.responses
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.request import Request as MotoRequest, environ_key_for_header
from moto.ec2.responses import EC2Response
from moto.iam.responses import IamResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.responses import TokenResponse

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read completely."""

    method: str
    target: str
    "Path and query as they arrived."
    headers: dict[str, str]
    "Names in lower case."
    body: bytes

    @property
    def service(self) -> str:
        """The service it was signed for, else the first label of the host's name."""
        scope = self._credential()
        return scope[3] if len(scope) > 3 else self.headers.get("host", "").split(".")[0]

    @property
    def access_key(self) -> str:
        """The id of the key that signed it; empty: none."""
        return self._credential()[0]

    def _credential(self) -> list[str]:
        return self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class _Request(MotoRequest):  # type: ignore[misc]  # moto's class is not seen by the checker
    from_wsgi_server = True


_DIRECT: dict[str, Callable[..., Any]] = {
    "ec2": EC2Response.dispatch,
    "sts": TokenResponse.dispatch,
    "iam": IamResponse.dispatch,
}


class Dispatcher:
    """Calls moto. Any number of threads may use it at once, as with moto's own server."""

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        _remember_methods()

    def __call__(self, request: Request) -> Answer:
        """Carry the request out. A defect of the emulator is a 500 and a line in the log, never an exception."""
        direct = _DIRECT.get(request.service)
        if direct is not None and not request.access_key:
            return failure(request, 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        try:
            if direct is not None:
                return _directly(direct, request)
            return self._through_application(request)
        except Exception:  # noqa: BLE001 - whatever moto raises, the caller gets what EC2 answers to its own defects
            _log.error("the emulator failed at %s %s:\n%s", request.method, request.target, traceback.format_exc())
            return failure(request, 500, "InternalError", "An internal error has occurred")

    def _through_application(self, request: Request) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _data: None

        chunks: Iterable[bytes] = self._application(_environ(request), start_response)
        body = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        status, headers = started[0]
        return Answer(int(status.split()[0]), tuple(headers), body)


def _remember_methods() -> None:
    """moto lists the methods of a class of hundreds for every call; they do not change."""
    name = "method_names_from_class"
    found = getattr(moto.core.responses, name)
    if not hasattr(found, "cache_info"):
        setattr(moto.core.responses, name, functools.cache(found))


def _directly(dispatch: Callable[..., Any], request: Request) -> Answer:
    moto_request = _Request(_environ(request))
    status, headers, body = dispatch(moto_request, moto_request.raw_url, moto_request.headers)
    data = body.encode() if isinstance(body, str) else bytes(body)
    kept = tuple((str(name), str(value)) for name, value in headers.items() if str(name).lower() not in _OWN_HEADERS)
    return Answer(int(status), kept, data)


_OWN_HEADERS = ("status", "content-length", "connection", "transfer-encoding")
"What the endpoint says itself, and what moto only says to itself."


def _environ(request: Request) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    host = request.headers.get("host", "localhost")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "SERVER_NAME": host.partition(":")[0],
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name != "transfer-encoding":  # the body is here whole
            environ[environ_key_for_header(name)] = value
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def failure(request: Request, status: int, code: str, text: str) -> Answer:
    """An error in the form that the service's clients read."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        body = f'{{"__type": "com.amazonaws#{code}", "message": "{text}"}}'
        return Answer(status, (("Content-Type", "application/x-amz-json-1.0"),), body.encode())
    error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    if request.service in ("ec2", "sts", "iam"):
        error = (
            f"<Response><Errors>{error}</Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
        )
    body = f'<?xml version="1.0" encoding="UTF-8"?>{error}'
    return Answer(status, (("Content-Type", "text/xml;charset=UTF-8"),), body.encode())


class _Body(io.BytesIO):
    def stream(self, *_args: Any, **_kwargs: Any) -> Iterable[bytes]:
        yield self.read()


def install_door(client: Any, dispatcher: Dispatcher) -> Any:
    """Make a boto3 client call moto in this process: the operator's way in, which no fault stands in front of."""

    def send(request: AWSPreparedRequest, **_kwargs: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        headers = {
            str(name).lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        headers["host"] = parts.netloc
        body = request.body or b""
        read = cast(bytes, body.read()) if hasattr(body, "read") else body
        data = read.encode() if isinstance(read, str) else bytes(read)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        answer = dispatcher(Request(request.method, target, headers, data))
        return AWSResponse(request.url, answer.status, dict(answer.headers), _Body(answer.body))

    client.meta.events.register_first("before-send", send)
    return client
