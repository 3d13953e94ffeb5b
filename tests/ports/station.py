"""A process inside a test node that works the corosync adapter.

Orders come as JSON lines on stdin, events leave as JSON lines on stdout.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from komainu.adapters.corosync.bus import CorosyncBus
from komainu.adapters.corosync.daemon import CorosyncDaemon, CorosyncTrouble
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.ports import BusView


def tell(**event: Any) -> None:
    """Write one event."""
    sys.stdout.write(json.dumps({"at": time.monotonic(), **event}) + "\n")
    sys.stdout.flush()


class Station:
    """The listener of a bus, and the hands on the daemon."""

    def __init__(self) -> None:
        self.bus = CorosyncBus()
        self.daemon = CorosyncDaemon(lambda said: tell(kind="said", code=said.code, text=said.en))

    def on_view(self, view: BusView) -> None:
        tell(kind="view", ring=[view.ring.representative, view.ring.sequence], agents=view.agents, nodes=view.nodes)

    def on_message(self, sender: int, payload: bytes) -> None:
        tell(kind="message", sender=sender, payload=payload.hex())

    def on_lost(self, reason: Said) -> None:
        tell(kind="lost", code=reason.code)

    async def obey(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "bus start":
                await self.bus.start(self)
            case "bus stop":
                await self.bus.stop()
            case "send":
                self.bus.send(bytes.fromhex(order["payload"]))
            case "flood":
                for number in range(order["count"]):
                    self.bus.send(number.to_bytes(4, "big") + bytes(order["size"] - 4))
            case "daemon start":
                cluster = Cluster.model_validate(order["cluster"])
                await self.daemon.start(cluster, bytes.fromhex(order["authkey"]))
            case "daemon reload":
                await self.daemon.reload(Cluster.model_validate(order["cluster"]))
            case "daemon restart":
                await self.daemon.restart()
            case "daemon stop":
                await self.daemon.stop()
            case "daemon leave":
                await self.daemon.close()
            case other:
                raise ValueError(other)


async def main() -> None:
    station = Station()
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell(kind="hello", pid=os.getpid())
    while line := await reader.readline():
        order = json.loads(line)
        try:
            await station.obey(order)
            tell(kind="done", order=order["do"])
        except (ValueError, OSError, CorosyncTrouble) as error:
            tell(kind="error", order=order["do"], error=type(error).__name__, text=str(error))
    await station.daemon.close()


if __name__ == "__main__":
    asyncio.run(main())
