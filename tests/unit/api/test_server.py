"""The daemon's socket: no frame and no client harms the daemon; what changes the cluster is for root."""

import asyncio
import grp
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Any

import pytest

from komainu.api import frames, server
from komainu.api.answers import Answer
from komainu.api.operation import Nothing, Operation, Right
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


class Raw:
    """A client without manners."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def __aenter__(self) -> "Raw":
        self.reader, self.writer = await asyncio.open_unix_connection(str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, op: object, **more: object) -> None:
        await self.say(frames.encode({"id": 7, "op": op, **more}, frames.REQUEST_BYTES))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            head = await self.reader.readexactly(4)
            return frames.decode(await self.reader.readexactly(struct.unpack(">I", head)[0]))

    async def is_hung_up(self) -> bool:
        async with asyncio.timeout(20):
            return await self.reader.read() == b""


async def still_answers(served: Served) -> None:
    async with Raw(served.socket) as raw:
        await raw.ask("status")
        assert (await raw.hear())["result"]["here"]["node"] == "n1"


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        struct.pack(">I", 2) + b"{]",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", frames.ROOT_REQUEST_BYTES + 1),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_bad_frame_is_answered_and_hung_up(tmp_path: Path, data: bytes) -> None:
    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            await raw.say(data)
            assert (await raw.hear())["error"]["code"] == server.BAD_FRAME.code
            assert await raw.is_hung_up()
        await still_answers(served)

    serve(tmp_path, story)


def test_what_cannot_be_done_is_refused_and_the_connection_stays(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            for op, args, code in (
                ("no such thing", {}, server.NO_OPERATION),
                (None, {}, server.NO_OPERATION),
                ({"a": 1}, {}, server.NO_OPERATION),
                ("group.move", {}, server.BAD_ARGUMENTS),
                ("group.move", {"group": "no name!"}, server.BAD_ARGUMENTS),
                ("group.move", {"group": "web", "extra": 1}, server.BAD_ARGUMENTS),
                ("status", [], server.BAD_ARGUMENTS),
                ("events", {"last": -1}, server.BAD_ARGUMENTS),
            ):
                await raw.ask(op, args=args)
                answer = await raw.hear()
                assert (answer["id"], answer["error"]["code"]) == (7, code.code)
            await raw.ask("status")
            assert "result" in await raw.hear()

    serve(tmp_path, story)


def test_a_client_that_leaves_in_the_middle_harms_nobody(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        for data in (b"", b"\0", struct.pack(">I", 100), struct.pack(">I", 100) + b"half"):
            async with Raw(served.socket) as raw:
                await raw.say(data)
        await still_answers(served)

    serve(tmp_path, story)


def test_a_request_that_is_never_finished_is_hung_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FRAME_TIMEOUT_MS", 50)

    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            await raw.say(struct.pack(">I", 100) + b"half")
            assert await raw.is_hung_up()

    serve(tmp_path, story)


def test_only_root_may_change_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_is_root", lambda writer: False)

    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            await raw.ask("group.stop", args={"group": "web"})
            assert (await raw.hear())["error"]["code"] == server.MUST_BE_ROOT.code
            await raw.ask("status")
            assert "result" in await raw.hear()
        assert served.world.things.on("app") == ["n1"]

    serve(tmp_path, story)


def test_the_kernel_says_who_asks(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            assert server._is_root(raw.writer) is (os.geteuid() == 0)
        await still_answers(served)

    serve(tmp_path, story)


def test_the_socket_is_for_root_alone_where_there_is_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GROUP", "no-such-group-here")

    async def story(served: Served) -> None:
        assert stat.S_IMODE(served.socket.stat().st_mode) == 0o600

    serve(tmp_path, story)
    assert not (tmp_path / "run" / "komainud.sock").exists()


def test_members_of_the_group_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GROUP", grp.getgrgid(os.getegid()).gr_name)

    async def story(served: Served) -> None:
        assert stat.S_IMODE(served.socket.stat().st_mode) == 0o660

    serve(tmp_path, story)


def test_an_idle_stream_does_not_outlive_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CLIENTS", 12)

    async def story(served: Served) -> None:
        for _ in range(10):
            async with Raw(served.socket) as raw:
                await raw.ask("events", args={"last": 1, "follow": True})
                assert "item" in await raw.hear()
        await served.alone()
        await still_answers(served)

    serve(tmp_path, story)


def test_nothing_may_be_sent_while_a_stream_runs(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            await raw.ask("events", args={"last": 1, "follow": True})
            await raw.hear()
            await raw.say(b"x")
            assert (await raw.hear())["error"]["code"] == server.BAD_FRAME.code
            assert await raw.is_hung_up()

    serve(tmp_path, story)


def test_too_many_clients_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CLIENTS", 2)

    async def story(served: Served) -> None:
        async with Raw(served.socket), Raw(served.socket), Raw(served.socket) as third:
            assert (await third.hear())["error"]["code"] == server.TOO_MANY.code
        await served.alone()
        await still_answers(served)

    serve(tmp_path, story)


def test_a_client_that_does_not_read_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_TIMEOUT_MS", 100)

    async def lots(daemon: object, request: object) -> Any:
        while True:
            yield {"fill": "x" * 100_000}

    operation = Operation("lots", Nothing, Answer, Right.READ, stream_by=lots)
    monkeypatch.setitem(server.BY_NAME, "lots", operation)

    async def story(served: Served) -> None:
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(str(served.socket))
        silent.sendall(frames.encode({"id": 1, "op": "lots"}, 1_000))
        await served.until(lambda: bool(served.server._clients), "let in")
        await served.alone()
        received = 0
        silent.settimeout(10)
        while data := await asyncio.to_thread(silent.recv, 1_000_000):
            received += len(data)
        silent.close()
        assert received < 50_000_000
        await still_answers(served)

    serve(tmp_path, story)


def test_a_defect_in_an_operation_is_told_and_the_daemon_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(daemon: object, request: object) -> dict[str, Any]:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(server.BY_NAME, "broken", Operation("broken", Nothing, Answer, Right.READ, answer_by=broken))

    async def story(served: Served) -> None:
        async with Raw(served.socket) as raw:
            await raw.ask("broken")
            error = (await raw.hear())["error"]
            assert error["code"] == server.FAILED_WITHIN.code
            assert "planted" in error["en"]
            await raw.ask("status")
            assert "result" in await raw.hear()

    serve(tmp_path, story)
