"""The exec type and the real door to processes together: applications that scripts start and stop (O2)."""

import asyncio
import json
from pathlib import Path

import pytest

from komainu.adapters.linux import proc
from komainu.model.outcome import SUCCEEDED, Result
from komainu.types import exec_messages as say
from tests.unit.adapters.linux.workbench import CONTAINED, double_fork, kill_hard, quoted, runs, told, until
from tests.unit.types.exec_stage import Node, Play, code, ended, on_stage


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Tell a story about an exec resource with these parameters."""
    return on_stage(tmp_path / "node")


class Server:
    """An application of the old kind: the start script leaves a daemon behind, the stop script kills it."""

    def __init__(self, directory: Path) -> None:
        self.pid = directory / "pid"
        self.starts = directory / "starts"
        self.stops = directory / "stops"

    @property
    def start(self) -> str:
        """Starts the daemon; the daemon writes its id."""
        return code(f"echo 1 >> {self.starts}; {quoted(*double_fork(self.pid))}")

    @property
    def stop(self) -> str:
        """Kills the daemon. Like many stop scripts it fails when there is none."""
        return code(f"echo 1 >> {self.stops}; kill $(cat {self.pid})")

    @property
    def check(self) -> str:
        """Asks whether the daemon is alive."""
        return code(f"kill -0 $(cat {self.pid}) || exit 7")

    def count(self, which: Path) -> int:
        """How often a script was run."""
        return len(which.read_text().split()) if which.exists() else 0


@CONTAINED
def test_scripted_from_start_to_stop(play: Play, tmp_path: Path, contained: bool) -> None:
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        assert await node.hands.prepare() == SUCCEEDED
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)
        assert await node.stop() == SUCCEEDED
        assert server.count(server.stops) == 0, "what surely does not run is not stopped by a script"

        assert await node.start() == SUCCEEDED
        daemon = await told(server.pid)
        assert runs(daemon)
        assert await node.check() == SUCCEEDED
        assert await node.probe() == SUCCEEDED
        assert await node.start() == SUCCEEDED
        assert server.count(server.starts) == 1, "a start of what runs changes nothing"

        node.restart_agent()
        assert await node.probe() == SUCCEEDED
        assert await node.stop() == SUCCEEDED
        assert not runs(daemon)
        assert server.count(server.stops) == 1
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)

    play(story, contained=contained, start=server.start, stop=server.stop)


@CONTAINED
def test_what_the_stop_script_leaves_is_ended(play: Play, tmp_path: Path, contained: bool) -> None:
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        await node.start()
        daemon = await told(server.pid)
        assert await node.stop() == SUCCEEDED
        assert not runs(daemon)

    play(story, contained=contained, start=server.start, stop="/bin/true")


def test_the_check_decides_where_there_is_one(play: Play, tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)
        await node.start()
        daemon = await told(server.pid)
        await until(lambda: runs(daemon), "it does not run")
        assert await node.check() == SUCCEEDED
        node.restart_agent()
        assert await node.probe() == SUCCEEDED

        kill_hard(daemon)
        await until(lambda: proc.read(daemon) is None, "init does not take the zombie, which the check would see")
        ended(await node.check(), Result.FAILED, say.CHECK_CODE)
        # It was started in this boot, perhaps by way of others: only a stop makes certain that it is gone.
        ended(await node.probe(), Result.UNKNOWN, say.CHECK_CODE)
        server.pid.unlink()
        assert await node.start() == SUCCEEDED
        assert server.count(server.starts) == 2
        await told(server.pid)
        assert await node.stop() == SUCCEEDED

    play(story, start=server.start, stop=server.stop, check=server.check)


def test_an_application_that_others_started_is_seen_by_its_check_and_stopped(play: Play, tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        other = await asyncio.create_subprocess_exec("sleep", "1000")
        server.pid.write_text(str(other.pid))
        assert await node.probe() == SUCCEEDED
        assert await node.stop() == SUCCEEDED
        assert server.count(server.stops) == 1
        await other.wait()

    play(story, start=server.start, stop=server.stop, check=server.check)


def test_scripts_are_told_where_they_are(play: Play, tmp_path: Path) -> None:
    tell = f"env | grep -E '^(KOMAINU|CLP|COLOUR)' | sort > {tmp_path}/$KOMAINU_EVENT"

    async def story(node: Node) -> None:
        await node.start()
        await node.check()
        await node.stop()
        own = {"COLOUR": "blue", "CLP_GROUPNAME": "g", "CLP_RESOURCENAME": "app", "KOMAINU_CLUSTER": node.bench.cluster}
        own |= {"KOMAINU_GROUP": "g", "KOMAINU_NODE": "n1", "KOMAINU_RESOURCE": "app"}
        for event in ("start", "check", "stop"):
            lines = (tmp_path / event).read_text().splitlines()
            variables = dict(line.split("=", 1) for line in lines)
            variables.pop("KOMAINU_INSTANCE" if event == "start" else "KOMAINU_RUN")
            assert variables == {**own, "KOMAINU_EVENT": event}

    play(story, start=code(tell), stop=code(tell), check=code(tell), environment={"COLOUR": "blue"})


def test_a_start_script_that_fails_says_its_code_and_last_output(play: Play) -> None:
    async def story(node: Node) -> None:
        outcome = await node.start()
        ended(outcome, Result.FAILED, say.START_CODE)
        assert outcome.said is not None
        assert "exit code 3" in outcome.said.en
        assert outcome.detail == "the disk is missing"
        ended(await node.probe(), Result.UNKNOWN, say.UNSEEN)
        assert await node.stop() == SUCCEEDED
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)

    play(story, start=code("echo the disk is missing; exit 3"), stop="/bin/true")


def test_other_exit_codes_can_be_normal(play: Play) -> None:
    async def story(node: Node) -> None:
        assert await node.start() == SUCCEEDED
        assert await node.check() == SUCCEEDED
        ended(await node.stop(), Result.FAILED, say.STOP_CODE)

    play(story, start=code("exit 3"), stop=code("exit 4"), check=code("exit 3"), normal_exit_codes=[0, 3])


def test_scripts_that_die_of_a_signal_have_failed(play: Play) -> None:
    async def story(node: Node) -> None:
        ended(await node.start(), Result.FAILED, say.START_SIGNAL)
        ended(await node.check(), Result.FAILED, say.CHECK_SIGNAL)
        ended(await node.stop(), Result.FAILED, say.STOP_SIGNAL)

    die = code("kill -KILL $$")
    play(story, start=die, stop=die, check=die)


@CONTAINED
def test_a_start_script_that_hangs_is_killed_with_its_children(play: Play, tmp_path: Path, contained: bool) -> None:
    async def story(node: Node) -> None:
        starting = asyncio.create_task(node.hands.start(3_000))
        daemon = await told(tmp_path / "pid")
        outcome = await starting
        ended(outcome, Result.UNKNOWN, say.START_TIMEOUT)
        assert outcome.detail == "waiting for the other side"
        assert not runs(daemon)
        ended(await node.probe(), Result.UNKNOWN, say.UNSEEN)
        assert await node.stop() == SUCCEEDED

    hanging = f"echo waiting for the other side; {quoted(*double_fork(tmp_path / 'pid'))}; sleep 1000"
    play(story, contained=contained, start=code(hanging), stop="/bin/true")


def test_a_stop_script_that_hangs_leaves_it_unknown(play: Play, tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        await node.start()
        daemon = await told(server.pid)
        stopping = asyncio.create_task(node.hands.stop(3_000))
        stopper = await told(tmp_path / "stopper")
        outcome = await stopping
        ended(outcome, Result.UNKNOWN, say.STOP_TIMEOUT)
        assert outcome.detail == "waiting for clients"
        assert not runs(stopper)
        assert runs(daemon), "nobody said that it may be killed: the application has work to save"
        node.restart_agent()
        ended(await node.probe(), Result.UNKNOWN, say.ORPHANS)
        (tmp_path / "free").touch()
        assert await node.stop() == SUCCEEDED
        assert not runs(daemon)

    hanging = f"[ -e {tmp_path}/free ] || {{ echo waiting for clients; echo $$ > {tmp_path}/stopper; sleep 1000; }}"
    play(story, start=server.start, stop=code(hanging))


def test_a_check_that_hangs_is_an_error_and_is_killed(play: Play, tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.start()
        checking = asyncio.create_task(node.hands.check(2_000))
        checker = await told(tmp_path / "checker")
        ended(await checking, Result.FAILED, say.CHECK_TIMEOUT)
        assert not runs(checker)
        ended(await node.hands.probe(500), Result.UNKNOWN, say.CHECK_TIMEOUT)

    play(story, start="/bin/true", stop="/bin/true", check=code(f"echo $$ > {tmp_path}/checker; sleep 1000"))


@CONTAINED
def test_a_cancelled_start_leaves_nothing_unsaid(play: Play, tmp_path: Path, contained: bool) -> None:
    """The executor gives up: the script is killed, and whoever asks next hears that nobody knows."""
    server = Server(tmp_path)

    async def story(node: Node) -> None:
        starting = asyncio.create_task(node.start())
        daemon, script = await told(server.pid), node.pid
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await until(lambda: not runs(script), "the start script goes on")
        node.restart_agent()
        assert (await node.probe()).result is Result.UNKNOWN
        assert await node.stop() == SUCCEEDED
        assert server.count(server.stops) == 1
        assert not runs(daemon)

    play(story, contained=contained, start=f"{server.start[:-1]}; sleep 1000'", stop=code(f"echo 1 >> {server.stops}"))


def test_a_start_script_still_running_under_a_new_agent_does_not_run_against_the_stop(
    play: Play, tmp_path: Path
) -> None:
    async def story(node: Node) -> None:
        starting = asyncio.create_task(node.start())
        script = await told(tmp_path / "script")
        node.bench.restart()
        starting.cancel()
        await asyncio.wait((starting,))
        node.hands = node.fresh()
        outcome = await node.probe()
        assert outcome.result is Result.UNKNOWN
        assert await node.stop() == SUCCEEDED
        assert not runs(script)
        assert (tmp_path / "seen").read_text().strip() == "gone"

    start = f"echo $$ > {tmp_path}/script; sleep 1000"
    stop = f"kill -0 $(cat {tmp_path}/script) && echo there > {tmp_path}/seen || echo gone > {tmp_path}/seen"
    play(story, start=code(start), stop=code(stop))


def test_a_record_of_an_earlier_boot_says_nothing(play: Play, tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await node.start()
        record = json.loads(node.bench.record.read_text())
        node.bench.record.write_text(json.dumps({**record, "boot": "an earlier one"}))
        node.restart_agent()
        ended(await node.probe(), Result.FAILED, say.NOT_RUNNING)

    play(story, start="/bin/true", stop="/bin/true")
