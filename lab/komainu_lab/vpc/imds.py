"""The metadata service of every instance: IMDSv2 and nothing older, on 169.254.169.254.

As with EC2 it is not a process of the instance: it takes none of its ports and ends with nothing of it. Packets to
that address leave the machine by its default route, and the router answers; whose metadata is meant, the source
address says.
"""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from pyroute2 import IPRoute

ADDRESS = "169.254.169.254"
LONGEST_S = 21_600
_TOKEN = "x-aws-ec2-metadata-token"
_TTL = "x-aws-ec2-metadata-token-ttl-seconds"

_log = logging.getLogger(__name__)

Tree = dict[str, str]
"What is at each path below /latest."


class Service(ThreadingHTTPServer):
    """Tokens, and where to ask for what they open."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        metadata_at: Callable[[str], Tree | None],
        credentials_at: Callable[[str], tuple[str, dict[str, str]]],
    ) -> None:
        """Both take the address of an instance: its metadata (None: no instance has it); its role and credentials."""
        super().__init__(address, Handler)
        self.metadata_at = metadata_at
        self.credentials_at = credentials_at
        self._tokens: dict[tuple[str, str], float] = {}
        self._granted: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, name="imds", daemon=True)

    def server_bind(self) -> None:
        """Bind without asking the resolver for our own name, as http.server would: there may be none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """No more requests."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def grant(self, source: str, life_s: int) -> str:
        """A new token, good for the instance that asked."""
        now = time.monotonic()
        for key in [key for key, ends in self._tokens.items() if ends <= now]:
            self._tokens.pop(key, None)
        token = secrets.token_urlsafe(40)
        self._tokens[source, token] = now + life_s
        self._granted.append(token)
        return token

    def granted(self) -> list[str]:
        """Every token there has been."""
        return list(self._granted)

    def is_valid(self, source: str, token: str) -> bool:
        """Whether a token was given to that instance and is not over."""
        return self._tokens.get((source, token), 0.0) > time.monotonic()


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
                self._say(200, self.server.grant(self.client_address[0], life_s), {_TTL: str(life_s)})
            else:
                self._say(400)

    def do_GET(self) -> None:
        """Metadata, with a token."""
        source = self.client_address[0]
        if not self.server.is_valid(source, self.headers.get(_TOKEN, "")):
            self._say(401)
            return
        path = self.path.removeprefix("/latest").strip("/")
        tree = self.server.metadata_at(source) or {}
        role, credentials = self.server.credentials_at(source) if tree else ("", {})
        if role:
            tree = {**tree, f"meta-data/iam/security-credentials/{role}": json.dumps(credentials, indent=2)}
        found = lookup(tree, path)
        self._say(404) if found is None else self._say(200, found)

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
        """To the log, where it is wanted only for a search for a fault."""
        _log.debug(format, *args)


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


def serve(
    metadata_at: Callable[[str], Tree | None], credentials_at: Callable[[str], tuple[str, dict[str, str]]]
) -> Service:
    """Take the address in the calling thread's network namespace and listen there; see `Service`."""
    with IPRoute() as ip:
        ip.addr("replace", index=1, address=ADDRESS, prefixlen=32)
    return Service((ADDRESS, 80), metadata_at, credentials_at)
