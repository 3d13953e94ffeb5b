"""The one door to processes: nothing else in Komainu starts, adopts or ends one.

Applications owe the daemon nothing. They have their own session, write to their own log, die of nothing that happens
to the daemon, and are adopted again after its restart (O2, law 5). The daemon is no subreaper: children that lose
their parent go to init, and are found by control group and mark (`kin`).
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from komainu.adapters.linux import cgroups, proc, records
from komainu.adapters.linux.bounded_log import BoundedLog
from komainu.adapters.linux.cgroups import Cgroup
from komainu.adapters.linux.kin import Kin
from komainu.adapters.linux.leader import Ending, Leader
from komainu.adapters.linux.records import Phase, Record, RecordDamaged
from komainu.adapters.linux.spawn import Account, Cannot, Obstacle, Program, account, obstacle, own_account, spawn

RUN_DIRECTORY = Path("/run/komainu/exec")
LOG_DIRECTORY = Path("/var/log/komainu")
_LOG_VISIT_MS = 1_000
_KILL_TIMEOUT_MS = 2_000
"How long a script that was sent SIGKILL is waited for; longer means that the kernel holds it (broken disk, freezer)."
_MARK = "KOMAINU_INSTANCE"
_RUN_MARK = "KOMAINU_RUN"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a script went."""

    ending: Ending | None = None
    "None: it was not started, or it did not end in time and was killed with all that it had started."
    cannot: Cannot | None = None
    "Why it was not started."
    output: str = ""
    "The last it wrote, about 2,000 bytes."
    left: tuple[int, ...] = ()
    "Processes of it that did not even end by SIGKILL."

    @property
    def timed_out(self) -> bool:
        """True when it was started and did not end in time."""
        return self.ending is None and self.cannot is None


class Application:
    """All processes of one resource on this node, and what must be remembered of them."""

    def __init__(self, door: "Processes", owner: str, name: str, log: BoundedLog) -> None:
        """`owner` is cluster/node/group/resource. Adopts the process of its record. Needs a running loop."""
        self._door = door
        self._owner = owner
        self._name = name
        self._path = door.run_directory / f"{name}.json"
        self.log = log
        self.log_problem = ""
        "Why the output could not be kept when it was last tried; empty when it could."
        self.on_end: Callable[[Ending], None] | None = None
        "Called from the event loop at once when the process that was launched ends."
        self.damage = ""
        "Why the record cannot be read; then what runs is not known from it."
        self._record: Record | None = None
        self._leader: Leader | None = None
        self._last: Ending | None = None
        self._load()

    @property
    def phase(self) -> str:
        """`starting`, `started`, `stopping`; empty when nothing is remembered of this boot."""
        return "" if self._record is None else str(self._record.phase)

    @property
    def alive(self) -> bool:
        """True while the process that was launched runs. Its children may outlive it: see `living`."""
        return self._leader is not None and self._leader.alive

    @property
    def pid(self) -> int:
        """The id of the process that was launched; 0 when none is known."""
        return self._record.pid if self._record is not None else 0

    @property
    def last_ending(self) -> Ending:
        """How the launched process ended, as far as it was seen."""
        return self._last or Ending()

    def output(self) -> str:
        """The last output since the launch, about 2,000 bytes."""
        try:
            return self.log.tail(self._record.log_position if self._record is not None else 0)
        except OSError as error:
            return f"({error})"

    async def launch(self, program: Program, *, started: bool) -> Cannot | None:
        """Start a program as the process of this application; None when it was started.

        `started`: running is all that is asked of it (phase `started` at once). Nothing of it may run before.
        """
        if self.alive:
            raise RuntimeError(f"{self._name} has a living process already")
        runs_as = await self._door.account_for(program)
        if isinstance(runs_as, Cannot):
            return runs_as
        self._remove_cgroup()
        nonce = secrets.token_hex(8)
        cgroup = self._door.new_cgroup(f"komainu-{self._name}-{nonce}")
        group_path = str(cgroup.path) if cgroup else ""
        record = Record(self._owner, self._door.boot, Phase.STARTING, 0, 0, group_path, self.log.size())
        mark = {_MARK: f"{self._owner}/{nonce}"}
        cannot = self._write(record)
        if cannot is not None:
            if cgroup is not None:
                cgroup.remove()
            return cannot
        return self._spawn(program, runs_as, mark, cgroup, Phase.STARTED if started else Phase.STARTING)

    def _spawn(
        self, program: Program, runs_as: Account, mark: dict[str, str], cgroup: Cgroup | None, phase: Phase
    ) -> Cannot | None:
        log = self._open_log()
        try:
            pid, descriptor = spawn(program, runs_as, mark, cgroup.entry if cgroup else None, log)
        except OSError as error:
            self.forget()
            return Cannot(Obstacle.SYSTEM, str(error))
        finally:
            _close(log)
        self._last = None
        self._leader = Leader.child(pid, descriptor, self._ended)
        assert self._record is not None
        cannot = self._write(replace(self._record, phase=phase, pid=pid, start_time=self._leader.start_time))
        if cannot is not None:
            self.kill_now()  # what cannot be remembered must not go on
        return cannot

    def note_started(self) -> Cannot | None:
        """Remember that the start succeeded. Answers why it could not be written down."""
        return self._note(Phase.STARTED)

    def note_stopping(self) -> Cannot | None:
        """Remember that a stop began. Answers why it could not be written down."""
        return self._note(Phase.STOPPING)

    def forget(self) -> Cannot | None:
        """Remember nothing: it is certain that nothing runs. Answers why the record could not be removed."""
        try:
            records.remove(self._path)
        except OSError as error:
            return Cannot(Obstacle.RECORD, str(error))
        self._remove_cgroup()
        self._record = None
        self.damage = ""
        return None

    async def wait(self, timeout_ms: int) -> Ending | None:
        """How the launched process ended; None when it still runs after that time."""
        return await self._leader.wait(timeout_ms) if self._leader is not None else self.last_ending

    async def living(self) -> tuple[int, ...]:
        """The ids of all its processes, by every sign there is: also of a launch whose record is lost."""
        return tuple(process.pid for process in await self._kin().living())

    async def end(self, signal_number: int, grace_ms: int, timeout_ms: int) -> tuple[int, ...]:
        """End all its processes: gently, then after `grace_ms` by SIGKILL. Those left over; empty when surely none."""
        return await self._kin().end(signal_number, grace_ms, timeout_ms)

    def kill_now(self) -> None:
        """SIGKILL to all that can be found at once. For a start that is broken off; only `end` makes certain."""
        self._kin().kill_now()

    async def end_launched(self, timeout_ms: int) -> bool:
        """SIGKILL to the launched process and its process group, and to nobody else. True when it has ended."""
        if self._leader is None or not self._leader.alive:
            return True
        self._leader.kill_group()
        return await self._leader.wait(timeout_ms) is not None

    async def run(self, program: Program, timeout_ms: int) -> Ran:
        """Run a script of this application beside it; its output goes to the application's log."""
        return await self._door.run(program, timeout_ms, self.log)

    def release(self) -> None:
        """Follow the process no longer; it goes on."""
        if self._leader is not None:
            self._leader.release()

    async def tend_log(self) -> None:
        """Bring the log back within its bound."""
        try:
            await self.log.trim()
        except OSError as error:
            self.log_problem = str(error)

    def _load(self) -> None:
        try:
            self._record = records.read(self._path, self._owner, self._door.boot)
        except (RecordDamaged, OSError) as error:
            self.damage = str(error)
            return
        if self._record is not None:
            self._leader = Leader.adopted(self._record.pid, self._record.start_time, self._ended)

    def _kin(self) -> Kin:
        return Kin(f"{_MARK}={self._owner}/", self._leader, self._cgroup())

    def _cgroup(self) -> Cgroup | None:
        return Cgroup(Path(self._record.cgroup)) if self._record is not None and self._record.cgroup else None

    def _remove_cgroup(self) -> None:
        cgroup = self._cgroup()
        if cgroup is not None:
            cgroup.remove()

    def _ended(self, ending: Ending) -> None:
        self._last = ending
        if self.on_end is not None:
            self.on_end(ending)

    def _note(self, phase: Phase) -> Cannot | None:
        if self._record is None:
            return None
        return self._write(replace(self._record, phase=phase))

    def _write(self, record: Record) -> Cannot | None:
        try:
            records.write(self._path, record)
        except OSError as error:
            return Cannot(Obstacle.RECORD, str(error))
        self._record = record
        self.damage = ""
        return None

    def _open_log(self) -> int | None:
        """An application is worth more than its log: without one it runs all the same."""
        try:
            descriptor = self.log.open()
        except OSError as error:
            self.log_problem = str(error)
            return None
        self.log_problem = ""
        return descriptor


class Processes:
    """Starts, follows, adopts and ends the processes of this node."""

    def __init__(
        self,
        run_directory: Path = RUN_DIRECTORY,
        log_directory: Path = LOG_DIRECTORY,
        *,
        with_cgroups: bool = True,
        log_visit_ms: int = _LOG_VISIT_MS,
    ) -> None:
        """`with_cgroups` False: as on a host without writable control groups. `log_visit_ms`: between looks at logs."""
        self.run_directory = run_directory
        self.boot = proc.boot_id()
        self._log_directory = log_directory
        self._log_visit_ms = log_visit_ms
        self._cgroup = cgroups.here() if with_cgroups else None
        self._accounts: dict[tuple[str, str], Account] = {}
        self._applications: dict[str, Application] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._tender: asyncio.Task[None] | None = None

    @property
    def contains(self) -> bool:
        """True when every child of an application is caught in a control group; else marks alone must do."""
        return self._cgroup is not None

    def program(
        self,
        argv: tuple[str, ...],
        environment: dict[str, str] | None = None,
        directory: str = "/",
        user: str = "",
        group: str = "",
    ) -> Program:
        """A program to start, in words of `Program`."""
        return Program(argv, environment or {}, directory, user, group)

    def log(self, name: str, bytes_max: int) -> BoundedLog:
        """The log of that name in the directory of logs. Raises ValueError for a name with a slash."""
        if "/" in name:
            raise ValueError(name)
        return BoundedLog(self._log_directory / f"{name}.log", bytes_max)

    def application(self, cluster: str, node: str, group: str, resource: str, log_bytes: int) -> Application:
        """The application of a resource: one object per resource, however often it is asked for.

        The first time its record is read and a living process adopted. Needs a running event loop.
        """
        owner = f"{cluster}/{node}/{group}/{resource}"
        known = self._applications.get(owner)
        # "@" stands in no name: with a dot, `a.b` of group `c` and `b` of group `c.a` could share a record.
        name = f"{group}@{resource}"
        if known is None:
            known = self._applications[owner] = Application(self, owner, name, self.log(name, log_bytes))
        known.log.bytes_max = log_bytes
        if self._tender is None:
            self._tender = asyncio.get_running_loop().create_task(self._tend_logs())
        return known

    async def ready(self, program: Program) -> Cannot | None:
        """What would keep the program from starting, as far as that can be seen; None when nothing would."""
        runs_as = await self.account_for(program)
        return runs_as if isinstance(runs_as, Cannot) else None

    async def run(self, program: Program, timeout_ms: int, log: BoundedLog | None = None) -> Ran:
        """Run a program to its end. In time: what it left running goes on (a daemon that it started). Not in time, or
        cancelled: it is killed with all that it started.
        """
        runs_as = await self.account_for(program)
        if isinstance(runs_as, Cannot):
            return Ran(cannot=runs_as)
        nonce = secrets.token_hex(8)
        descriptor, position = None, 0
        if log is not None:
            with suppress(OSError):  # a script is worth more than its output; the caller sees that there is none
                position, descriptor = log.size(), log.open()
        try:
            pid, pidfd = spawn(program, runs_as, {_RUN_MARK: nonce}, None, descriptor)
        except OSError as error:
            return Ran(cannot=Cannot(Obstacle.SYSTEM, str(error)))
        finally:
            _close(descriptor)
        leader = Leader.child(pid, pidfd, _unheard)
        kin = Kin(f"{_RUN_MARK}={nonce}", leader)
        try:
            ending = await leader.wait(timeout_ms)
            left = () if ending is not None else await kin.end(signal.SIGKILL, 0, _KILL_TIMEOUT_MS)
        except asyncio.CancelledError:
            kin.kill_now()
            self._beside(kin.end(signal.SIGKILL, 0, _KILL_TIMEOUT_MS))
            raise
        output = log.tail(position) if log is not None and descriptor is not None else ""
        return Ran(ending=ending, output=output, left=left)

    def close(self) -> None:
        """Let go of everything; applications go on. A script under way ends when its `run` is cancelled."""
        for task in (*self._tasks, *((self._tender,) if self._tender else ())):
            task.cancel()
        for application in self._applications.values():
            application.release()
        self._applications.clear()

    async def account_for(self, program: Program) -> Account | Cannot:
        """The account a program runs as, remembered after the first lookup; or what keeps the program from starting."""
        cannot = obstacle(program)
        if cannot is not None:
            return cannot
        if not program.user:
            return own_account()
        key = (program.user, program.group)
        if key not in self._accounts:
            found = await account(program)
            if isinstance(found, Cannot):
                return found
            self._accounts[key] = found
        return self._accounts[key]

    def new_cgroup(self, name: str) -> Cgroup | None:
        """A control group for one launch; None where none can be made."""
        if self._cgroup is None:
            return None
        group = Cgroup(self._cgroup.path / name)
        try:
            group.make()
        except OSError:
            return None  # the mark in the environment must do
        return group

    def _beside(self, work: Coroutine[object, object, object]) -> None:
        """Finish something that nobody waits for any more."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tend_logs(self) -> None:
        """Keep every log within its bound, for as long as the daemon runs."""
        while True:
            await asyncio.sleep(self._log_visit_ms / 1000)
            for application in tuple(self._applications.values()):
                await application.tend_log()


def _unheard(_: Ending) -> None:
    """Somebody waits for the end of a script by itself."""


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
