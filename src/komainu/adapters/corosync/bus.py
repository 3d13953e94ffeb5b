"""The bus over corosync: membership and total order for the daemon, through asyncio, without a thread in its way.

What is sent while there is no connection (before the first `on_view`, and from `on_lost` to the next one) is dropped,
and so is what was queued when the connection broke: it was meant for those who were there then. Whoever sends proposes
again until it sees its own delivery (law 9).
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable

from komainu.adapters.corosync.libcpg import Connection, CpgError, CpgEvent, Delivered, GroupChanged, load
from komainu.adapters.corosync.membership import Membership
from komainu.adapters.corosync.threads import in_thread
from komainu.model.message import Message, Said
from komainu.ports import BusListener

GROUP = "komainu"
LARGEST_PAYLOAD = 1_000_000
"Corosync carries 1,047,552 bytes in one piece."
WINDOW = 64
"Messages handed to corosync and not yet delivered to ourselves. Without a bound corosync's memory would grow."
EVENTS_PER_TURN = 64
"Events taken before the rest of the program has its turn."
TRY_AGAIN_MS = 5
FIRST_BACKOFF_MS = 20
LONGEST_BACKOFF_MS = 250
"Short: a refused attempt costs a fraction of a millisecond, and a node without its bus is cut off."
CONNECT_TIMEOUT_MS = 3_000
LEAVE_TIMEOUT_MS = 2_000
DRAIN_TIMEOUT_MS = 1_000

LOST = Message(
    "KM2011",
    "The connection to corosync is lost ({reason}): this node hears nothing of the others, and they may take it for "
    "lost. Komainu restarts corosync and connects again by itself; if this comes back, see /var/log/corosync.",
    "corosync との接続が失われました ({reason})。他のノードの情報が届かず、他のノードからは通信不能と"
    "みなされるおそれがあります。corosync は自動的に再起動され、再接続されます。"
    "繰り返し発生する場合は /var/log/corosync を確認してください。",
    "error",
)

_log = logging.getLogger(__name__)


class CorosyncBus:
    """`komainu.ports.Bus` over a corosync process group.

    Listener calls come from the event loop. All views of one change are told within one turn of it (see
    `Membership.ring_changed`), in the place in the order where corosync has them.
    """

    def __init__(self, group: str = GROUP, connect: Callable[[], Connection] = Connection) -> None:
        """`group` is the name of the process group; `connect` makes a connection to the local corosync."""
        self._group = group
        self._connect = connect
        self._listener: BusListener | None = None
        self._connection: Connection | None = None
        self._membership: Membership | None = None
        self._queue: deque[bytes] = deque()
        self._in_flight = 0
        self._retry: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self, listener: BusListener) -> None:
        """Begin to connect; the first `on_view` says that it is done. Raises LibraryMissingError."""
        if self._keeper is not None:
            raise RuntimeError("a bus is started once")
        load()
        self._listener = listener
        self._keeper = asyncio.create_task(self._keep_connected(), name="corosync bus")
        self._keeper.add_done_callback(_ended)

    def send(self, payload: bytes) -> None:
        """Queue a message, or drop it without a connection. Raises ValueError above 1,000,000 bytes."""
        if len(payload) > LARGEST_PAYLOAD:
            raise ValueError(f"a message has at most {LARGEST_PAYLOAD} bytes, this one {len(payload)}")
        if self._membership is None or not self._membership.complete:
            return
        self._queue.append(payload)
        self._pump()

    async def stop(self) -> None:
        """Hand over what is queued, leave the group, disconnect. Takes a few seconds at most, also on a dead bus."""
        if self._keeper is None:
            return
        if self._connection is not None and self._queue:
            self._drained.clear()
            await _within(self._drained.wait(), DRAIN_TIMEOUT_MS, "corosync did not take the last messages")
        self._keeper.cancel()
        await asyncio.wait({self._keeper})
        connection = self._detach()
        if connection is not None:
            leaving = in_thread(lambda: _leave(connection, self._group))
            await _within(leaving, LEAVE_TIMEOUT_MS, "corosync did not let go")

    # --- connecting ---

    async def _keep_connected(self) -> None:
        backoff_ms = FIRST_BACKOFF_MS
        said = ""
        while True:
            try:
                connection = await self._connected()
            except CpgError as error:
                if str(error) != said:
                    said = str(error)
                    _log.info("no connection to corosync yet: %s", said)
                await asyncio.sleep(backoff_ms / 1000)
                backoff_ms = min(backoff_ms * 2, LONGEST_BACKOFF_MS)
                continue
            backoff_ms, said = FIRST_BACKOFF_MS, ""
            self._attach(connection)
            await self._lost.wait()

    async def _connected(self) -> Connection:
        """A connection that has joined the group. The library waits for corosync without a bound, so in a thread."""
        attempt = in_thread(self._connect_and_join, discard=lambda late: late.close())
        try:
            await asyncio.wait({attempt}, timeout=CONNECT_TIMEOUT_MS / 1000)
            if not attempt.done():
                # A second attempt would wait as well: this one ends when corosync goes on, or dies.
                _log.warning("corosync does not answer: it is stopped or overloaded")
            return await attempt
        finally:
            attempt.cancel()

    def _connect_and_join(self) -> Connection:
        connection = self._connect()
        try:
            connection.join(self._group)
        except CpgError:
            connection.close()
            raise
        return connection

    def _attach(self, connection: Connection) -> None:
        self._lost.clear()
        self._connection = connection
        self._membership = Membership(connection.node)
        asyncio.get_running_loop().add_reader(connection.fd, self._readable)

    def _detach(self) -> Connection | None:
        connection, self._connection = self._connection, None
        self._membership = None
        self._queue.clear()
        self._in_flight = 0
        self._drained.set()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if connection is not None:
            asyncio.get_running_loop().remove_reader(connection.fd)
        return connection

    def _lose(self, error: CpgError) -> None:
        connection = self._detach()
        if connection is not None:
            # Closing asks corosync once more, and it may be stopped rather than dead.
            threading.Thread(target=connection.close, name="corosync close", daemon=True).start()
        self._lost.set()
        # Not at once: the listener may be in the middle of a call of `send`.
        asyncio.get_running_loop().call_soon(self._tell_lost, LOST.said(reason=str(error)))

    def _tell_lost(self, said: Said) -> None:
        assert self._listener is not None
        self._listener.on_lost(said)

    # --- receiving and sending ---

    def _readable(self) -> None:
        connection = self._connection
        try:
            for _ in range(EVENTS_PER_TURN):
                if connection is None or self._connection is not connection:
                    return
                event = connection.receive()
                if event is None:
                    break
                self._take(connection, event)
        except CpgError as error:
            self._lose(error)
        finally:
            # Also when the listener raised: what it did wrong must not hold up the messages of others.
            self._pump()

    def _take(self, connection: Connection, event: CpgEvent) -> None:
        assert self._listener is not None
        assert self._membership is not None
        if isinstance(event, Delivered):
            if event.node == connection.node and event.pid == connection.pid:
                self._in_flight = max(0, self._in_flight - 1)
            self._listener.on_message(event.node, event.payload)
            return
        if isinstance(event, GroupChanged):
            views = self._membership.group_changed(event)
        else:
            views = self._membership.ring_changed(event)
        for view in views:
            self._listener.on_view(view)

    def _pump(self) -> None:
        """Hand over as much of the queue as the window and corosync take."""
        connection = self._connection
        if connection is None:
            return
        try:
            while self._queue and self._in_flight < WINDOW:
                if not connection.send(self._queue[0]):
                    self._try_again()
                    return
                self._queue.popleft()
                self._in_flight += 1
        except CpgError as error:
            self._lose(error)
            return
        if not self._queue:
            self._drained.set()

    def _try_again(self) -> None:
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(TRY_AGAIN_MS / 1000, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._pump()


def _leave(connection: Connection, group: str) -> None:
    try:
        connection.leave(group)
    except CpgError as error:
        _log.info("leaving the group: %s", error)
    finally:
        connection.close()


async def _within(waiting: Awaitable[object], timeout_ms: int, otherwise: str) -> None:
    """Wait so long at most, and log `otherwise` when that was not enough: what follows must happen in any case."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await waiting
    except TimeoutError:
        _log.warning(otherwise)


def _ended(keeper: asyncio.Task[None]) -> None:
    if not keeper.cancelled():
        keeper.result()  # it ends by a defect only; the loop's exception handler tells of it
