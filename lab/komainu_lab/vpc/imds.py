"""The metadata service of one instance: IMDSv2 and nothing older, on 169.254.169.254 inside the machine.

    python3 -m komainu_lab.vpc.imds MACHINE CONTROL_SOCKET

It runs in the machine's network and process namespaces, so that it ends with the machine's power and keeps nothing of
the machine alive; what it says it asks of the emulated VPC's process.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from komainu_lab.errors import LabError
from komainu_lab.vpc.control import Control
from komainu_lab.vpc.ready import is_ready, say_ready

ADDRESS = "169.254.169.254"
LONGEST_S = 21_600
START_S = 15.0
_TOKEN = "x-aws-ec2-metadata-token"
_TTL = "x-aws-ec2-metadata-token-ttl-seconds"


class Service(ThreadingHTTPServer):
    """Tokens, and where to ask for what they open."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], machine: str, control: Control) -> None:
        """`control` reaches the emulated VPC."""
        super().__init__(address, Handler)
        self.machine = machine
        self.control = control
        self.tokens: dict[str, float] = {}

    def server_bind(self) -> None:
        """Bind without asking the resolver for our own name, as http.server would: a machine may have none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def grant(self, life_s: int) -> str:
        """A new token."""
        now = time.monotonic()
        for token in [token for token, ends in self.tokens.items() if ends <= now]:
            del self.tokens[token]
        token = secrets.token_urlsafe(40)
        self.tokens[token] = now + life_s
        return token

    def is_valid(self, token: str) -> bool:
        """Whether a token is ours and not over."""
        return self.tokens.get(token, 0.0) > time.monotonic()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    server: Service

    def do_PUT(self) -> None:
        """A token."""
        if self.path != "/latest/api/token":
            self._say(404)
        elif "x-forwarded-for" in self.headers:
            # Documented: a request that a proxy passed on gets no token.
            self._say(403)
        else:
            text = self.headers.get(_TTL, "")
            life_s = int(text) if text.isdigit() else 0
            if 1 <= life_s <= LONGEST_S:
                self._say(200, self.server.grant(life_s), {_TTL: str(life_s)})
            else:
                self._say(400)

    def do_GET(self) -> None:
        """Metadata, with a token."""
        if not self.server.is_valid(self.headers.get(_TOKEN, "")):
            self._say(401)
            return
        path = self.path.removeprefix("/latest").strip("/")
        try:
            found = lookup(self.server.control.call("metadata", machine=self.server.machine), path)
            if found is None and path.startswith("meta-data/iam/"):
                found = self._identity(path.removeprefix("meta-data/iam/"))
        except (LabError, OSError) as error:
            self.log_error("%s", error)
            self._say(500)
            return
        self._say(404) if found is None else self._say(200, found)

    def _identity(self, path: str) -> str | None:
        """Below meta-data/iam: the role and its credentials."""
        given = self.server.control.call("credentials", machine=self.server.machine)
        role = given["role"]
        if role and path == f"security-credentials/{role}":
            return json.dumps(given["credentials"], indent=2)
        return role if role and path == "security-credentials" else None

    def do_POST(self) -> None:
        """Nothing is posted."""
        self._say(405)

    def _say(self, status: int, text: str = "", more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Only errors are worth a line, and log_error comes here as well."""
        if format == "%s":
            sys.stderr.write(f"{args[0]}\n")


def lookup(tree: dict[str, str], path: str) -> str | None:
    """What is at a path: a value, the names below it, or nothing."""
    if path in tree:
        return tree[path]
    prefix = f"{path}/" if path else ""
    below = dict.fromkeys(_next_label(name, prefix) for name in tree if name.startswith(prefix))
    return "\n".join(below) if below else None


def _next_label(name: str, prefix: str) -> str:
    label, slash, _rest = name.removeprefix(prefix).partition("/")
    return label + slash


def launch(pid: int, machine: str, control: Path, log: Path) -> subprocess.Popen[str]:
    """Start it in the machine whose PID 1 has that pid; ready on return. Raises LabError."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            ["nsenter", "-t", str(pid), "--net", "--pid", sys.executable, "-m", __name__, machine, str(control)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True, cwd="/",
        )  # fmt: skip
    if not is_ready(process, START_S):
        end(process)
        raise LabError(f"the metadata service of {machine} did not start; see {log}")
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End what `launch` started, if the machine's power did not: nsenter and the service are one process group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=START_S)


def main() -> int:
    """Serve until the machine's power goes."""
    machine, control = sys.argv[1:]
    subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True, timeout=10)
    with Service((ADDRESS, 80), machine, Control(Path(control))) as service:
        say_ready()
        service.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
