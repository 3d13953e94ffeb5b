"""The HTTPS endpoint of the emulated API: HTTP/1.1 with connections that stay open, and faults on demand.

A warm client pays no handshake per call, as with EC2. Each connection has a thread; the handshake happens in it, so
that a client that stalls there keeps nobody else out.
"""

import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BufferedReader
from urllib.parse import parse_qsl

from komainu_lab.namespaces import boottime_ns
from komainu_lab.vpc.calls import Call, CallLog
from komainu_lab.vpc.dispatch import Answer, Request, failure
from komainu_lab.vpc.faults import Fault, Kind, Plan

HANDSHAKE_S = 10.0
IDLE_S = 60.0
"An idle connection is closed after this time."
HOLD_S = 600.0
"The longest a fault holds a connection."
STOP_S = 5.0
AHEAD = timedelta(minutes=20)
"How far the API's clock goes ahead, for the fault `skewed`."
SIGNED_WITHIN = timedelta(minutes=15)
"Documented for EC2's RequestExpired: what was signed earlier, or is to be signed later, is refused."
_LINE_MOST = 65_536
_HEADERS_MOST = 200
_BODY_MOST = 64 * 1024 * 1024

REFUSALS: Mapping[Kind, tuple[int, str, str]] = {
    Kind.THROTTLE: (503, "RequestLimitExceeded", "Request limit exceeded."),
    Kind.ERROR: (500, "InternalError", "An internal error has occurred"),
    Kind.DENIED: (403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
    Kind.EXPIRED: (400, "RequestExpired", "Request has expired."),
    Kind.GONE: (400, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID does not exist"),
}
"Faults after which nothing is carried out, and what EC2 says then: status, code, text."

_log = logging.getLogger(__name__)


class BadRequest(Exception):
    """What arrived is not HTTP as the SDK speaks it."""


class Endpoint:
    """Serves a listening socket until `stop`."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        dispatch: Callable[[Request], Answer],
        plan: Plan,
        log: CallLog,
        source_of: Callable[[str], str],
    ) -> None:
        """`source_of` names the machine that an access key belongs to. The listener is closed by `stop`."""
        self._listener = listener
        self._context = context
        self._dispatch = dispatch
        self._plan = plan
        self._log = log
        self._source_of = source_of
        self._open: dict[int, socket.socket] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._number = 0
        self._seen: dict[tuple[str, bytes], Answer] = {}
        "What each question was answered last, for the fault `stale`."
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="endpoint", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._acceptor.start()

    @property
    def opened(self) -> int:
        """How many connections there have been."""
        return self._number

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(STOP_S)
        self._listener.close()
        self._plan.heal()
        with self._lock:
            threads = list(self._threads.values())
            for connection in self._open.values():
                _shut(connection)
        for thread in threads:
            thread.join(STOP_S)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                raise
            with self._lock:
                self._number += 1
                number = self._number
                thread = threading.Thread(target=self._serve, args=(number, connection), daemon=True)
                self._open[number] = connection
                self._threads[number] = thread
            thread.start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(HANDSHAKE_S)
            secure = self._context.wrap_socket(connection, server_side=True)
        except OSError as error:
            _log.info("no handshake: %s", error)
            connection.close()
            self._forget(number)
            return
        with self._lock:
            self._open[number] = secure
        try:
            secure.settimeout(IDLE_S)
            with secure.makefile("rb") as reader:
                while self._serve_one(secure, reader):
                    pass
        except (OSError, BadRequest) as error:
            _log.info("connection ended: %s", error)
        finally:
            secure.close()
            self._forget(number)

    def _forget(self, number: int) -> None:
        with self._lock:
            del self._open[number]
            del self._threads[number]

    def _serve_one(self, connection: ssl.SSLSocket, reader: BufferedReader) -> bool:
        """One request; False: the connection is over."""
        request = read_request(reader, connection.sendall)
        if request is None or self._stopping.is_set():
            return False
        action, details = _subject(request)
        call = self._log.begin(request.service, action, self._source_of(request.access_key), details)
        fault = self._plan.strike(action, call.source)
        if fault is not None:
            call.fault = fault.kind
        answer = self._answer(request, call, fault)
        if answer is None:
            _reset(connection)
            return False
        closing = request.headers.get("connection", "").lower() == "close"
        connection.sendall(_encode(answer, request.method, closing))
        call.answered_ns = boottime_ns()
        call.status = answer.status
        return not closing

    def _answer(self, request: Request, call: Call, fault: Fault | None) -> Answer | None:
        """What the caller gets; None: the connection is reset."""
        if fault is None:
            answer = self._carry_out(request, call)
            if call.action.startswith("Describe"):
                self._seen[call.source, request.body] = answer
            return answer
        if fault.kind in REFUSALS:
            return failure(request, *REFUSALS[fault.kind])
        match fault.kind:
            case Kind.DELAY:
                fault.healed.wait(fault.delay_ms / 1000)
                return self._carry_out(request, call)
            case Kind.HANG:
                fault.healed.wait(HOLD_S)
                return None
            case Kind.RESET:
                return None
            case Kind.SKEWED:
                return self._at(datetime.now(UTC) + AHEAD, request, call)
            case Kind.STALE:
                return self._seen.get((call.source, request.body)) or self._carry_out(request, call)
            case Kind.LOST:
                self._carry_out(request, call)
                return None
            case Kind.MUTE:
                self._carry_out(request, call)
                fault.healed.wait(HOLD_S)
                return None
            case _:
                raise AssertionError(f"{fault.kind} is not for the endpoint")

    def _at(self, here: datetime, request: Request, call: Call) -> Answer:
        """What an API answers whose clock says `here`; each of its answers says so too."""
        if abs(here - signed_at(request)) <= SIGNED_WITHIN:
            answer = self._carry_out(request, call)
        else:
            answer = failure(request, *REFUSALS[Kind.EXPIRED])
        return replace(answer, headers=(*answer.headers, ("Date", format_datetime(here, usegmt=True))))

    def _carry_out(self, request: Request, call: Call) -> Answer:
        answer = self._dispatch(request)
        call.applied_ns = boottime_ns()
        return answer


def signed_at(request: Request) -> datetime:
    """When the request says that it was signed. Raises BadRequest."""
    text = request.headers.get("x-amz-date", "")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest(f"not a time of signing: {text[:80]!r}") from None


def read_request(reader: BufferedReader, send: Callable[[bytes], object]) -> Request | None:
    """Read one request; None: the client closed the connection. Raises BadRequest and OSError.

    `send` is used for `100 Continue`, which the SDK waits for before it sends an object to S3.
    """
    first = reader.readline(_LINE_MOST)
    if not first:
        return None
    parts = first.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(f"not a request line: {first[:80]!r}")
    headers: dict[str, str] = {}
    while (line := reader.readline(_LINE_MOST)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(headers) > _HEADERS_MOST:
            raise BadRequest(f"not a header: {line[:80]!r}")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(parts[0], parts[1], headers, _read_body(reader, headers))


def _read_body(reader: BufferedReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks = []
        while size := _number(reader.readline(_LINE_MOST).partition(b";")[0], 16):
            chunks.append(_exactly(reader, size))
            reader.readline(_LINE_MOST)
        while reader.readline(_LINE_MOST) not in (b"\r\n", b"\n", b""):
            pass  # trailers
        return b"".join(chunks)
    return _exactly(reader, _number(headers.get("content-length", "0").encode(), 10))


def _number(text: bytes, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        raise BadRequest(f"not a length: {text[:80]!r}") from None
    if not 0 <= number <= _BODY_MOST:
        raise BadRequest(f"a body of {number} bytes")
    return number


def _exactly(reader: BufferedReader, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise BadRequest("the connection ended within a body")
    return data


def _subject(request: Request) -> tuple[str, dict[str, str]]:
    """The action a request asks for; of its parameters the ids, and what else tells what is moved.

    To ask only whether a change would be allowed is another action: faults of the change are not used up by it.
    """
    target = request.headers.get("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2], {}
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return request.method, {"Path": request.target}
    form = dict(parse_qsl(request.body.decode("latin-1")))
    details = {name: value for name, value in form.items() if name.endswith("Id") or name in _TOLD}
    return (DRY if form.get("DryRun") == "true" else "") + form.get("Action", ""), details


DRY = "DryRun:"
"""The beginning of an action that would be carried out."""
_TOLD = ("DestinationCidrBlock", "DryRun")


def _encode(answer: Answer, method: str, closing: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Error'}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in _FRAMING]
    bodiless = method == "HEAD" or answer.status in (204, 304)
    lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
    if not bodiless:
        lines.append(f"Content-Length: {len(answer.body)}")
    elif method == "HEAD" and lengths:
        lines.append(f"Content-Length: {lengths[0]}")
    lines.append("Connection: close" if closing else "Connection: keep-alive")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if bodiless else head + answer.body


_FRAMING = ("content-length", "connection", "transfer-encoding")


def _reset(connection: socket.socket) -> None:
    """Make the close that follows a reset in place of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        _log.debug("was closed already: %s", error)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and later with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 0
    context.load_cert_chain(certificate, key)
    return context
