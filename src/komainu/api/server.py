"""The daemon's socket: frames in, the table of operations, frames out. No frame, and no client, can harm the daemon."""

import asyncio
import grp
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from komainu.agent.daemon import Daemon
from komainu.api import frames
from komainu.api.operation import Operation, OperationRefused, Right
from komainu.api.operations import BY_NAME
from komainu.model.message import Message, Said

MOST_CLIENTS = 64
FRAME_TIMEOUT_MS = 10_000
"From the first byte of a request to its last."
WRITE_TIMEOUT_MS = 10_000
"A client that does not read is not waited for."
GROUP = "komainu"
"Members of this group of the system may read."

BAD_FRAME = Message(
    "KM6020", "This is no request ({reason}).", "リクエストの形式が正しくありません ({reason})。", "error"
)
NO_OPERATION = Message(
    "KM6021",
    "There is no operation {name} in this release of komainud. Use the `komainu` command of the same release.",
    "このリリースの komainud に操作 {name} はありません。同じリリースの `komainu` コマンドを使用してください。",
    "error",
)
BAD_ARGUMENTS = Message("KM6022", "{name}: {reason}.", "{name}: {reason}", "error")
MUST_BE_ROOT = Message(
    "KM6023",
    "The operation {name} changes the cluster: only root may ask for it. Run the command as root.",
    "操作 {name} はクラスタを変更するため、root だけが実行できます。root で実行してください。",
    "error",
)
TOO_MANY = Message(
    "KM6024",
    "Komainud serves {count} clients already. Close one, then try again.",
    "komainud は既に {count} のクライアントに応答中です。いずれかを終了してから再度実行してください。",
    "error",
)
FAILED_WITHIN = Message(
    "KM6025",
    "The operation {name} failed within komainud ({reason}). This is a defect; please report it.",
    "komainud の内部で操作 {name} に失敗しました ({reason})。不具合ですので報告してください。",
    "error",
)

_log = logging.getLogger(__name__)


class Server:
    """Serves one daemon, from `open` until `close`."""

    def __init__(self, daemon: Daemon, path: Path) -> None:
        """Nothing is opened yet."""
        self._daemon = daemon
        self._path = path
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self) -> None:
        """Listen. Raises OSError."""
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            before = os.umask(0o177)
            try:
                listener.bind(str(self._path))
            finally:
                os.umask(before)
            self._let_the_group_read()
            self._server = await asyncio.start_unix_server(self._came, sock=listener, limit=frames.REQUEST_BYTES)
        except BaseException:
            listener.close()
            raise

    async def close(self) -> None:
        """Listen no more, and hang up."""
        if self._server is not None:
            self._server.close()
            clients = dict(self._clients)
            for task, writer in clients.items():
                task.cancel()
                writer.close()
            if clients:
                await asyncio.wait(clients, timeout=1)
            self._path.unlink(missing_ok=True)

    def _let_the_group_read(self) -> None:
        try:
            number = grp.getgrnam(GROUP).gr_gid
        except KeyError:
            return
        os.chown(self._path, -1, number)
        os.chmod(self._path, 0o660)

    # --- one client ------------------------------------------------------------------------------------------------

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._clients[task] = writer
        task.add_done_callback(self._gone)

    def _gone(self, task: "asyncio.Task[None]") -> None:
        self._clients.pop(task).close()
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._clients) > MOST_CLIENTS:
                await _write(writer, {"id": 0, "error": TOO_MANY.said(count=MOST_CLIENTS).as_json()})
                return
            root = _is_root(writer)
            while (frame := await _read(reader, root)) is not None:
                await self._answer(frame, root, reader, writer)
        except frames.BadFrame as error:
            await _last_word(writer, BAD_FRAME.said(reason=str(error)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.debug("a client is gone: %s", error)

    async def _answer(
        self, frame: dict[str, Any], root: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = frame.get("id")
        language = self._daemon.state.cluster.language
        name = str(frame.get("op"))[:100]
        try:
            operation, request = _request(name, frame, root)
            if operation.answer_by is not None:
                result = await operation.answer_by(self._daemon, request)
                await _write(writer, {"id": number, "language": language, "result": result})
            elif operation.stream_by is not None:
                async with aclosing(operation.stream_by(self._daemon, request)) as items:
                    await _stream({"id": number, "language": language}, items, reader, writer)
        except OperationRefused as refused:
            await _write(writer, {"id": number, "language": language, "error": refused.said.as_json()})
        except (OSError, TimeoutError, _SpokeMeanwhile):
            raise
        except Exception as error:  # noqa: BLE001  (told to the client, and logged; the daemon goes on)
            _log.exception("operation %s", name)
            said = FAILED_WITHIN.said(name=name, reason=f"{type(error).__name__}: {error}")
            await _write(writer, {"id": number, "language": language, "error": said.as_json()})


def _request(name: str, frame: dict[str, Any], root: bool) -> tuple[Operation, Any]:
    operation = BY_NAME.get(name)
    if operation is None:
        raise OperationRefused(NO_OPERATION.said(name=name))
    if operation.right is Right.OPERATE and not root:
        raise OperationRefused(MUST_BE_ROOT.said(name=name))
    try:
        return operation, operation.request.model_validate(frame.get("args", {}))
    except ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise OperationRefused(BAD_ARGUMENTS.said(name=name, reason=reason)) from error


def _is_root(writer: asyncio.StreamWriter) -> bool:
    """By the word of the kernel, not of the client."""
    client: socket.socket = writer.get_extra_info("socket")
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return int(user) == 0


async def _read(reader: asyncio.StreamReader, root: bool) -> dict[str, Any] | None:
    """The next request; None when the client has hung up. Raises BadFrame, IncompleteReadError, TimeoutError."""
    first = await reader.read(1)
    if not first:
        return None
    async with asyncio.timeout(FRAME_TIMEOUT_MS / 1000):
        head = first + await reader.readexactly(frames.HEAD.size - 1)
        most = frames.ROOT_REQUEST_BYTES if root else frames.REQUEST_BYTES
        return frames.decode(await reader.readexactly(frames.length(head, most)))


async def _stream(
    head: dict[str, Any],
    items: AsyncGenerator[dict[str, Any], None],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Send items until they end or the client hangs up: an idle stream must not outlive its client."""
    loop = asyncio.get_running_loop()
    hung_up = loop.create_task(reader.read(1))
    following: asyncio.Task[dict[str, Any]] | None = None
    try:
        while True:
            following = loop.create_task(_next(items))
            await asyncio.wait({following, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if hung_up.done():
                if hung_up.result():
                    raise _SpokeMeanwhile("nothing may be sent while a stream runs")
                raise ConnectionError("the client hung up")
            try:
                await _write(writer, {**head, "item": following.result()})
            except _Ended:
                break
    finally:
        left = [task for task in (hung_up, following) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.wait(left)
    await _write(writer, {**head, "end": True})


class _SpokeMeanwhile(frames.BadFrame):
    """A client sent something while a stream ran."""


class _Ended(Exception):
    """A stream has no more items."""


async def _next(items: AsyncGenerator[dict[str, Any], None]) -> dict[str, Any]:
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise _Ended from None


async def _write(writer: asyncio.StreamWriter, frame: dict[str, Any]) -> None:
    writer.write(frames.encode(frame, frames.ANSWER_BYTES))
    async with asyncio.timeout(WRITE_TIMEOUT_MS / 1000):
        await writer.drain()


async def _last_word(writer: asyncio.StreamWriter, said: Said) -> None:
    try:
        await _write(writer, {"id": None, "error": said.as_json()})
    except (OSError, TimeoutError) as error:
        _log.debug("a client is gone: %s", error)
