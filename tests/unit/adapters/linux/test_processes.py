"""The one door to processes, with real ones: started, adopted, found again, and surely ended."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from komainu.adapters.linux import proc
from komainu.adapters.linux.leader import Ending
from komainu.adapters.linux.processes import Application, Processes
from komainu.adapters.linux.spawn import Obstacle, Program
from tests.unit.adapters.linux.workbench import (
    CONTAINED,
    LOG_BYTES,
    SLEEPER,
    Bench,
    bench,
    double_fork,
    kill_hard,
    on_bench,
    quoted,
    runs,
    shell,
    told,
    until,
)

pytestmark = pytest.mark.processes


async def launch(application: Application, argv: tuple[str, ...] = SLEEPER) -> int:
    assert await application.launch(Program(argv), started=True) is None
    return application.pid


@CONTAINED
def test_the_death_of_the_launched_process_is_told_at_once(tmp_path: Path, contained: bool) -> None:
    async def story(b: Bench) -> None:
        application = b.application()
        heard: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        application.on_end = heard.set_result
        pid = await launch(application)
        assert application.alive
        assert application.phase == "started"

        kill_hard(pid)
        async with asyncio.timeout(5):
            assert await heard == Ending(signal=signal.SIGKILL)
        assert not application.alive
        assert application.last_ending == Ending(signal=signal.SIGKILL)

    on_bench(tmp_path, contained, story)


@CONTAINED
def test_after_a_restart_of_the_daemon_the_process_is_adopted(tmp_path: Path, contained: bool) -> None:
    async def story(b: Bench) -> None:
        pid = await launch(b.application())
        b.restart()

        application = b.application()
        assert application.alive
        assert application.pid == pid
        assert application.phase == "started"
        heard: list[Ending] = []
        application.on_end = heard.append
        kill_hard(pid)
        await until(lambda: heard, "the death of the adopted process was not told")

    on_bench(tmp_path, contained, story)


DAEMON = """
import asyncio, sys
from pathlib import Path
from komainu.adapters.linux.processes import Processes
from komainu.adapters.linux.spawn import Program

async def main(directory, cluster, contained):
    processes = Processes(directory / "run", directory / "log", with_cgroups=contained)
    application = processes.application(cluster, "n1", "g", "app", 65536)
    chatty = "while :; do echo alive; echo $$ > {}/beat; sleep 0.01; done".format(directory)
    assert await application.launch(Program(("/bin/sh", "-c", chatty)), started=True) is None
    (directory / "pid.new").write_text(str(application.pid))
    (directory / "pid.new").rename(directory / "pid")
    await asyncio.sleep(1000)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"))
"""


@CONTAINED
def test_the_application_does_not_notice_that_the_daemon_was_killed(tmp_path: Path, contained: bool) -> None:
    """It writes on without anybody reading, and the next daemon, which is not its parent, follows it."""

    async def story(b: Bench) -> None:
        arguments = (sys.executable, "-c", DAEMON, str(tmp_path), b.cluster, str(contained))
        daemon = await asyncio.create_subprocess_exec(*arguments)
        try:
            pid = await told(tmp_path / "pid")
        finally:
            daemon.kill()
            await daemon.wait()
        (tmp_path / "beat").unlink(missing_ok=True)
        assert await told(tmp_path / "beat") == pid
        process = proc.read(pid)
        assert process is not None
        assert process.parent != os.getpid()

        application = b.application()
        assert application.alive
        assert application.pid == pid
        assert "alive" in application.output()
        heard: list[Ending] = []
        application.on_end = heard.append
        kill_hard(pid)
        await until(lambda: heard, "the death of a process of others was not told")
        assert heard == [Ending()], "how it ended is told to the parent alone"

    on_bench(tmp_path, contained, story)


@CONTAINED
def test_a_process_that_took_over_the_id_is_never_touched(tmp_path: Path, contained: bool) -> None:
    async def story(b: Bench) -> None:
        pid = await launch(b.application())
        b.restart()
        record = json.loads(b.record.read_text())
        victim = b.application("other")
        process = proc.read(await launch(victim))
        assert process is not None
        kill_hard(pid)
        await until(lambda: not runs(pid), "it does not end")
        # The record names the id that the stranger has now, with the start time of the one who had it before.
        b.record.write_text(json.dumps({**record, "pid": victim.pid, "start_time": process.start_time - 1}))

        application = b.application()
        assert not application.alive
        assert await application.living() == ()
        assert await application.end_launched(5_000)
        application.kill_now()
        assert await application.end(signal.SIGTERM, 100, 5_000) == ()
        assert victim.alive

    on_bench(tmp_path, contained, story)


def test_without_its_record_a_process_is_still_found(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        pid = await launch(b.application())
        b.restart()
        b.record.unlink()

        application = b.application()
        assert application.phase == ""
        assert not application.alive
        assert await application.living() == (pid,)
        assert await application.end(signal.SIGTERM, 5_000, 5_000) == ()
        assert not runs(pid)

    on_bench(tmp_path, False, story)


def test_a_damaged_record_is_told_and_repaired_by_forgetting(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        pid = await launch(b.application())
        b.restart()
        b.record.write_text("{")

        application = b.application()
        assert "g@app.json" in application.damage
        assert await application.living() == (pid,)
        assert await application.end(signal.SIGTERM, 5_000, 5_000) == ()
        assert application.forget() is None
        assert application.damage == ""
        assert not b.record.exists()

    on_bench(tmp_path, False, story)


@CONTAINED
def test_a_daemon_killed_between_start_and_record_leaves_a_trace(tmp_path: Path, contained: bool) -> None:
    """The record is written before the start; without a process id the mark or the group tells what runs."""

    async def story(b: Bench) -> None:
        pid = await launch(b.application())
        record = json.loads(b.record.read_text())
        b.restart()
        b.record.write_text(json.dumps({**record, "pid": 0, "start_time": 0, "phase": "starting"}))

        application = b.application()
        assert application.phase == "starting"
        assert not application.alive
        assert await application.living() == (pid,)

    on_bench(tmp_path, contained, story)


@CONTAINED
def test_the_end_takes_orphans_along_and_leaves_nothing_behind(tmp_path: Path, contained: bool) -> None:
    async def story(b: Bench) -> None:
        application = b.application()
        await launch(application, double_fork(tmp_path / "pid"))
        daemon = await told(tmp_path / "pid")
        assert await application.wait(10_000) == Ending(code=0)
        groups.append(json.loads(b.record.read_text())["cgroup"])
        assert bool(groups[0]) is contained

        assert await application.living() == (daemon,)
        assert await application.end(signal.SIGTERM, 5_000, 5_000) == ()
        assert application.forget() is None
        assert not runs(daemon)
        assert not b.record.exists()

    groups: list[str] = []
    on_bench(tmp_path, contained, story)
    assert not any(Path(group).exists() for group in groups if group)


def test_the_launched_process_alone_can_be_ended(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        application = b.application()
        assert await application.end_launched(0), "nothing was launched"
        pid = await launch(application, double_fork(tmp_path / "pid", then="time.sleep(1000)"))
        daemon = await told(tmp_path / "pid")
        assert await application.end_launched(5_000)
        assert not runs(pid)
        assert runs(daemon)

    on_bench(tmp_path, False, story)


def test_two_launches_at_once_are_a_defect(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        application = b.application()
        await launch(application)
        with pytest.raises(RuntimeError, match="g@app"):
            await application.launch(Program(SLEEPER), started=True)

    on_bench(tmp_path, False, story)


def test_what_cannot_be_recorded_is_not_started(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        (tmp_path / "run").write_text("in the way")
        cannot = await b.application().launch(Program(shell(f"touch {tmp_path}/started")), started=True)
        assert cannot is not None
        assert cannot.obstacle is Obstacle.RECORD
        assert await b.application().living() == ()
        (tmp_path / "run").unlink()

    on_bench(tmp_path, False, story)
    assert not (tmp_path / "started").exists()


@CONTAINED
def test_what_cannot_start_leaves_no_record(tmp_path: Path, contained: bool) -> None:
    async def story(b: Bench) -> None:
        application = b.application()
        # More than the kernel takes for one argument (128 KiB).
        cannot = await application.launch(Program((*SLEEPER, "x" * 200_000)), started=True)
        assert cannot is not None
        assert cannot.obstacle is Obstacle.SYSTEM
        missing = await application.launch(Program(("/no/such/program",)), started=True)
        assert missing is not None
        assert missing.obstacle is Obstacle.PROGRAM
        assert application.phase == ""
        assert not b.record.exists()

    on_bench(tmp_path, contained, story)


def test_a_log_that_cannot_be_written_does_not_hinder(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        (tmp_path / "log").write_text("in the way")
        application = b.application()
        await launch(application)
        assert application.alive
        assert application.log_problem
        assert "log" in application.output()
        ran = await application.run(Program(shell("exit 4")), 10_000)
        assert ran.ending == Ending(code=4)

    on_bench(tmp_path, False, story)


def test_output_is_bounded_while_it_is_written(tmp_path: Path) -> None:
    flood = "i=0; while [ $i -lt 40000 ]; do echo 0123456789; i=$((i+1)); done; echo done > {}; exec sleep 1000"

    async def story(b: Bench) -> None:
        application = b.application()
        await launch(application, shell(flood.format(tmp_path / "done")))
        await until((tmp_path / "done").exists, "the flood does not end")
        log = tmp_path / "log" / "g@app.log"
        await until(lambda: log.stat().st_size <= LOG_BYTES // 2, "the log is not brought back within its bound")
        assert application.alive
        assert sum(path.stat().st_size for path in log.parent.iterdir()) <= LOG_BYTES

    on_bench(tmp_path, False, story)


def test_names_with_dots_do_not_share_a_record(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        one = b.processes.application(b.cluster, "n1", "a", "b.c", LOG_BYTES)
        two = b.processes.application(b.cluster, "n1", "a.b", "c", LOG_BYTES)
        await launch(one)
        await launch(two)
        assert await one.end(signal.SIGKILL, 0, 5_000) == ()
        assert two.alive
        assert await two.end(signal.SIGKILL, 0, 5_000) == ()

    on_bench(tmp_path, False, story)


# --- Scripts -----------------------------------------------------------------------------------------------------


def test_a_script_is_run_with_its_code_and_last_output(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        log = b.processes.log("scripts", LOG_BYTES)
        first = await b.processes.run(Program(shell("echo first; exit 3")), 10_000, log)
        second = await b.processes.run(Program(shell("echo second >&2; kill -9 $$")), 10_000, log)
        assert (first.ending, first.output, first.timed_out) == (Ending(code=3), "first", False)
        assert (second.ending, second.output) == (Ending(signal=9), "second")
        assert (tmp_path / "log" / "scripts.log").read_text() == "first\nsecond\n"

    on_bench(tmp_path, False, story)


def test_a_script_that_cannot_run_says_why(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        ran = await b.processes.run(Program(("/no/such/program",)), 10_000)
        assert ran.cannot is not None
        assert ran.cannot.obstacle is Obstacle.PROGRAM
        assert not ran.timed_out
        ran = await b.processes.run(Program((*SLEEPER, "x" * 200_000)), 10_000)
        assert ran.cannot is not None
        assert ran.cannot.obstacle is Obstacle.SYSTEM

    on_bench(tmp_path, False, story)


def test_a_script_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        hanging = f"echo waiting; {quoted(*double_fork(tmp_path / 'pid'))}; sleep 1000"
        log = b.processes.log("scripts", LOG_BYTES)
        running = asyncio.create_task(b.processes.run(Program(shell(hanging)), 2_500, log))
        daemon = await told(tmp_path / "pid")
        ran = await running
        assert ran.timed_out
        assert ran.left == ()
        assert ran.output == "waiting"
        assert not runs(daemon)

    on_bench(tmp_path, False, story)


def test_a_daemon_that_a_script_left_in_time_goes_on(tmp_path: Path) -> None:
    """Programs such as corosync start so. It must not die of a pipe that nobody reads any more either."""

    async def story(b: Bench) -> None:
        ran = await b.processes.run(Program(double_fork(tmp_path / "pid")), 10_000)
        daemon = await told(tmp_path / "pid")
        assert ran.ending == Ending(code=0)
        assert runs(daemon)
        assert os.readlink(f"/proc/{daemon}/fd/1") == "/dev/null"
        kill_hard(daemon)
        await until(lambda: not runs(daemon), "it does not end")

    on_bench(tmp_path, False, story)


def test_a_cancelled_script_is_killed_with_its_children(tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        hanging = f"{quoted(*double_fork(tmp_path / 'pid'))}; echo $$ > {tmp_path}/own; sleep 1000"
        running = asyncio.create_task(b.processes.run(Program(shell(hanging)), 100_000))
        daemon, own = await told(tmp_path / "pid"), await told(tmp_path / "own")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not runs(daemon) and not runs(own), "a cancelled script goes on")

    on_bench(tmp_path, False, story)


def test_a_log_has_a_plain_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="etc"):
        Processes(tmp_path, tmp_path).log("../etc/passwd", LOG_BYTES)


def test_an_account_is_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with bench(tmp_path, False) as b:
            program = b.processes.program(("/bin/true",), user="root")
            assert await b.processes.ready(program) is None
            monkeypatch.setattr("komainu.adapters.linux.spawn.pwd.getpwnam", lambda _: time.sleep(1000))
            assert await b.processes.ready(program) is None
            assert await b.processes.ready(b.processes.program(("/no/such/program",), user="root")) is not None

    asyncio.run(story())
