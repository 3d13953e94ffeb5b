"""What goes wrong with corosync, as answers."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest

from komainu.adapters.corosync import transport as transport_module
from komainu.adapters.corosync.conf import ADDRESS_TWICE, ConfRefusedError
from komainu.adapters.corosync.daemon import NOT_INSTALLED, WILL_NOT_END, CorosyncTrouble
from komainu.adapters.corosync.transport import NOT_RELOADED, NOT_WRITTEN, CorosyncTransport, require_corosync
from komainu.model.config import Arbitration, Cluster, Node
from komainu.model.message import Said

CLUSTER = Cluster(
    name="test",
    environment="onprem",
    detect_within_ms=450,
    arbitration=Arbitration(kind="none"),
    nodes=(Node(name="a", id=1, links=("10.0.0.1",)),),
)


class StubDaemon:
    """Writes down what is asked of it, or fails as it is told."""

    failure: ClassVar[Exception | None] = None
    did: ClassVar[list[object]] = []

    def __init__(self, report: Callable[[Said], None]) -> None:
        self.did.append("made")

    async def start(self, cluster: Cluster, authkey: bytes) -> None:
        self._do(("start", cluster.name, authkey))

    async def reload(self, cluster: Cluster) -> None:
        self._do(("reload", cluster.name))

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


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> type[StubDaemon]:
    monkeypatch.setattr(StubDaemon, "failure", None)
    monkeypatch.setattr(StubDaemon, "did", [])
    monkeypatch.setattr(transport_module, "CorosyncDaemon", StubDaemon)
    return StubDaemon


def heard(_: Said) -> None:
    """Takes reports and forgets them."""


def test_success_is_none_and_the_key_goes_along(stub: type[StubDaemon]) -> None:
    async def run() -> None:
        transport = CorosyncTransport(b"secret")
        assert await transport.start(CLUSTER, heard) is None
        assert await transport.start(CLUSTER, heard) is None
        assert await transport.reload(CLUSTER) is None
        assert await transport.restart() is None
        assert await transport.stop() is None
        await transport.close()

    asyncio.run(run())
    start = ("start", "test", b"secret")
    assert stub.did == ["made", start, start, ("reload", "test"), "restart", "stop", "close"], (
        "one daemon, also for a second start"
    )


def test_before_the_start_there_is_nothing_to_do(stub: type[StubDaemon]) -> None:
    async def run() -> None:
        transport = CorosyncTransport(b"secret")
        assert await transport.reload(CLUSTER) is None
        assert await transport.restart() is None
        assert await transport.stop() is None
        await transport.close()

    asyncio.run(run())
    assert stub.did == []


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (CorosyncTrouble(WILL_NOT_END.said(pid=7)), WILL_NOT_END.code),
        (ConfRefusedError((ADDRESS_TWICE.said(address="10.0.0.1", node="a", other="b"),)), ADDRESS_TWICE.code),
        (PermissionError(13, "Permission denied", "/etc/corosync/corosync.conf"), NOT_WRITTEN.code),
    ],
)
def test_each_failure_of_a_start_is_an_answer(
    stub: type[StubDaemon], monkeypatch: pytest.MonkeyPatch, failure: Exception, code: str
) -> None:
    monkeypatch.setattr(stub, "failure", failure)
    said = asyncio.run(CorosyncTransport(b"secret").start(CLUSTER, heard))
    assert said is not None
    assert said.code == code


def test_a_restart_or_stop_that_fails_is_an_answer(stub: type[StubDaemon], monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(ask: Callable[[CorosyncTransport], Awaitable[Said | None]]) -> Said | None:
        transport = CorosyncTransport(b"secret")
        await transport.start(CLUSTER, heard)
        with monkeypatch.context() as patch:
            patch.setattr(stub, "failure", CorosyncTrouble(WILL_NOT_END.said(pid=7)))
            return await ask(transport)

    for ask in (CorosyncTransport.restart, CorosyncTransport.stop):
        said = asyncio.run(run(ask))
        assert said is not None
        assert said.code == WILL_NOT_END.code


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (CorosyncTrouble(WILL_NOT_END.said(pid=7)), "does not end even when killed"),
        (ConfRefusedError((ADDRESS_TWICE.said(address="10.0.0.1", node="a", other="b"),)), "is used twice"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_a_reload_that_fails_is_an_answer_with_its_reason(
    stub: type[StubDaemon], monkeypatch: pytest.MonkeyPatch, failure: Exception, reason: str
) -> None:
    async def run() -> Said | None:
        transport = CorosyncTransport(b"secret")
        await transport.start(CLUSTER, heard)
        monkeypatch.setattr(stub, "failure", failure)
        return await transport.reload(CLUSTER)

    said = asyncio.run(run())
    assert said is not None
    assert said.code == NOT_RELOADED.code
    assert reason in said.en


def test_a_defect_is_not_an_answer(stub: type[StubDaemon], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "failure", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(CorosyncTransport(b"secret").start(CLUSTER, heard))


def test_a_missing_program_is_one_sentence_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transport_module, "load", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorosyncTrouble, match="apt-get install corosync") as trouble:
        require_corosync()
    assert trouble.value.said.code == NOT_INSTALLED.code
    program = tmp_path / "corosync"
    program.touch()
    program.chmod(0o755)
    require_corosync()
