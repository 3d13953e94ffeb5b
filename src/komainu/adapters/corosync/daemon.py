"""The corosync of this machine: its two files, its start and stop, and its death noticed at once.

A stall is not seen from here: whoever times the delivery of its own messages says so by calling `restart`.
"""

import asyncio
import fcntl
import logging
import os
import signal
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from komainu.adapters.corosync.conf import AUTHKEY_PATH, CONF_PATH, LOG_PATH, corosync_conf
from komainu.adapters.files import durable
from komainu.model.config import Cluster
from komainu.model.message import Message, Said

UNIT = "corosync.service"
RELOAD = ("corosync-cfgtool", "-R")
START_TIMEOUT_MS = 60_000
"Until it runs; it may have to wait for the name service. It forms a ring after that, and the bus connects by itself."
STOP_TIMEOUT_MS = 10_000
"For a clean leave; it takes about a second."
KILL_TIMEOUT_MS = 5_000
LOOK_AGAIN_MS = 10
LOG_BYTES_READ = 65_536
FIRST_BACKOFF_MS = 500
LONGEST_BACKOFF_MS = 30_000
STEADY_MS = 60_000
"After it ran so long a further death is a new story: the wait before the restart begins again at the shortest."

NOT_INSTALLED = Message(
    "KM2201",
    "Corosync cannot be started ({reason}): install it with `apt-get install corosync`.",
    "corosync を起動できません ({reason})。`apt-get install corosync` でインストールしてください。",
    "error",
)
START_FAILED = Message(
    "KM2202",
    "Corosync did not start ({reason}): this node cannot take part in the cluster. Check that the interconnect address "
    "of this node is on this machine; see {log}.",
    "corosync が起動しませんでした ({reason})。このノードはクラスタに参加できません。このノードのインタコネクトの"
    "アドレスがこのマシンに設定されているか、また {log} を確認してください。",
    "error",
)
DIED = Message(
    "KM2203",
    "Corosync ended unexpectedly: the other nodes take this node for lost. It is started again in {wait_ms} ms; "
    "if this comes back, see {log}.",
    "corosync が異常終了しました。他のノードからは通信不能とみなされます。{wait_ms} ミリ秒後に"
    "再起動します。繰り返し発生する場合は {log} を確認してください。",
    "error",
)
RESTARTED = Message("KM2204", "Corosync runs again.", "corosync を再起動しました。", "info")
WILL_NOT_END = Message(
    "KM2205",
    "Corosync (pid {pid}) does not end even when killed: it hangs in the kernel or is frozen. Thaw it, or restart this "
    "machine.",
    "corosync (pid {pid}) を強制終了できません。カーネル内で停止しているか、凍結されています。"
    "凍結を解除するか、このマシンを再起動してください。",
    "error",
)

NOT_READ_AGAIN = Message(
    "KM2206",
    "Corosync did not read its changed file ({reason}); see {log}.",
    "corosync が変更後の設定ファイルを読み込みませんでした ({reason})。{log} を確認してください。",
    "error",
)

_log = logging.getLogger(__name__)


class CorosyncTrouble(Exception):
    """Corosync could not be started or ended; `said` holds the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


@dataclass(frozen=True, slots=True)
class Places:
    """Where corosync looks for its files, and where systemd says that it runs the machine."""

    conf: Path = Path(CONF_PATH)
    authkey: Path = Path(AUTHKEY_PATH)
    lock: Path = Path("/run/corosync.pid")
    log: Path = Path(LOG_PATH)
    unread: Path = Path(f"{CONF_PATH}.unread")
    "There while the running corosync may not have read its file since that was changed."
    systemd: Path = Path("/run/systemd/system")


class CorosyncDaemon:
    """Keeps corosync running with this configuration, from `start` until `stop` or `close`.

    Where systemd is PID 1, corosync is its unit; else corosync puts itself into the background.
    """

    def __init__(self, report: Callable[[Said], None], places: Places | None = None) -> None:
        """`report` hears of every death and restart."""
        self._report = report
        self._places = places or Places()
        self._changing = asyncio.Lock()
        self._process: _Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self, cluster: Cluster, authkey: bytes) -> None:
        """Make it run with this configuration, and keep it running.

        One that runs with the same files already, for example after a restart of the daemon, is left alone. Raises
        CorosyncTrouble, ConfRefusedError, and OSError when a file cannot be written.
        """
        conf = corosync_conf(cluster).encode()
        places = self._places
        async with self._changing:
            self._watch_no_more()
            pid = running_pid(places.lock)
            if pid is not None and not await self._agrees(conf, authkey):
                # Stopped first: then the files always say what the running corosync was started with.
                await self._end(pid, kill=False)
                pid = None
            for path, content, mode in ((places.authkey, authkey, 0o400), (places.conf, conf, 0o644)):
                if not _holds(path, content):
                    durable.make_folder(path.parent, 0o755)
                    durable.replace(path, content, mode)
            if pid is None:
                pid = await self._launch()
                places.unread.unlink(missing_ok=True)
            self._keep(pid)

    async def _agrees(self, conf: bytes, authkey: bytes) -> bool:
        """Have the running one work with this; False when it has to be started anew for that."""
        places = self._places
        now = places.conf.read_bytes() if places.conf.exists() else b""
        if not _holds(places.authkey, authkey) or _fixed(now) != _fixed(conf):
            return False
        try:
            await self._take_over(conf)
        except CorosyncTrouble as trouble:
            _log.warning("%s", trouble.said.en)
            return False
        return True

    async def reload(self, cluster: Cluster) -> None:
        """Have the running one take over nodes, links and times without leaving the ring; start it if it does not run.

        Corosync has all nodes read their own files again, whichever node asks: so each writes its file and asks, and
        after the last of them all agree. A file that could not be taken over is put back, so that it always says what
        the running corosync works with. Raises as `start`.
        """
        conf = corosync_conf(cluster).encode()
        async with self._changing:
            await self._take_over(conf)

    async def _take_over(self, conf: bytes) -> None:
        places = self._places
        if _holds(places.conf, conf) and not places.unread.exists():
            return
        before = places.conf.read_bytes() if places.conf.exists() else conf
        durable.make_folder(places.conf.parent, 0o755)
        # Whoever dies in between leaves word that the running corosync has not read the file yet.
        durable.replace(places.unread, b"", 0o644)
        durable.replace(places.conf, conf, 0o644)
        try:
            # One that does not run will read its file when it starts.
            if running_pid(places.lock) is not None:
                await self._run(RELOAD, trouble=NOT_READ_AGAIN)
        except CorosyncTrouble:
            durable.replace(places.conf, before, 0o644)
            raise
        finally:
            places.unread.unlink(missing_ok=True)

    async def restart(self) -> None:
        """Kill it and start it at once: for a corosync that stands still. Raises CorosyncTrouble.

        When that fails it is tried again and again, as after a death.
        """
        async with self._changing:
            self._watch_no_more()
            pid = running_pid(self._places.lock)
            try:
                if pid is not None:
                    await self._end(pid, kill=True)
                    pid = None
                pid = await self._launch()
            except OSError as error:
                raise CorosyncTrouble(START_FAILED.said(reason=str(error), log=str(self._places.log))) from error
            finally:
                self._keep(pid)
        self._report(RESTARTED.said())

    async def stop(self) -> None:
        """Let it leave the ring and end. Raises CorosyncTrouble when it does not end even by force."""
        async with self._changing:
            self._watch_no_more()
            pid = running_pid(self._places.lock)
            if pid is not None:
                await self._end(pid, kill=False)

    async def close(self) -> None:
        """Look after it no more, and leave it running."""
        async with self._changing:
            self._watch_no_more()

    # --- keeping it running ---

    def _keep(self, pid: int | None) -> None:
        """Watch the process from now on; None: it does not run, begin with a wait."""
        self._process = _Process(pid) if pid is not None else None
        self._keeper = asyncio.create_task(self._keep_running(), name="corosync daemon")
        self._keeper.add_done_callback(_ended)

    def _watch_no_more(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        if self._process is not None:
            self._process.close()
            self._process = None

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        backoff_ms = FIRST_BACKOFF_MS
        while True:
            if self._process is not None:
                since = loop.time()
                await self._process.ended.wait()
                if (loop.time() - since) * 1000 >= STEADY_MS:
                    backoff_ms = FIRST_BACKOFF_MS
                self._report(DIED.said(wait_ms=backoff_ms, log=str(self._places.log)))
            await asyncio.sleep(backoff_ms / 1000)
            backoff_ms = min(backoff_ms * 2, LONGEST_BACKOFF_MS)
            async with self._changing:
                if self._process is not None:
                    self._process.close()
                    self._process = None
                try:
                    self._process = _Process(running_pid(self._places.lock) or await self._launch())
                except CorosyncTrouble as trouble:
                    self._report(trouble.said)
                    continue
                except OSError as error:  # no descriptors left, a full disk: it may pass
                    self._report(START_FAILED.said(reason=str(error), log=str(self._places.log)))
                    continue
            self._report(RESTARTED.said())

    # --- starting and ending ---

    async def _launch(self) -> int:
        """Start it and wait until it holds its lock; returns its pid."""
        places = self._places
        places.log.parent.mkdir(parents=True, exist_ok=True)
        if self._under_systemd():
            # The pace of restarts is ours: systemd's own limit (5 in 10 s) would refuse the next one.
            await self._run(("systemctl", "reset-failed", UNIT), may_fail=True)
            # Not `start`: systemd may not have noticed yet that the one before it died, and would do nothing.
            await self._run(("systemctl", "restart", UNIT))
        else:
            await self._run(("corosync",))
        try:
            async with asyncio.timeout(START_TIMEOUT_MS / 1000):
                while (pid := running_pid(places.lock)) is None:
                    await asyncio.sleep(LOOK_AGAIN_MS / 1000)
        except TimeoutError:
            reason = f"it does not run {START_TIMEOUT_MS} ms after its start"
            raise CorosyncTrouble(START_FAILED.said(reason=reason, log=str(places.log))) from None
        return pid

    async def _run(self, command: Sequence[str], may_fail: bool = False, trouble: Message = START_FAILED) -> None:
        logged_before = self._log_size()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                # A signal to the daemon's process group is no business of corosync's.
                start_new_session=True,
                # It looks up the names of this machine's addresses before it compares them: not for long.
                env={**os.environ, "RES_OPTIONS": "timeout:1 attempts:1"},
            )
        except OSError as error:
            raise CorosyncTrouble(NOT_INSTALLED.said(reason=f"{command[0]}: {error.strerror}")) from error
        try:
            async with asyncio.timeout(START_TIMEOUT_MS / 1000):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            reason = f"`{' '.join(command)}` did not end within {START_TIMEOUT_MS} ms"
            raise CorosyncTrouble(trouble.said(reason=reason, log=str(self._places.log))) from None
        if process.returncode != 0 and not may_fail:
            why = self._first_error(logged_before) or said.decode(errors="replace").strip().rpartition("\n")[2]
            reason = f"`{' '.join(command)}` ended with {process.returncode}{': ' + why if why else ''}"
            raise CorosyncTrouble(trouble.said(reason=reason, log=str(self._places.log)))

    def _log_size(self) -> int:
        try:
            return self._places.log.stat().st_size
        except OSError:
            return 0

    def _first_error(self, offset: int) -> str:
        """What corosync logged as an error since then; it writes its reasons nowhere else."""
        try:
            with self._places.log.open(errors="replace") as log:
                log.seek(offset)
                lines = log.read(LOG_BYTES_READ).splitlines()
        except OSError:
            return ""
        return next((line.partition("] ")[2].partition("] ")[2] for line in lines if " error " in line), "")

    def _under_systemd(self) -> bool:
        return self._places.systemd.is_dir()

    async def _end(self, pid: int, kill: bool) -> None:
        """Ask it to end unless `kill`, then force it; certain when this returns."""
        process = _Process(pid)
        try:
            if not kill:
                if self._under_systemd():
                    await self._run(("systemctl", "stop", UNIT))
                else:
                    process.send(signal.SIGTERM)
                if await process.has_ended(STOP_TIMEOUT_MS):
                    return
                _log.warning("corosync (pid %d) does not stop within %d ms: it is killed", pid, STOP_TIMEOUT_MS)
            process.send(signal.SIGKILL)
            if not await process.has_ended(KILL_TIMEOUT_MS):
                raise CorosyncTrouble(WILL_NOT_END.said(pid=pid))
        finally:
            process.close()


class _Process:
    """A running process held by pidfd: its number may be used again, this handle still means the same one."""

    def __init__(self, pid: int) -> None:
        self.ended = asyncio.Event()
        self._fd: int | None = None
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.ended.set()
        else:
            asyncio.get_running_loop().add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        self.close()
        self.ended.set()

    def send(self, number: signal.Signals) -> None:
        if self._fd is not None:
            try:
                signal.pidfd_send_signal(self._fd, number)
            except ProcessLookupError:
                self._readable()

    async def has_ended(self, timeout_ms: int) -> bool:
        """Wait so long at most."""
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None


def running_pid(lock: Path) -> int | None:
    """The pid of the corosync that holds the lock file, or None.

    Whoever holds the lock lives; a file left behind by one that was killed says nothing. Raises OSError when the file
    exists and cannot be opened.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # struct flock: type, whence, start, length, pid.
        question = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return int(pid) if kind != fcntl.F_UNLCK and pid > 0 else None


def _fixed(conf: bytes) -> list[bytes]:
    """The lines that corosync reads only when it starts."""
    keys = (b"cluster_name:", b"transport:", b"link_mode:", b"crypto_", b"keyfile:")
    return [line for line in map(bytes.strip, conf.splitlines()) if line.startswith(keys)]


def _holds(path: Path, content: bytes) -> bool:
    """True when the file exists with exactly this content. Raises OSError when it cannot be read."""
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _ended(keeper: asyncio.Task[None]) -> None:
    if not keeper.cancelled():
        keeper.result()  # it ends by a defect only; the loop's exception handler tells of it
