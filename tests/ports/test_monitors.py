"""The port MonitorHands: one suite for every type that ships, with real sockets, processes and file systems.

Each type is tried where it finds all well, where it finds an error, and where it gets no answer.
"""

import asyncio
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from komainu.catalogue import MONITOR_TYPES, MONITORS
from komainu.model.outcome import Outcome, Result
from komainu.ports import MonitorHands, MonitorHost, MonitorType
from komainu.types import disk
from tests.conftest import children_of_this_process
from tests.doubles.cloud import FakeCloud
from tests.doubles.metadata import FakeMetadata
from tests.unit.adapters.linux.workbench import Bench, bench, until

ENOUGH_MS = 20_000
SHORT_MS = 600
LATE_S = 5
"A bound against hanging; the deadline that counts is the outcome's own."
# The rest is tried with machines that are made up (tests/unit/types): a test can neither stall nor fill this one.
WRONG = ("genw", "tcp", "http", "process", "disk")
SILENT = ("genw", "http")
OUTSIDE = ("reach", "ipw")
"They ask what lies outside of this machine, and refuse anything else: tests/lab/test_np.py and test_np_by_monitors.py."
ZONE = "ap-northeast-1a"


@dataclass
class World:
    """Where the types are tried."""

    folder: Path
    answering: int
    "A port of a web server."
    refusing: int
    "A port where nobody listens."
    mute: int
    "A port that takes connections and never answers."

    def well(self, name: str) -> dict[str, Any]:
        """Parameters by which the type finds nothing wrong."""
        return {
            "genw": {"command": "/bin/true"},
            "tcp": {"host": "127.0.0.1", "port": self.answering},
            "http": {"url": f"http://127.0.0.1:{self.answering}/", "text": "all well"},
            "process": {"pid_file": self._pid_file(os.getpid())},
            "disk": {
                "paths": [str(self.folder)],
                **dict.fromkeys(("warn_percent", "error_percent", "inodes_warn_percent", "inodes_error_percent"), 100),
            },
            "userw": {"beat_ms": 50},
            "awsazw": {"zone": ZONE},
            "awsevw": {},
        }[name]

    def wrong(self, name: str) -> dict[str, Any]:
        """Parameters by which it finds an error, for the types in WRONG."""
        return {
            "genw": {"command": "/bin/false"},
            "tcp": {"host": "127.0.0.1", "port": self.refusing},
            "http": {"url": f"http://127.0.0.1:{self.refusing}/"},
            "process": {"pid_file": self._pid_file(_of_nobody())},
            "disk": {"paths": [str(self.folder)], "warn_percent": 1, "error_percent": 1},
        }[name]

    def silent(self, name: str) -> dict[str, Any]:
        """Parameters by which nothing answers, for the types in SILENT; for others those by which all is well."""
        return {
            "genw": {"command": "/bin/sleep 1000"},
            "http": {"url": f"http://127.0.0.1:{self.mute}/"},
        }.get(name) or self.well(name)

    def _pid_file(self, pid: int) -> str:
        path = self.folder / f"{pid}.pid"
        path.write_text(str(pid))
        return str(path)


def _of_nobody() -> int:
    """A process id that no process can have."""
    return int(Path("/proc/sys/kernel/pid_max").read_text()) + 1


@contextmanager
def _serving(answer: bytes | None) -> Iterator[int]:
    """A server of many connections; with no answer it holds them open."""
    server = socket.create_server(("127.0.0.1", 0), backlog=50)
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            if answer is None:
                held.append(client)
                continue
            with client:
                client.settimeout(LATE_S)
                if client.recv(4096):
                    client.sendall(answer)

    thread = threading.Thread(target=serve, name="server of the suite")
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for client in held:
            client.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            refusing = gone.getsockname()[1]
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well"
        yield World(tmp_path, stack.enter_context(_serving(answer)), refusing, stack.enter_context(_serving(None)))


Story = Callable[[MonitorHands, list[Outcome]], Awaitable[None]]


def tell(folder: Path, declared: MonitorType, params: dict[str, Any], story: Story) -> None:
    """Tell a story of one monitor on one node, and see that nothing of it is left."""

    async def on_bench() -> None:
        reported: list[Outcome] = []
        before = children_of_this_process()  # a lab of other tests may be up

        def host(made: Bench) -> MonitorHost:
            cloud = FakeCloud()
            cloud.add_zone(ZONE)
            return MonitorHost(
                "n1",
                made.cluster,
                "m1",
                cloud,
                None,  # type: ignore[arg-type]
                made.processes,
                reported.append,
                lambda: 0,
                metadata=FakeMetadata(),
            )

        async with bench(folder / "node", False) as made:
            hands = declared.make(declared.params.model_validate(params), host(made))
            try:
                await story(hands, reported)
            finally:
                await hands.end()

            def left() -> list[str]:
                return [child for child in children_of_this_process() if child not in before]

            await until(lambda: not left(), f"left running: {left()}")
            await until(lambda: not _threads(), f"left running: {_threads()}")

    asyncio.run(on_bench())


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "m1" in thread.name]


@pytest.fixture(params=[declared.name for declared in MONITORS if declared.name not in OUTSIDE])
def declared(request: pytest.FixtureRequest) -> MonitorType:
    return MONITOR_TYPES[request.param]


def test_what_is_well_is_normal_again_and_again(declared: MonitorType, world: World) -> None:
    async def story(hands: MonitorHands, reported: list[Outcome]) -> None:
        await hands.begin()
        for _ in range(3):
            outcome = await hands.check(ENOUGH_MS)
            assert outcome == Outcome(Result.SUCCEEDED)
        assert reported == []

    tell(world.folder, declared, world.well(declared.name), story)


def test_a_round_begins_and_ends_as_often_as_it_is_told_to(declared: MonitorType, world: World) -> None:
    async def story(hands: MonitorHands, reported: list[Outcome]) -> None:
        await hands.end()
        await hands.begin()
        await hands.begin()
        assert (await hands.check(ENOUGH_MS)).succeeded
        await hands.end()
        await hands.end()
        await hands.begin()
        assert (await hands.check(ENOUGH_MS)).succeeded
        assert reported == []

    tell(world.folder, declared, world.well(declared.name), story)


@pytest.mark.parametrize("name", WRONG)
def test_an_error_is_said_in_the_words_of_the_type(name: str, world: World) -> None:
    async def story(hands: MonitorHands, _: list[Outcome]) -> None:
        await hands.begin()
        outcome = await hands.check(ENOUGH_MS)
        assert outcome.result is Result.FAILED
        _well_said(declared, outcome)
        assert outcome.said is not None
        assert outcome.said.en.startswith("Detected an error in monitoring m1. (")

    declared = MONITOR_TYPES[name]
    tell(world.folder, declared, world.wrong(name), story)


@pytest.mark.parametrize("name", SILENT)
def test_a_check_answers_within_its_time(name: str, world: World) -> None:
    async def story(hands: MonitorHands, _: list[Outcome]) -> None:
        await hands.begin()
        async with asyncio.timeout(LATE_S):
            outcome = await hands.check(SHORT_MS)
        assert outcome.said is not None, "nothing answered, and that is normal?"
        _well_said(declared, outcome)

    declared = MONITOR_TYPES[name]
    tell(world.folder, declared, world.silent(name), story)


def test_a_check_that_is_cancelled_leaves_nothing_running(declared: MonitorType, world: World) -> None:
    async def story(hands: MonitorHands, reported: list[Outcome]) -> None:
        await hands.begin()
        check = asyncio.get_running_loop().create_task(hands.check(ENOUGH_MS))
        await asyncio.sleep(0.05)
        check.cancel()
        await asyncio.wait({check}, timeout=LATE_S)
        assert check.done()
        assert reported == []

    tell(world.folder, declared, world.silent(declared.name), story)


def test_the_loop_goes_on_while_it_checks(declared: MonitorType, world: World) -> None:
    """Whatever the check waits for, it does not wait in the event loop."""
    longest: list[float] = [0]

    async def story(hands: MonitorHands, _: list[Outcome]) -> None:
        await hands.begin()
        clock = asyncio.get_running_loop().time
        check = asyncio.get_running_loop().create_task(hands.check(SHORT_MS))
        while not check.done():
            before = clock()
            await asyncio.sleep(0)
            longest.append(clock() - before)
        assert max(longest) < SHORT_MS / 1000, "the whole check was one turn of the loop"

    tell(world.folder, declared, world.silent(declared.name), story)


def test_a_resident_command_leaves_nothing_running(world: World) -> None:
    """The second mode of genw: the same suite's promise for what stays."""
    me = world.folder / "pid"

    async def story(hands: MonitorHands, reported: list[Outcome]) -> None:
        await hands.end()
        await hands.begin()
        await hands.begin()
        await until(me.exists, "it was not started")
        assert await hands.check(ENOUGH_MS) == Outcome(Result.SUCCEEDED)
        assert reported == []

    command = shlex.join(("/bin/sh", "-c", f"echo $$ > {me}; exec sleep 1000"))
    tell(world.folder, MONITOR_TYPES["genw"], {"command": command, "mode": "resident"}, story)


def _well_said(declared: MonitorType, outcome: Outcome) -> None:
    assert outcome.said is not None
    codes = {message.code: message for message in declared.messages}
    assert outcome.said.code in codes, "it says what it does not declare"
    assert "{" not in outcome.said.en + outcome.said.ja
    assert "m1" in outcome.said.en
    assert "m1" in outcome.said.ja


# --- a file system of our own ----------------------------------------------------------------------------------------


@pytest.mark.lab
def test_a_real_file_system_that_fills_up(tmp_path: Path) -> None:
    """In a mount namespace of its own: `python -m tests.ports.test_monitors FOLDER`."""
    words = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        sys.executable,
        "-m",
        "tests.ports.test_monitors",
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "empty": ["succeeded", None],
        "nearly full": ["succeeded", disk.SPACE_WARNING.code],
        "full": ["failed", disk.SPACE_ERROR.code],
        "empty again": ["succeeded", None],
        "many files": ["failed", disk.INODES_ERROR.code],
    }
    assert list(tmp_path.iterdir()) == []


def _fill(folder: Path) -> dict[str, tuple[str, str | None]]:
    """What the disk monitor says while a small file system fills up."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=50", "komainu-test", folder], check=True)
    declared = MONITOR_TYPES["disk"]
    host = MonitorHost("n1", "c", "m1", None, None, None, lambda outcome: None, lambda: 0)  # type: ignore[arg-type]
    hands = declared.make(declared.params.model_validate({"paths": [str(folder)]}), host)

    def look() -> tuple[str, str | None]:
        outcome = asyncio.run(hands.check(ENOUGH_MS))
        return str(outcome.result), outcome.said.code if outcome.said is not None else None

    found = {"empty": look()}
    (folder / "a").write_bytes(bytes(900_000))
    found["nearly full"] = look()
    (folder / "b").write_bytes(bytes(120_000))
    found["full"] = look()
    for each in ("a", "b"):
        (folder / each).unlink()
    found["empty again"] = look()
    for number in range(48):
        (folder / str(number)).touch()
    found["many files"] = look()
    return found


if __name__ == "__main__":
    print(json.dumps(_fill(Path(sys.argv[1]))))
