"""Asks the daemon of this machine. Synchronous, standard library only: `komainu status` has to be quick."""

import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from komainu.api import frames
from komainu.model.message import Message, Said

SOCKET = "/run/komainu/komainud.sock"
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0
"A command may have to wait until the members are together, and for their answer."

NOT_RUNNING = Message(
    "KM6001",
    "Komainud does not run on this node ({reason}). Start it with `systemctl start komainud`; if it does not stay, "
    "`journalctl -u komainud` says why.",
    "このノードで komainud が動作していません ({reason})。`systemctl start komainud` で起動してください。"
    "起動できない場合は `journalctl -u komainud` で理由を確認してください。",
    "error",
)
NOT_ALLOWED = Message(
    "KM6002",
    "The socket {path} may not be opened by this user. Run the command as root, or as a member of the group komainu.",
    "このユーザーは {path} を開けません。root または komainu グループのユーザーで実行してください。",
    "error",
)
NO_ANSWER = Message(
    "KM6003",
    "Komainud does not answer ({reason}). `journalctl -u komainud` may say why.",
    "komainud から応答がありません ({reason})。`journalctl -u komainud` で理由を確認してください。",
    "error",
)


class Trouble(Exception):
    """The question has no answer; `said` says why, and what to do."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class Client:
    """One connection. Several questions may be asked, one after the other."""

    def __init__(self, path: str = SOCKET) -> None:
        """Connect. Raises Trouble."""
        self.language = ""
        "The language chosen for the cluster; known from the first answer on."
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(CONNECT_TIMEOUT_S)
        try:
            self._socket.connect(path)
        except PermissionError as error:
            self._socket.close()
            raise Trouble(NOT_ALLOWED.said(path=path)) from error
        except OSError as error:
            self._socket.close()
            raise Trouble(NOT_RUNNING.said(reason=error.strerror or str(error))) from error

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def ask(self, op: str, timeout_s: float = ANSWER_TIMEOUT_S, **args: Any) -> Any:
        """The answer to one question. Raises Trouble, also for a refusal."""
        self._send(op, args)
        return self._receive(timeout_s)["result"]

    def follow(self, op: str, timeout_s: float | None = None, **args: Any) -> Iterator[Any]:
        """The items of a stream, as they come. `timeout_s` bounds the wait for each; None waits for ever."""
        self._send(op, args)
        while "end" not in (frame := self._receive(timeout_s)):
            yield frame["item"]

    def _send(self, op: str, args: dict[str, Any]) -> None:
        self._number += 1
        frame = {"id": self._number, "op": op, "args": args}
        try:
            self._socket.settimeout(CONNECT_TIMEOUT_S)
            self._socket.sendall(frames.encode(frame, frames.ROOT_REQUEST_BYTES))
        except (OSError, frames.BadFrame) as error:
            raise Trouble(NO_ANSWER.said(reason=str(error))) from error

    def _receive(self, timeout_s: float | None) -> dict[str, Any]:
        self._socket.settimeout(timeout_s)
        try:
            head = self._exactly(frames.HEAD.size)
            frame = frames.decode(self._exactly(frames.length(head, frames.ANSWER_BYTES)))
        except TimeoutError as error:
            raise Trouble(NO_ANSWER.said(reason=f"{timeout_s} s")) from error
        except (OSError, frames.BadFrame) as error:
            raise Trouble(NO_ANSWER.said(reason=str(error))) from error
        self.language = str(frame.get("language", self.language))
        if "error" in frame:
            raise Trouble(said(frame["error"]))
        return frame

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("it closed the connection")
            data += piece
        return data


def said(told: dict[str, Any]) -> Said:
    """A message as it stands in answers."""
    return Said(told["code"], told["en"], told["ja"], told["level"])
