"""What corosync knows of its links: libcmap.so.4, bound with ctypes. Nothing else in Komainu knows that library.

Corosync keeps statistics of every link to every node (`stats.knet.nodeN.linkM...`). They are for people: what is
decided about a node rests on the membership alone.
"""

import asyncio
import ctypes
from collections.abc import Callable, Iterable
from ctypes import POINTER, byref, c_char_p, c_int, c_uint8, c_uint32, c_uint64
from functools import cache
from typing import Any

from komainu.adapters.corosync.threads import in_thread
from komainu.ports import LinkSeen

LIBRARY = "libcmap.so.4"
READ_TIMEOUT_MS = 1_000
"A stopped corosync does not answer; whoever asks for status must not wait for it."

_OK = 1
_NOT_EXIST = 12
_STATS_MAP = 1


class CmapError(Exception):
    """A call of the library failed. The connection is of no further use."""

    def __init__(self, call: str, status: int) -> None:
        """`status` is the library's cs_error_t."""
        super().__init__(f"{call}: cs_error {status}")
        self.status = status


@cache
def load(name: str = LIBRARY) -> ctypes.CDLL:
    """The library with its signatures declared. Raises OSError when it is not installed."""
    library = ctypes.CDLL(name)
    signatures: dict[str, tuple[Any, ...]] = {
        "cmap_initialize_map": (POINTER(c_uint64), c_int),
        "cmap_finalize": (c_uint64,),
        "cmap_get_uint8": (c_uint64, c_char_p, POINTER(c_uint8)),
        "cmap_get_uint32": (c_uint64, c_char_p, POINTER(c_uint32)),
    }
    for function, arguments in signatures.items():
        getattr(library, function).argtypes = arguments
        getattr(library, function).restype = c_int
    return library


class Statistics:
    """A connection to the statistics of the local corosync. Every call waits for corosync to answer."""

    def __init__(self) -> None:
        """Connect. Raises CmapError when corosync does not run, OSError without the library."""
        self._library = load()
        self._handle = c_uint64()
        status = self._library.cmap_initialize_map(byref(self._handle), _STATS_MAP)
        if status != _OK:
            raise CmapError("cmap_initialize_map", status)

    def link(self, node: int, link: int) -> LinkSeen | None:
        """One link to one node; None when corosync has none of that number. Raises CmapError."""
        key = f"stats.knet.node{node}.link{link}."
        connected, latency, samples = c_uint8(), c_uint32(), c_uint32()
        if not self._get("cmap_get_uint8", key + "connected", connected):
            return None
        self._get("cmap_get_uint32", key + "latency_ave", latency)
        self._get("cmap_get_uint32", key + "latency_samples", samples)
        up = bool(connected.value)
        return LinkSeen(node, link, up, latency.value if up and samples.value else None)

    def close(self) -> None:
        """Give the handle back."""
        self._library.cmap_finalize(self._handle)

    def _get(self, function: str, key: str, into: "ctypes._SimpleCData[int]") -> bool:
        status = getattr(self._library, function)(self._handle, key.encode(), byref(into))
        if status not in (_OK, _NOT_EXIST):
            raise CmapError(function, status)
        return bool(status == _OK)


class CorosyncLinks:
    """`komainu.ports.Links`: one connection, used by one thread at a time."""

    def __init__(self, connect: Callable[[], Statistics] = Statistics) -> None:
        """Nothing is opened yet."""
        self._connect = connect
        self._statistics: Statistics | None = None
        self._asking: asyncio.Future[tuple[LinkSeen, ...]] | None = None

    async def read(self, links: Iterable[tuple[int, int]]) -> tuple[LinkSeen, ...] | None:
        """The links of those node ids and numbers, as far as corosync has them; None: it does not answer now."""
        if self._asking is None or self._asking.done():
            wanted = tuple(links)
            self._asking = in_thread(lambda: self._read(wanted))
            # It may end after everybody has stopped waiting; nobody is to be told of its failure then.
            self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({self._asking}, timeout=READ_TIMEOUT_MS / 1000)
        if not self._asking.done():
            return None  # that thread ends when corosync goes on or dies; no second one waits beside it
        return None if self._asking.exception() is not None else self._asking.result()

    def _read(self, links: tuple[tuple[int, int], ...]) -> tuple[LinkSeen, ...]:
        """In a thread. Whatever fails, the next read begins with a new connection: corosync may have been restarted."""
        statistics, self._statistics = self._statistics, None
        statistics = statistics or self._connect()
        try:
            seen = tuple(link for link in (statistics.link(*each) for each in links) if link is not None)
        except CmapError:
            statistics.close()
            raise
        self._statistics = statistics
        return seen
