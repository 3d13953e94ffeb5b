"""The heartbeat of each link, for status and alerts: looked at every few seconds, beside everything that decides."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.ports import Links, LinkSeen

LOOK_MS = 5_000

LINK_DOWN = Message(
    "KM5431",
    "The heartbeat to node {node} does not get through on interconnect {link} ({address}). It goes on over the others; "
    "if they fail too, the nodes lose each other. Look at the network between them.",
    "インタコネクト {link} ({address}) で、ノード {node} へのハートビートが途絶えました。他のインタコネクトで継続して"
    "いますが、それらも途絶えるとノード間の通信が失われます。ノード間のネットワークを確認してください。",
    "warning",
)
LINK_UP = Message(
    "KM5432",
    "The heartbeat to node {node} gets through on interconnect {link} ({address}) again.",
    "インタコネクト {link} ({address}) で、ノード {node} へのハートビートが回復しました。",
)


@dataclass(frozen=True, slots=True)
class Beat:
    """The heartbeat to one node over one interconnect."""

    up: bool
    latency_us: int | None


class NoLinks:
    """`komainu.ports.Links` where nothing is known of them."""

    async def read(self, links: Iterable[tuple[int, int]]) -> tuple[LinkSeen, ...] | None:
        return None


class Heartbeat:
    """What was last seen of every link."""

    def __init__(self, me: str, links: Links, cluster: Callable[[], Cluster], alert: Callable[[Said], None]) -> None:
        """`alert` hears of a link that fails while another one to the same node is there."""
        self._me = me
        self._links = links
        self._cluster = cluster
        self._alert = alert
        self._down: list[tuple[str, int]] = []
        self.seen: dict[tuple[str, int], Beat] = {}
        "By node and interconnect, counted from 1; empty while the bus does not answer."

    async def look_for_ever(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_MS / 1000)

    async def look(self) -> None:
        """Look once."""
        cluster = self._cluster()
        asked = _links(cluster, self._me)
        found = await self._links.read(asked)
        self.seen = {}
        for link in found or ():
            self.seen[asked[link.node, link.link], link.link + 1] = Beat(link.up, link.latency_us)
        self._tell(cluster)

    def _tell(self, cluster: Cluster) -> None:
        """A node whose links all fail is lost, and others tell of that. One link alone is what nobody would notice."""
        for (name, link), beat in self.seen.items():
            there = any(other.up for (node, _), other in self.seen.items() if node == name)
            address = cluster.node(name).links[link - 1]
            if beat.up and (name, link) in self._down:
                self._down.remove((name, link))
                self._alert(LINK_UP.said(node=name, link=link, address=address))
            elif not beat.up and there and (name, link) not in self._down:
                self._down.append((name, link))
                self._alert(LINK_DOWN.said(node=name, link=link, address=address))


def _links(cluster: Cluster, me: str) -> dict[tuple[int, int], str]:
    """The name of the node for each node id and link of the others."""
    others = (node for node in cluster.nodes if node.name != me)
    return {(node.id, link): node.name for node in others for link in range(len(node.links))}
