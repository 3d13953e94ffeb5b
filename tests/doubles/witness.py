"""A real witness on loopback, in a thread of the test; and something between it and who asks, that loses answers."""

import asyncio
import contextlib
import copy
import http.client
import ssl
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from komainu.adapters.net.witness import Witness
from komainu.model.message import Said
from komainu.model.witness import WitnessSettings
from komainu_lab.vpc.authority import Certificates, issue
from tests.doubles.api_server import Behaviour, Request, drop

TOKEN = "0123456789abcdef-of-the-test"


def token_file(folder: Path, token: str = TOKEN, name: str = "token") -> str:
    """A file that nobody else may read."""
    path = folder / name
    path.touch(0o600)
    path.write_text(f"{token}\n")
    return str(path)


class WitnessHouse:
    """Where a witness lives: its certificate, its token, its state; and the witness, while it is entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates: Certificates = issue(folder / "certificates", "ap-northeast-1", "123456789012")
        self.state = folder / "witness.json"
        self.token_file = token_file(folder)
        self.said: list[Said] = []
        self.port = 0
        self.url = ""
        self.changes: dict[str, Any] = {}

    @property
    def settings(self) -> WitnessSettings:
        made = WitnessSettings(
            host="127.0.0.1",
            port=self.port,
            state=str(self.state),
            certificate=str(self.certificates.certificate),
            key=str(self.certificates.key),
            token_file=self.token_file,
        )
        return replace(made, **self.changes)

    def altered(self, **changes: Any) -> "WitnessHouse":
        """Another witness in the same house, with other settings."""
        other = copy.copy(self)
        other.changes, other.said = changes, []
        return other

    def __enter__(self) -> "WitnessHouse":
        ready = threading.Event()
        failed: list[BaseException] = []

        async def live() -> None:
            self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
            try:
                self.witness = Witness(self.settings, self.said.append)
                await self.witness.start()
            except BaseException as error:  # noqa: BLE001 - the test is to hear of it, whatever it is
                failed.append(error)
                ready.set()
                return
            self.port = self.witness.port
            self.url = f"https://localhost:{self.port}"
            ready.set()
            await self._ending.wait()
            await self.witness.stop()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self._thread.start()
        assert ready.wait(20)
        if failed:
            self._thread.join(20)
            raise failed[0]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def reload(self) -> None:
        """As SIGHUP does; returns when it is done."""
        done = threading.Event()

        def reload() -> None:
            self.witness.reload()
            done.set()

        self._loop.call_soon_threadsafe(reload)
        assert done.wait(20)

    def server_context(self) -> ssl.SSLContext:
        """For something that stands in its place."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.certificate, self.certificates.key)
        return context

    def behind(self, then: Behaviour = drop) -> Behaviour:
        """Hand a request on to the witness; its answer is lost."""

        def forward(request: Request) -> None:
            context = ssl.create_default_context(cafile=str(self.certificates.authority))
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
            with contextlib.closing(connection):
                told = {name: value for name, value in request.headers.items() if name != "host"}
                connection.request(request.handler.command, request.handler.path, request.body, told)
                connection.getresponse().read()
            then(request)

        return forward
