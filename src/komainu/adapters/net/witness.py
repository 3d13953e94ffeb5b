"""The witness: a small HTTPS server that keeps records and changes them by compare-and-swap (N3).

One process, one file, one write at a time; komainu.model.witness says how it is asked. It decides nothing: it must
only never lose an answer it has given. Every wait for a client has a deadline, and their number is bounded.
"""

import asyncio
import hmac
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from komainu.adapters.files.token import read_token
from komainu.adapters.files.witness_state import TooMany, WitnessState
from komainu.model import witness
from komainu.model.message import Message, Said
from komainu.model.witness import WitnessSettings

HANDSHAKE_S = 5.0
REQUEST_S = 10.0
"From the first byte of a request, or the last of the one before, to its last."
ANSWER_S = 10.0
HEAD_BYTES = 16_384
CONNECTIONS = 64
"Nodes have one or two each."
SILENCE_S = 60.0
"The same trouble is told once in so long."

LISTENS = Message(
    "KM8621",
    "The witness listens on {address}; its records are in {file}.",
    "Witness サーバを {address} で開始しました。状態ファイルは {file} です。",
)
ENDS = Message("KM8622", "The witness ends.", "Witness サーバを終了します。")
RELOADED = Message("KM8623", "Certificate, key and token were read anew.", "証明書、鍵、トークンを読み込み直しました。")
NO_CERTIFICATE = Message(
    "KM8624",
    "The certificate {certificate} and the key {key} cannot be used ({reason}). They must be PEM files, and belong "
    "together.",
    "証明書 {certificate} と鍵 {key} を使用できません ({reason})。PEM 形式で、組になっていることを確認してください。",
    "error",
)
NO_LISTENING = Message(
    "KM8625",
    "The witness cannot listen on {address} ({reason}). Give an address of this machine, and a port that nobody uses.",
    "Witness サーバは {address} で待ち受けできません ({reason})。このマシンのアドレスと、使用されていないポートを指定"
    "してください。",
    "error",
)
BAD_TOKEN = Message(
    "KM8626",
    "A request from {address} was refused: its token is not the one of this witness.",
    "{address} からの要求を拒否しました。トークンが一致しません。",
    "warning",
)
NOT_DURABLE = Message(
    "KM8627",
    "The records cannot be written or read ({reason}); nothing is answered until that works again. Is the disk full?",
    "状態ファイルの読み書きができません ({reason})。できるようになるまで応答しません。ディスクの空きを確認してくださ"
    "い。",
    "error",
)
CROWDED = Message(
    "KM8628",
    "More than {most} connections at the same time: one from {address} was closed. Let the firewall admit only the "
    "nodes.",
    "同時接続が {most} を超えたため、{address} からの接続を閉じました。ファイアウォールでノードからの接続だけを許可して"
    "ください。",
    "warning",
)

Report = Callable[[Said], None]
T = TypeVar("T")


class WitnessTrouble(Exception):
    """The witness cannot start; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class BadRequest(Exception):
    """What arrived is no request that is answered; the connection ends with this answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read completely."""

    method: str
    target: str
    headers: dict[str, str]
    "Names in lower case."
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def run(settings: WitnessSettings, report: Report) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads certificate, key and token anew. Raises what has a `said`."""
    asyncio.run(_run(settings, report))


async def _run(settings: WitnessSettings, report: Report) -> None:
    server = Witness(settings, report)
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    await server.start()
    try:
        await ending.wait()
        report(ENDS.said())
    finally:
        await server.stop()


class Witness:
    """The server."""

    def __init__(self, settings: WitnessSettings, report: Report) -> None:
        """Nothing is opened yet."""
        self._settings = settings
        self._report = report
        self._state = WitnessState(Path(settings.state))
        self._one_at_a_time = asyncio.Lock()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._token = ""
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._told_at: dict[str, float] = {}
        self.port = 0
        "Where it listens."

    async def start(self) -> None:
        """Take the file and listen. Raises WitnessTrouble, TokenTrouble, StateTrouble."""
        settings = self._settings
        self._read_secrets()
        self._state.open()
        address = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
        try:
            self._server = await asyncio.start_server(
                self._serve,
                settings.host,
                settings.port,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S,
                limit=HEAD_BYTES,
            )
        except OSError as error:
            self._state.close()
            raise WitnessTrouble(NO_LISTENING.said(address=address, reason=error.strerror or str(error))) from error
        self.port = self._server.sockets[0].getsockname()[1]
        shown = address.rpartition(":")[0]
        self._report(LISTENS.said(address=f"{shown}:{self.port}", file=settings.state))

    async def stop(self) -> None:
        """Close all connections, and leave the file. What is being written is written first."""
        if self._server is not None:
            self._server.close()
        clients = list(self._clients)
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        async with self._one_at_a_time:
            self._state.close()

    def reload(self) -> None:
        """Read certificate, key and token anew, for connections to come; what cannot be used is told, and not taken."""
        try:
            self._read_secrets()
        except Exception as error:
            said = getattr(error, "said", None)
            if not isinstance(said, Said):
                raise
            self._report(said)
        else:
            self._report(RELOADED.said())

    def _read_secrets(self) -> None:
        token = read_token(self._settings.token_file)
        try:
            # First where it does no harm: what does not fit together must not replace what does.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._context):
                context.load_cert_chain(self._settings.certificate, self._settings.key, password=_no_password)
        except OSError as error:  # ssl.SSLError is one
            reason = error.strerror or str(error)
            files = {"certificate": self._settings.certificate, "key": self._settings.key}
            raise WitnessTrouble(NO_CERTIFICATE.said(**files, reason=reason)) from error
        self._token = token

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        address = str((writer.get_extra_info("peername") or ("?",))[0])
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= CONNECTIONS:
            self._tell("crowd", CROWDED.said(most=CONNECTIONS, address=address))
            writer.transport.abort()
            return
        self._clients[task] = writer
        try:
            await self._converse(reader, writer, address)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client went away, or is too slow: it knows, and nothing depends on it
        except asyncio.CancelledError:
            pass  # the witness ends
        finally:
            del self._clients[task]
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        """Requests and answers, until one side has enough."""
        while True:
            try:
                async with asyncio.timeout(REQUEST_S):
                    request = await read_request(reader)
            except BadRequest as bad:
                await _send(writer, Answer(bad.status, bad.text), closing=True)
                return
            if request is None:
                return
            answer = await self._answer(request, address)
            closing = request.headers.get("connection", "").lower() == "close" or answer.status == 401
            await _send(writer, answer, closing=closing)
            if closing:
                return

    async def _answer(self, request: Request, address: str) -> Answer:
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self._token}".encode()):
            self._tell(address, BAD_TOKEN.said(address=address))
            return Answer(401, "the token is not the one of this witness")
        name = request.target.removeprefix(witness.PATH)
        if not request.target.startswith(witness.PATH) or not witness.NAME.fullmatch(name):
            return Answer(400, f"records are below {witness.PATH}")
        try:
            if request.method == "GET":
                return await self._read(name)
            if request.method == "PUT":
                return await self._write(name, request)
        except TooMany:
            return Answer(507, "there are too many records")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            self._tell("disk", NOT_DURABLE.said(reason=reason))
            return Answer(503, f"the records cannot be written or read: {reason}")
        return Answer(405, "a record is read (GET) and written (PUT)")

    async def _read(self, name: str) -> Answer:
        async with self._one_at_a_time:
            held = await _undisturbed(lambda: self._state.read(name))
        if held is None:
            return Answer(404, "there is no such record")
        return Answer(200, held.text, {"ETag": f'"{held.version}"'})

    async def _write(self, name: str, request: Request) -> Answer:
        matches, absent = request.headers.get("if-match"), request.headers.get("if-none-match")
        if (matches is None) == (absent is None) or (absent is not None and absent.strip() != "*"):
            return Answer(428, 'a write needs the condition If-Match: "VERSION" or If-None-Match: *')
        version = matches.strip().strip('"') if matches is not None else None
        try:
            text = request.body.decode()
        except UnicodeDecodeError:
            return Answer(400, "the text is not UTF-8")
        async with self._one_at_a_time:
            fresh = await _undisturbed(lambda: self._state.write(name, version, text))
        if fresh is None:
            return Answer(412, "the record has another version")
        return Answer(200, "written", {"ETag": f'"{fresh}"'})

    def _tell(self, about: str, said: Said) -> None:
        """Report it, unless the same was reported a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at.get(about, -SILENCE_S) < SILENCE_S:
            return
        if len(self._told_at) > 1_000:
            self._told_at.clear()
        self._told_at[about] = now
        self._report(said)


def _no_password() -> str:
    """Of a key that is encrypted: nobody is there to be asked."""
    return ""


async def _undisturbed(work: Callable[[], T]) -> T:
    """Do it in a thread, to its end, also when the witness ends: the lock must not be given away before."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        doing.exception()  # the state knows of it, and whoever comes next hears of it
        raise


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None: the client closed the connection. Raises BadRequest, and what streams raise."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431, "the head of the request is too long") from error
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400, "not a request of HTTP/1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or name.lower() in headers:
            raise BadRequest(400, "a header is malformed, or there twice")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest(411, "a request has its length")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 9:
        raise BadRequest(400, "the length is no number")
    if int(length) > witness.MOST_BYTES:
        raise BadRequest(413, f"a text has at most {witness.MOST_BYTES} bytes")
    return Request(parts[0], parts[1], headers, await reader.readexactly(int(length)))


async def _send(writer: asyncio.StreamWriter, answer: Answer, *, closing: bool) -> None:
    body = answer.text.encode()
    headers = {
        **answer.headers,
        witness.HEADER: witness.FORMAT,
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close" if closing else "keep-alive",
    }
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join((*head, "", "")).encode("latin-1") + body)
    async with asyncio.timeout(ANSWER_S):
        await writer.drain()
        if closing:
            writer.close()
            await writer.wait_closed()
