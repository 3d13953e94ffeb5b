"""Keeping corosync running, with a small program in its place (see program.py).

What the real one does is in tests/ports/test_corosync_daemon.py.
"""

import asyncio
import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from komainu.adapters.corosync import daemon as daemon_module
from komainu.adapters.corosync.conf import ConfRefusedError, corosync_conf
from komainu.adapters.corosync.daemon import (
    DIED,
    NOT_INSTALLED,
    NOT_READ_AGAIN,
    RESTARTED,
    START_FAILED,
    WILL_NOT_END,
    CorosyncTrouble,
    running_pid,
)
from tests.unit.adapters.corosync.program import CLUSTER, KEY, OTHER, Machine, play, reloads

pytestmark = pytest.mark.processes


def test_start_writes_both_files_and_starts_it(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        assert machine.places.conf.read_text() == corosync_conf(CLUSTER)
        assert machine.places.authkey.read_bytes() == KEY
        assert stat.S_IMODE(machine.places.authkey.stat().st_mode) == 0o400
        assert machine.places.log.parent.is_dir()
        assert machine.running() > 0
        assert (machine.here / "starts").read_text() == "\n", "without arguments: never in the foreground"
        await daemon.stop()
        assert running_pid(machine.places.lock) is None

    play(daemon, story)
    assert machine.said == []


def test_the_same_configuration_leaves_it_alone_and_another_is_taken_over_or_restarts_it(machine: Machine) -> None:
    daemon, next_daemon = machine.daemon(), machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        first = machine.running()
        await daemon.start(CLUSTER, KEY)
        await daemon.close()
        await next_daemon.start(CLUSTER, KEY)
        assert (machine.running(), machine.starts) == (first, 1)
        await next_daemon.start(OTHER, KEY)
        assert (machine.running(), reloads(machine)) == (first, ["-R"]), "times are taken over"
        renamed = OTHER.model_copy(update={"name": "another"})
        await next_daemon.start(renamed, KEY)
        second = machine.running()
        assert (second != first, machine.starts) == (True, 2)
        machine.mood("unreadable")
        await next_daemon.start(renamed.model_copy(update={"detect_within_ms": 2_000}), KEY)
        third = machine.running()
        assert (third != second, machine.starts) == (True, 3), "what is not taken over needs another start"
        await next_daemon.start(renamed, KEY[::-1])
        assert (machine.running() != third, machine.starts) == (True, 4)
        assert machine.places.authkey.read_bytes() == KEY[::-1]
        await next_daemon.stop()

    play(next_daemon, story)
    assert machine.said == [], "a death that was asked for is not reported"


def test_a_death_is_reported_and_it_is_started_again(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        first = machine.running()
        os.kill(first, signal.SIGKILL)
        await machine.until_said(DIED.code, RESTARTED.code)
        second = machine.running()
        assert second != first
        os.kill(second, signal.SIGTERM)
        await machine.until_said(DIED.code, RESTARTED.code, DIED.code, RESTARTED.code)
        assert machine.starts == 3

    play(daemon, story)


def test_one_that_was_adopted_is_watched_as_well(machine: Machine) -> None:
    daemon, next_daemon = machine.daemon(), machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        await daemon.close()
        await next_daemon.start(CLUSTER, KEY)
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until_said(DIED.code, RESTARTED.code)

    play(next_daemon, story)


def test_the_waits_before_restarts_grow(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        machine.mood("refuses")
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until_said(DIED.code, START_FAILED.code, START_FAILED.code, START_FAILED.code)
        machine.mood("refuses", on=False)
        await machine.until(lambda: machine.said[-1].code == RESTARTED.code)
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until(lambda: machine.said[-1].code == RESTARTED.code and machine.said[-2].code == DIED.code)
        waits = [said.en for said in machine.said if said.code == DIED.code]
        assert "again in 10 ms" in waits[0]
        assert "again in 10 ms" not in waits[1]

    play(daemon, story)


def test_a_stalled_one_is_killed_and_started_at_once(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        first = machine.running()
        os.kill(first, signal.SIGSTOP)
        await daemon.restart()
        assert machine.running() != first
        await machine.until_said(RESTARTED.code)
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until_said(RESTARTED.code, DIED.code, RESTARTED.code)

    play(daemon, story)


def test_a_restart_that_fails_is_tried_again_by_itself(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        machine.mood("refuses")
        with pytest.raises(CorosyncTrouble, match="parse error"):
            await daemon.restart()
        assert running_pid(machine.places.lock) is None
        machine.mood("refuses", on=False)
        await machine.until(lambda: bool(machine.said) and machine.said[-1].code == RESTARTED.code)
        machine.said.clear()
        shutil.rmtree(machine.places.log.parent)
        machine.places.log.parent.touch()  # a file in the way
        with pytest.raises(CorosyncTrouble, match="File exists"):
            await daemon.restart()
        machine.places.log.parent.unlink()
        await machine.until(lambda: bool(machine.said) and machine.said[-1].code == RESTARTED.code)

    play(daemon, story)


def test_what_may_pass_does_not_end_the_watch(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        with monkeypatch.context() as patch:

            def full(_: Path) -> int:
                raise OSError(24, "Too many open files")

            patch.setattr(daemon_module, "running_pid", full)
            os.kill(machine.running(), signal.SIGKILL)
            await machine.until_said(DIED.code, START_FAILED.code)
        await machine.until(lambda: machine.said[-1].code == RESTARTED.code)

    play(daemon, story)


def test_one_that_outlives_a_restart_is_not_said_to_run_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "KILL_TIMEOUT_MS", 10)
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        with monkeypatch.context() as patch:
            patch.setattr(signal, "pidfd_send_signal", lambda *_: None)
            with pytest.raises(CorosyncTrouble, match="even when killed"):
                await daemon.restart()
        await asyncio.sleep(0.1)  # ten times the wait before it would be started
        assert machine.said == []
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until_said(DIED.code, RESTARTED.code)

    play(daemon, story)


def test_stop_ends_one_that_is_deaf(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "STOP_TIMEOUT_MS", 50)
    machine.mood("deaf")
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        await daemon.stop()
        assert running_pid(machine.places.lock) is None
        await daemon.stop()

    play(daemon, story)
    assert machine.said == []


def test_one_that_cannot_be_killed_is_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "STOP_TIMEOUT_MS", 10)
    monkeypatch.setattr(daemon_module, "KILL_TIMEOUT_MS", 10)
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        pid = machine.running()
        with monkeypatch.context() as patch:
            patch.setattr(signal, "pidfd_send_signal", lambda *_: None)  # as for a process frozen by a cgroup
            with pytest.raises(CorosyncTrouble, match=f"pid {pid}") as trouble:
                await daemon.stop()
        assert trouble.value.said.code == WILL_NOT_END.code

    play(daemon, story)


def test_why_it_does_not_start_is_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        machine.mood("refuses")
        with pytest.raises(CorosyncTrouble, match="ended with 8: parse error in config") as trouble:
            await daemon.start(CLUSTER, KEY)
        assert trouble.value.said.code == START_FAILED.code
        machine.mood("refuses", on=False)
        machine.places.log.write_text("Nov 21 14:01:16.864 [10] n1 corosync error   [MAIN  ] an old story\n")
        machine.mood("refuses-in-its-log")
        with pytest.raises(CorosyncTrouble, match=r"ended with 8: parse error: the \[real\] reason\)"):
            await daemon.start(CLUSTER, KEY)
        machine.mood("refuses-in-its-log", on=False)
        monkeypatch.setattr(daemon_module, "START_TIMEOUT_MS", 300)
        for mood, reason in (("dies-first", "does not run"), ("hangs", "did not end within 300 ms")):
            machine.mood(mood)
            with pytest.raises(CorosyncTrouble, match=reason):
                await daemon.start(CLUSTER, KEY)
            machine.mood(mood, on=False)

    play(daemon, story)


def test_a_missing_corosync_is_one_sentence_with_the_remedy(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.here))
    daemon = machine.daemon()

    async def story() -> None:
        with pytest.raises(CorosyncTrouble, match="apt-get install corosync") as trouble:
            await daemon.start(CLUSTER, KEY)
        assert trouble.value.said.code == NOT_INSTALLED.code

    play(daemon, story)


def test_a_bad_configuration_changes_nothing(machine: Machine) -> None:
    daemon = machine.daemon()
    bad = CLUSTER.model_copy(update={"nodes": (CLUSTER.nodes[0], CLUSTER.nodes[0])})

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        pid = machine.running()
        with pytest.raises(ConfRefusedError):
            await daemon.start(bad, KEY)
        assert machine.running() == pid
        assert machine.places.conf.read_text() == corosync_conf(CLUSTER)

    play(daemon, story)


def test_under_systemd_it_is_the_unit(machine: Machine) -> None:
    machine.places.systemd.mkdir()
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        os.kill(machine.running(), signal.SIGKILL)
        await machine.until_said(DIED.code, RESTARTED.code)
        await daemon.restart()
        await daemon.stop()
        assert running_pid(machine.places.lock) is None

    play(daemon, story)
    asked = (machine.here / "systemctl").read_text().splitlines()
    begin = ["reset-failed corosync.service", "restart corosync.service"]
    assert asked == [*begin * 3, "stop corosync.service"]


def test_a_lock_file_without_its_holder_means_that_none_runs(tmp_path: Path) -> None:
    lock = tmp_path / "corosync.pid"
    assert running_pid(lock) is None
    lock.write_text(str(os.getpid()))
    assert running_pid(lock) is None


def test_a_running_one_takes_over_a_changed_file_and_goes_on(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        pid = machine.running()
        await daemon.reload(OTHER)
        await daemon.reload(OTHER)

        assert (machine.running(), machine.starts) == (pid, 1)
        assert reloads(machine) == ["-R"], "what it has read already is not read again"
        assert machine.places.conf.read_text() == corosync_conf(OTHER)
        assert not machine.places.unread.exists()

    play(daemon, story)


def test_a_file_that_is_not_taken_over_is_put_back(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        machine.mood("unreadable")
        with pytest.raises(CorosyncTrouble) as trouble:
            await daemon.reload(OTHER)

        assert trouble.value.said.code == NOT_READ_AGAIN.code
        assert "ended with 1" in trouble.value.said.en
        assert machine.places.conf.read_text() == corosync_conf(CLUSTER)
        assert not machine.places.unread.exists()
        machine.mood("unreadable", on=False)
        await daemon.reload(OTHER)
        assert machine.places.conf.read_text() == corosync_conf(OTHER)

    play(daemon, story)


def test_one_that_does_not_run_finds_the_file_when_it_starts(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        await daemon.stop()
        await daemon.reload(OTHER)
        assert reloads(machine) == []
        await daemon.start(OTHER, KEY)
        assert machine.places.conf.read_text() == corosync_conf(OTHER)

    play(daemon, story)


def test_a_daemon_that_died_before_the_file_was_read_is_made_up_for(machine: Machine) -> None:
    first, second = machine.daemon(), machine.daemon()

    async def story() -> None:
        await first.start(CLUSTER, KEY)
        pid = machine.running()
        await first.close()
        machine.places.conf.write_text(corosync_conf(OTHER))
        machine.places.unread.touch()
        await second.start(OTHER, KEY)

        assert (machine.running(), reloads(machine)) == (pid, ["-R"])
        assert not machine.places.unread.exists()

    play(second, story)


def test_a_configuration_of_which_no_file_can_be_made_changes_nothing(machine: Machine) -> None:
    daemon = machine.daemon()

    async def story() -> None:
        await daemon.start(CLUSTER, KEY)
        with pytest.raises(ConfRefusedError):
            await daemon.reload(CLUSTER.model_copy(update={"nodes": (CLUSTER.nodes[0], CLUSTER.nodes[0])}))
        assert machine.places.conf.read_text() == corosync_conf(CLUSTER)

    play(daemon, story)
