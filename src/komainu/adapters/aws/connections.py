"""The connections of the SDK's clients: none is used to send too late, and all are given up together.

A request is sent when its connection stands, and that may be long after it was asked for: no deadline ends the
resolution of a name. A change that is sent after everybody has given it up could undo what another node has done
since. So who sends is asked once more when the connection stands.

When an Elastic IP comes or goes, the node's public address changes, and connections that stand are dead without
anybody being told (E1): those of every service, not only of the one that made the change.
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()
_clients: "weakref.WeakSet[Any]" = weakref.WeakSet()


def follow(client: Any) -> None:
    """From now on `reconnect` knows this client."""
    with _lock:
        _clients.add(client)


def reconnect() -> None:
    """No client of this process uses a connection that is open now; those in use end with their call."""
    with _lock:
        known = list(_clients)
    for client in known:
        client.close()  # it forgets its connections, and goes on with new ones


def guard(client: Any, connecting: Callable[[], None], connected: Callable[[], None]) -> None:
    """Say, in the thread that sends, when a connection is to be made, and when it stands.

    What `connected` raises is raised in place of sending. The SDK has no event for this; a test sees that it is heard.
    """
    pools = client._endpoint.http_session._pool_classes_by_scheme
    for scheme, pool in pools.items():
        pools[scheme] = _pool(pool, connecting, connected)


def _pool(pool: Any, connecting: Callable[[], None], connected: Callable[[], None]) -> Any:
    made: Any = pool.ConnectionCls

    class Guarded(made):  # type: ignore[misc]
        def connect(self) -> None:
            connecting()
            super().connect()
            try:
                connected()
            except BaseException:
                self.close()
                raise

    class Pool(pool):  # type: ignore[misc]
        ConnectionCls = Guarded

    return Pool
