"""What a program starts with: nothing of the daemon's, and everything it needs."""

import asyncio
import json
import os
import pwd
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from komainu.adapters.linux import proc
from komainu.adapters.linux.spawn import (
    PATH,
    Account,
    Cannot,
    Obstacle,
    Program,
    account,
    obstacle,
    own_account,
    searched,
    spawn,
)

pytestmark = pytest.mark.processes

TELL = """
import json, os
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
print(json.dumps({
    'environment': dict(os.environ), 'directory': os.getcwd(), 'umask': os.umask(0),
    'blocked': int(status['SigBlk'], 16), 'ignored': int(status['SigIgn'], 16),
    'descriptors': {name: os.readlink('/proc/self/fd/' + name) for name in os.listdir('/proc/self/fd')
                    if os.path.exists('/proc/self/fd/' + name)},
    'session': os.getsid(0), 'group': os.getpgid(0), 'pid': os.getpid(),
    'uid': os.getuid(), 'gid': os.getgid(), 'groups': os.getgroups(),
    'oom': int(open('/proc/self/oom_score_adj').read()),
}))
"""
# Signals 32 and 33 belong to the C library, which lets nobody touch them.
OF_THE_C_LIBRARY = 1 << 31 | 1 << 32
# Python itself ignores these two; the shell before it had them at their default.
PYTHON_IGNORES = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)


def run(program: Program, tmp_path: Path, runs_as: Account | None = None) -> str:
    """Start a program, wait for its end, and answer what it wrote."""
    output = tmp_path / "output"
    with output.open("ab") as log:
        _, descriptor = spawn(program, runs_as or own_account(), {"KOMAINU_INSTANCE": "a/1"}, None, log.fileno())
    try:
        assert asyncio.run(proc.wait_ended([descriptor], 10_000))
        assert os.waitid(os.P_PIDFD, descriptor, os.WEXITED) is not None
    finally:
        os.close(descriptor)
    return output.read_text()


def tell(tmp_path: Path, **how: object) -> dict[str, object]:
    program = Program((sys.executable, "-S", "-E", "-c", TELL), **how)  # type: ignore[arg-type]
    told: dict[str, object] = json.loads(run(program, tmp_path))
    return told


@pytest.fixture
def untidy() -> Iterator[None]:
    """A daemon with a blocked signal, an ignored one, a strict umask, a secret and an inheritable descriptor."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    umask = os.umask(0o077)
    leak = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leak, True)
    os.environ["NOTIFY_SOCKET"] = "/run/secret"
    yield
    del os.environ["NOTIFY_SOCKET"]
    os.close(leak)
    os.umask(umask)
    signal.signal(signal.SIGHUP, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.mark.usefixtures("untidy")
def test_nothing_of_the_daemon_is_inherited(tmp_path: Path) -> None:
    told = tell(tmp_path)

    ignored = told["ignored"]
    assert isinstance(ignored, int)
    assert ignored & ~OF_THE_C_LIBRARY == PYTHON_IGNORES
    assert told["blocked"] == 0
    assert told["umask"] == 0o022
    environment = told["environment"]
    assert isinstance(environment, dict)
    assert "NOTIFY_SOCKET" not in environment
    assert told["descriptors"] == {
        "0": "/dev/null",
        "1": str(tmp_path / "output"),
        "2": str(tmp_path / "output"),
    }


def test_what_was_asked_for_is_there(tmp_path: Path) -> None:
    told = tell(tmp_path, environment={"COLOUR": "blue sky", "KOMAINU_INSTANCE": "forged"}, directory=str(tmp_path))

    environment = told["environment"]
    assert isinstance(environment, dict)
    assert environment["COLOUR"] == "blue sky"
    assert environment["KOMAINU_INSTANCE"] == "a/1", "the mark is ours"
    assert environment["PATH"] == PATH
    assert told["directory"] == str(tmp_path)
    assert told["session"] == told["group"] == told["pid"]
    oom = told["oom"]
    assert isinstance(oom, int)
    assert oom >= 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_another_user(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    tmp_path.chmod(0o755)
    program = Program(("/usr/bin/id", "-un"), user="nobody")
    runs_as = asyncio.run(account(program))
    assert isinstance(runs_as, Account)

    assert run(program, tmp_path, runs_as).strip() == "nobody"
    assert (runs_as.uid, runs_as.gid, runs_as.home) == (nobody.pw_uid, nobody.pw_gid, nobody.pw_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_another_group(tmp_path: Path) -> None:
    program = Program(("/usr/bin/id", "-gn"), user="nobody", group="daemon")
    runs_as = asyncio.run(account(program))
    assert isinstance(runs_as, Account)
    assert run(program, tmp_path, runs_as).strip() == "daemon"


@pytest.mark.parametrize(("user", "group"), [("no-such-user", ""), ("root", "no-such-group")])
def test_an_unknown_account_is_an_obstacle(user: str, group: str) -> None:
    found = asyncio.run(account(Program(("/bin/true",), user=user, group=group)))
    assert isinstance(found, Cannot)
    assert found.obstacle is Obstacle.USER
    assert "no-such" in found.text


def test_obstacles_are_seen_beforehand(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")

    def kind(program: Program) -> str:
        found = obstacle(program)
        return "" if found is None else str(found.obstacle)

    assert kind(Program(("/bin/true",))) == ""
    assert kind(Program(("true",))) == ""
    assert kind(Program(("/no/such/program",))) == "program"
    assert kind(Program((str(plain),))) == "program"
    assert kind(Program((str(tmp_path),))) == "program"
    assert kind(Program(("/bin/true",), directory=str(plain))) == "directory"
    assert kind(Program(("true",), environment={"PATH": str(tmp_path)})) == "program"


def test_a_program_that_vanished_is_an_error_of_the_system() -> None:
    program = Program(("/no/such/program",))
    assert searched(program) is None
    with pytest.raises(FileNotFoundError):
        spawn(program, own_account(), {}, None, None)


def test_a_missing_interpreter_shows_in_the_output(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert "script" in run(Program((str(script),)), tmp_path)


def test_without_a_control_group_that_can_be_entered_it_starts_all_the_same(tmp_path: Path) -> None:
    entry = tmp_path / "missing" / "cgroup.procs"
    pid, descriptor = spawn(Program(("/bin/true",)), own_account(), {}, entry, None)
    assert asyncio.run(proc.wait_ended([descriptor], 10_000))
    os.close(descriptor)
    assert os.waitpid(pid, 0)[1] == 0
