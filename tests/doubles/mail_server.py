"""A mail server on loopback that speaks SMTP for real, with STARTTLS, TLS and AUTH, and has the faults it is told."""

import base64
import contextlib
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast


@dataclass
class Received:
    """One mail, as it came."""

    sender: str
    to: list[str]
    user: str | None
    encrypted: bool
    mail: EmailMessage


@dataclass
class Manners:
    """How the server behaves."""

    tls: ssl.SSLContext | None = None
    from_the_start: bool = False
    "TLS at once, not after STARTTLS."
    users: dict[str, str] = field(default_factory=dict)
    "Who may log in; when there is anybody, nobody else may send."
    refuses: tuple[str, ...] = ()
    "Addresses it takes no mail for."
    greeting: str = "220 mail.example ready"
    after_data: str = "250 taken"
    "Empty: it hangs up in place of an answer."
    hangs_at: str = ""
    "It says nothing any more from this command on."


class MailServer:
    """`with MailServer(...) as server`: `server.port`, `server.received`."""

    def __init__(self, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self.received: list[Received] = []
        self.commands: list[str] = []
        self.closing = threading.Event()
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    _Talk(owner, self).run()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Tests say what they saw themselves."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "MailServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _HangUp(Exception):
    """The talk is over."""


class _Talk:
    """One connection."""

    def __init__(self, server: MailServer, handler: socketserver.StreamRequestHandler) -> None:
        self.server = server
        self.manners = server.manners
        self.plain = handler.request
        self.user: str | None = None
        self.encrypted = False
        self.sender = ""
        self.to: list[str] = []
        self.socket = handler.request
        self.lines = handler.rfile

    def run(self) -> None:
        with contextlib.suppress(_HangUp):
            if self.manners.from_the_start:
                self.encrypt()
            self.say(self.manners.greeting)
            while line := self.lines.readline():
                self.answer(line.decode().strip())
        if self.encrypted:
            self.lines.close()
            self.socket.close()

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode() + b"\r\n")

    def encrypt(self) -> None:
        assert self.manners.tls is not None
        self.socket = self.manners.tls.wrap_socket(self.plain, server_side=True)
        self.lines = self.socket.makefile("rb")
        self.encrypted = True

    def answer(self, line: str) -> None:
        verb = line.split(" ")[0].upper()
        self.server.commands.append(verb)
        if verb == self.manners.hangs_at:
            self.server.closing.wait(60)
            raise _HangUp
        match verb:
            case "EHLO":
                self.greet()
            case "STARTTLS":
                self.say("220 go on")
                self.encrypt()
            case "AUTH":
                self.log_in(line)
            case "MAIL":
                self.begin(line)
            case "RCPT":
                self.take(line[line.index("<") + 1 : line.index(">")])
            case "DATA":
                self.read_mail()
            case "QUIT":
                self.say("221 bye")
                raise _HangUp
            case _:
                self.say("250 well")

    def greet(self) -> None:
        told = ["mail.example"]
        if self.manners.tls is not None and not self.encrypted:
            told.append("STARTTLS")
        if self.manners.users:
            told.append("AUTH PLAIN")
        for index, each in enumerate(told):
            self.say(f"250{' ' if index == len(told) - 1 else '-'}{each}")

    def log_in(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        if self.manners.users.get(user) == password:
            self.user = user
            self.say("235 welcome")
        else:
            self.say("535 who are you")

    def begin(self, line: str) -> None:
        self.to = []
        if self.manners.users and self.user is None:
            self.say("530 log in first")
        else:
            self.sender = line[line.index("<") + 1 : line.index(">")]
            self.say("250 well")

    def take(self, address: str) -> None:
        if address in self.manners.refuses:
            self.say("550 nobody here")
        else:
            self.to.append(address)
            self.say("250 well")

    def read_mail(self) -> None:
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.lines.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        mail = cast(EmailMessage, message_from_bytes(b"".join(lines), policy=default))
        self.server.received.append(Received(self.sender, self.to, self.user, self.encrypted, mail))
        if not self.manners.after_data:
            raise _HangUp
        self.say(self.manners.after_data)
