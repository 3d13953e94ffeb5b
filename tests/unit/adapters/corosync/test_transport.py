"""What goes wrong with corosync, as answers."""

import asyncio
from typing import cast

import pytest

from komainu.adapters.corosync.conf import ADDRESS_TWICE, ConfRefusedError
from komainu.adapters.corosync.daemon import WILL_NOT_END, CorosyncDaemon, CorosyncTrouble
from komainu.adapters.corosync.transport import FILES_REFUSED, CorosyncTransport
from komainu.adapters.files.authkey import MISSING, KeyTrouble
from komainu.model.config import Arbitration, Cluster, Node

CLUSTER = Cluster(
    name="test",
    environment="onprem",
    detect_within_ms=450,
    arbitration=Arbitration(kind="none"),
    nodes=(Node(name="a", id=1, links=("10.0.0.1",)),),
)


class StubDaemon:
    """Does what it is told to fail with."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.did: list[object] = []

    async def start(self, cluster: Cluster, authkey: bytes) -> None:
        self._do(("start", cluster.name, authkey))

    async def restart(self) -> None:
        self._do("restart")

    async def stop(self) -> None:
        self._do("stop")

    async def close(self) -> None:
        self._do("close")

    def _do(self, what: object) -> None:
        if self.failure is not None:
            raise self.failure
        self.did.append(what)


class StubKey:
    """A key, or the trouble with it."""

    trouble: KeyTrouble | None = None

    def read(self) -> bytes:
        if self.trouble is not None:
            raise self.trouble
        return b"secret"


def made() -> tuple[CorosyncTransport, StubDaemon, StubKey]:
    daemon, key = StubDaemon(), StubKey()
    return CorosyncTransport(cast(CorosyncDaemon, daemon), key), daemon, key


def test_success_is_none_and_the_key_goes_along() -> None:
    transport, daemon, _ = made()

    async def run() -> None:
        assert await transport.start(CLUSTER) is None
        assert await transport.restart() is None
        assert await transport.stop() is None
        await transport.close()

    asyncio.run(run())
    assert daemon.did == [("start", "test", b"secret"), "restart", "stop", "close"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (CorosyncTrouble(WILL_NOT_END.said(pid=7)), WILL_NOT_END.code),
        (ConfRefusedError((ADDRESS_TWICE.said(address="10.0.0.1", node="a", other="b"),)), ADDRESS_TWICE.code),
        (PermissionError(13, "Permission denied", "/etc/corosync/corosync.conf"), FILES_REFUSED.code),
    ],
)
def test_each_failure_of_a_start_is_an_answer(failure: Exception, code: str) -> None:
    transport, daemon, _ = made()
    daemon.failure = failure
    said = asyncio.run(transport.start(CLUSTER))
    assert said is not None
    assert said.code == code


def test_without_the_key_nothing_is_started() -> None:
    transport, daemon, key = made()
    key.trouble = KeyTrouble(MISSING.said(file="/etc/komainu/authkey"))
    said = asyncio.run(transport.start(CLUSTER))
    assert said is not None
    assert said.code == MISSING.code
    assert daemon.did == []


def test_a_restart_or_stop_that_fails_is_an_answer() -> None:
    transport, daemon, _ = made()
    daemon.failure = CorosyncTrouble(WILL_NOT_END.said(pid=7))
    for doing in (transport.restart, transport.stop):
        said = asyncio.run(doing())
        assert said is not None
        assert said.code == WILL_NOT_END.code


def test_a_defect_is_not_an_answer() -> None:
    transport, daemon, _ = made()
    daemon.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(transport.start(CLUSTER))
