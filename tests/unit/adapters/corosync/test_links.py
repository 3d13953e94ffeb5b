"""The binding of the statistics, against a library of our own with the same C signatures; what is known of links."""

import asyncio
import threading
from typing import Any

import pytest

from komainu.adapters.corosync import links
from komainu.adapters.corosync.links import CmapError, CorosyncLinks, Statistics
from komainu.ports import LinkSeen

OK, LIBRARY_ERROR, NOT_EXIST = 1, 2, 12
HANDLE = 0x5A5A_0000_0000_0001
"More than 32 bits, as real handles have."


class StubLibrary:
    """Stands for libcmap."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.status = OK
        self.opened = 0
        self.closed = 0

    def cmap_initialize_map(self, handle: Any, which: int) -> int:
        assert which == 1  # the statistics
        handle._obj.value = HANDLE
        self.opened += 1
        return self.status

    def cmap_finalize(self, handle: Any) -> int:
        self.closed += 1
        return OK

    def cmap_get_uint8(self, handle: Any, key: bytes, value: Any) -> int:
        assert handle.value == HANDLE
        if self.status == OK and key.decode() in self.values:
            value._obj.value = self.values[key.decode()]
            return OK
        return NOT_EXIST if self.status == OK else self.status

    cmap_get_uint32 = cmap_get_uint8


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> StubLibrary:
    stub = StubLibrary()
    monkeypatch.setattr(links, "load", lambda: stub)
    for link, connected in ((0, 1), (1, 0)):
        stub.values |= {
            f"stats.knet.node2.link{link}.connected": connected,
            f"stats.knet.node2.link{link}.latency_ave": 362,
            f"stats.knet.node2.link{link}.latency_samples": 19,
        }
    return stub


def test_a_link_as_corosync_tells_of_it(library: StubLibrary) -> None:
    statistics = Statistics()

    assert statistics.link(2, 0) == LinkSeen(2, 0, True, 362)
    assert statistics.link(2, 1) == LinkSeen(2, 1, False, None)
    assert statistics.link(3, 0) is None


def test_what_was_never_measured_has_no_latency(library: StubLibrary) -> None:
    library.values["stats.knet.node2.link0.latency_samples"] = 0

    assert Statistics().link(2, 0) == LinkSeen(2, 0, True, None)


def test_no_corosync_is_an_error(library: StubLibrary) -> None:
    library.status = LIBRARY_ERROR
    with pytest.raises(CmapError):
        Statistics()


def test_one_connection_is_kept_and_a_broken_one_replaced(library: StubLibrary) -> None:
    async def story() -> None:
        reader = CorosyncLinks()
        for _ in range(2):
            assert await reader.read([(2, 0), (9, 0)]) == (LinkSeen(2, 0, True, 362),)
        assert library.opened == 1
        library.status = LIBRARY_ERROR
        assert await reader.read([(2, 0)]) is None
        assert library.closed == 1
        assert await reader.read([(2, 0)]) is None
        library.status = OK
        assert await reader.read([(2, 0)]) == (LinkSeen(2, 0, True, 362),)

    asyncio.run(story())


def test_a_corosync_that_stands_still_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "READ_TIMEOUT_MS", 20)
    go_on, connecting = threading.Event(), list[int]()

    class Stopped(Statistics):
        def __init__(self) -> None:
            connecting.append(1)
            assert go_on.wait(10)

        def link(self, node: int, link: int) -> LinkSeen | None:
            return LinkSeen(node, link, True, None)

    async def story() -> None:
        reader = CorosyncLinks(Stopped)
        assert await reader.read([(2, 0)]) is None
        assert await reader.read([(2, 0)]) is None
        assert connecting == [1]  # no second thread waits beside the first
        go_on.set()
        while await reader.read([(2, 0)]) is None:
            pass
        assert await reader.read([(2, 1)]) == (LinkSeen(2, 1, True, None),)

    asyncio.run(story())
