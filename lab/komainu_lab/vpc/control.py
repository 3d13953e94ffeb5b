"""How the lab talks with the emulated VPC's process: a Unix socket, one JSON line there, one JSON line back."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from komainu_lab.errors import LabError

CALL_TIMEOUT_S = 30.0


class Operations(Protocol):
    """What the process can do."""

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Carry out one operation. Raises LabError with one sentence."""

    def events(self) -> Iterator[dict[str, Any]]:
        """Everything that happens from now on, until the process ends."""


class Server:
    """Serves the socket."""

    def __init__(self, path: Path, operations: Operations) -> None:
        """The socket is made at once, readable by root alone."""
        self._path = path

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _serve(self.rfile, self.wfile.write, operations)

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False

        self._server = Listener(str(path), Handler)
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No new connections; the socket is removed."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def _serve(lines: Any, write: Callable[[bytes], Any], operations: Operations) -> None:
    for line in lines:
        request = json.loads(line)
        try:
            if request["do"] == "follow":
                for event in operations.events():
                    write(json.dumps(event).encode() + b"\n")
                return
            answer = {"answer": operations.call(request["do"], request["with"])}
        except LabError as error:
            answer = {"error": str(error)}
        except (BrokenPipeError, ConnectionResetError):
            return  # nobody follows any more
        write(json.dumps(answer).encode() + b"\n")


class Control:
    """The lab's end. Each call has a connection of its own, so that any thread may call."""

    def __init__(self, path: Path) -> None:
        """Nothing is connected yet."""
        self.path = path

    def call(self, name: str, **arguments: Any) -> Any:
        """Carry out one operation and return its answer. Raises LabError."""
        with self._connect(CALL_TIMEOUT_S) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps({"do": name, "with": arguments}).encode() + b"\n")
            stream.flush()
            line = stream.readline()
        if not line:
            raise LabError(f"the emulated VPC ended without an answer to '{name}'")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(answer["error"])
        return answer["answer"]

    def follow(self) -> Iterator[dict[str, Any]]:
        """Everything that happens from now on; it ends with the process. Raises LabError."""
        with self._connect(None) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps({"do": "follow", "with": {}}).encode() + b"\n")
            stream.flush()
            for line in stream:
                yield json.loads(line)

    def _connect(self, timeout_s: float | None) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(self.path))
        except OSError as error:
            connection.close()
            raise LabError(f"the emulated VPC does not run: {self.path}: {error.strerror}") from None
        return connection
