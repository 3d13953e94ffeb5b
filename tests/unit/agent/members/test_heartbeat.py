"""What is known of the links: shown as it is, and told once when one of several fails."""

import asyncio
from collections.abc import Iterable

from komainu.agent.members.heartbeat import LINK_DOWN, LINK_UP, Beat, Heartbeat, NoLinks
from komainu.model.config import Cluster, Node
from komainu.model.message import Said
from komainu.ports import LinkSeen
from tests.doubles.daemons import cluster


class SomeLinks:
    """`komainu.ports.Links`, as told."""

    def __init__(self) -> None:
        self.up: dict[tuple[int, int], bool] = {}
        self.answers = True

    async def read(self, links: Iterable[tuple[int, int]]) -> tuple[LinkSeen, ...] | None:
        if not self.answers:
            return None
        return tuple(LinkSeen(*each, self.up.get(each, True), 300) for each in links)


def two_links() -> Cluster:
    nodes = tuple(Node(name=f"n{n}", id=n, links=(f"10.0.0.{n}", f"10.0.1.{n}")) for n in (1, 2, 3))
    return cluster(nodes=3).model_copy(update={"nodes": nodes})


def test_every_link_to_another_node_is_known_by_its_name_and_number() -> None:
    links, said = SomeLinks(), list[Said]()
    heartbeat = Heartbeat("n1", links, two_links, said.append)
    links.up[3, 1] = False
    asyncio.run(heartbeat.look())

    assert heartbeat.seen == {
        ("n2", 1): Beat(True, 300),
        ("n2", 2): Beat(True, 300),
        ("n3", 1): Beat(True, 300),
        ("n3", 2): Beat(False, 300),
    }


def test_a_failed_link_is_told_once_and_so_is_its_return() -> None:
    links, said = SomeLinks(), list[Said]()
    heartbeat = Heartbeat("n1", links, two_links, said.append)
    for up in (True, False, False, True, True):
        links.up[2, 1] = up
        asyncio.run(heartbeat.look())

    values = {"node": "n2", "link": 2, "address": "10.0.1.2"}
    assert said == [LINK_DOWN.said(**values), LINK_UP.said(**values)]  # type: ignore[arg-type]


def test_a_node_that_is_lost_altogether_is_told_of_by_others() -> None:
    links, said = SomeLinks(), list[Said]()
    heartbeat = Heartbeat("n1", links, two_links, said.append)
    links.up = {(2, 0): False, (2, 1): False}
    asyncio.run(heartbeat.look())

    assert said == []
    assert not heartbeat.seen["n2", 1].up


def test_what_is_not_known_is_not_shown_as_it_was() -> None:
    links, said = SomeLinks(), list[Said]()
    heartbeat = Heartbeat("n1", links, two_links, said.append)
    asyncio.run(heartbeat.look())
    links.answers = False
    asyncio.run(heartbeat.look())

    assert heartbeat.seen == {}
    assert asyncio.run(NoLinks().read([(1, 0)])) is None
