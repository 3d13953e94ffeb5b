"""A daemon that serves a socket, and the command line asking it: real time, one process."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from komainu.agent.clock import now_ms
from komainu.api.client import Client
from komainu.api.offline import Offline
from komainu.api.server import Server
from komainu.cli.main import run
from komainu.model.config import Cluster
from komainu.ports import NotifierType, VoteStore
from tests.doubles.daemons import World, cluster


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


class Served:
    """Two nodes; the socket is that of n1."""

    def __init__(self, world: World, server: Server, socket: Path) -> None:
        self.world = world
        self.server = server
        self.socket = socket

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something, for 20 s at most."""
        await self.world.until(holds, what, 20)

    async def alone(self) -> None:
        """Wait until the server has taken leave of every client."""
        await self.until(lambda: not self.server._clients, "no clients")

    async def ask(self, question: Callable[[Client], object]) -> object:
        """Ask with a client in a thread, as another process would."""

        def asked() -> object:
            with Client(str(self.socket)) as client:
                return question(client)

        return await asyncio.to_thread(asked)

    async def komainu(self, *words: str) -> Said:
        """One command."""
        return await asyncio.to_thread(komainu, *words, socket=self.socket)


def no_files() -> Offline:
    """For commands that need none."""
    raise AssertionError("this command needs no files")


def komainu(*words: str, socket: Path, offline: Callable[[], Offline] = no_files) -> Said:
    """One command, outside of any event loop."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(offline, words, str(socket))
    return Said(code, out.getvalue(), err.getvalue())


def serve(
    folder: Path,
    story: Callable[[Served], Awaitable[None]],
    config: Cluster | None = None,
    notifiers: dict[str, NotifierType] | None = None,
    votes: VoteStore | None = None,
) -> None:
    """Tell a story of a cluster that is online, and ask it."""

    async def told() -> None:
        async with World(folder, config or cluster(), clock=now_ms) as world:
            world.notifiers, world.votes = notifiers or {}, votes
            one, _ = world.start_all()
            server = Server(one.daemon, folder / "run" / "komainud.sock")
            await server.open()
            try:
                await world.online(on="n1", within_s=20)
                await story(Served(world, server, folder / "run" / "komainud.sock"))
            finally:
                await server.close()

    asyncio.run(told())
