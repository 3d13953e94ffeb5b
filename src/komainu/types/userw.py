"""`userw`: can this machine still schedule, allocate memory, start a thread and start a program (C6)?

What it can see: a stall that is over when the check runs, and what fails or takes too long now. A machine that stands
still for good cannot report it: then the other nodes miss the beats of its daemon and take it for lost, or, with
`watchdog_ms`, the watchdog resets it.
"""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types.aside import Aside
from komainu.types.budget import own

STOOD_STILL = Message(
    "KM4801",
    "Detected an error in monitoring {monitor}. (5 : User space stood still for {stall_ms} ms.)",
    "監視 {monitor} は異常を検出しました。(5 : ユーザ空間が {stall_ms} ミリ秒間停止していました。)",
    "error",
)
TOO_SLOW = Message(
    "KM4802",
    "Detected an error in monitoring {monitor}. (6 : Timeout occurred. A program was not started and ended within "
    "{limit_ms} ms.)",
    "監視 {monitor} は異常を検出しました。(6 : タイムアウトが発生しました。プログラムが {limit_ms} ミリ秒以内に終了"
    "しません。)",
    "error",
)
NO_PROCESS = Message(
    "KM4803",
    "Detected an error in monitoring {monitor}. (7 : A program cannot be started: {text})",
    "監視 {monitor} は異常を検出しました。(7 : プログラムを開始できません: {text})",
    "error",
)
NO_THREAD = Message(
    "KM4804",
    "Detected an error in monitoring {monitor}. (8 : A thread cannot be started: {text})",
    "監視 {monitor} は異常を検出しました。(8 : スレッドを開始できません: {text})",
    "error",
)
NO_MEMORY = Message(
    "KM4805",
    "Detected an error in monitoring {monitor}. (9 : {kib} KiB of memory cannot be allocated.)",
    "監視 {monitor} は異常を検出しました。(9 : メモリ {kib} KiB を確保できません。)",
    "error",
)
STOOD_STILL_A_WHILE = Message(
    "KM4811",
    "Warn monitoring {monitor}. (105 : User space stood still for {stall_ms} ms.)",
    "監視 {monitor} は警告の状態です。(105 : ユーザ空間が {stall_ms} ミリ秒間停止していました。)",
    "warning",
)
NO_WATCHDOG = Message(
    "KM4812",
    "Warn monitoring {monitor}. (110 : No watchdog guards this node: {text}. Set `watchdog_ms` to 0, or provide a "
    "watchdog device.)",
    "監視 {monitor} は警告の状態です。(110 : このノードではウォッチドッグを使用できません: {text}。`watchdog_ms` を"
    " 0 にするか、ウォッチドッグデバイスを用意してください。)",
    "warning",
)

TOO_TIGHT = Message(
    "KM4821",
    "`watchdog_ms` is {watchdog_ms}: this machine would be reset before it has had a chance. Give at least {least_ms}, "
    "or 0 for no watchdog.",
    "`watchdog_ms` が {watchdog_ms} では、正常なマシンまでリセットされます。{least_ms} 以上、またはウォッチドッグを使わ"
    "ない場合は 0 を指定してください。",
    "error",
)

_PROGRAM: Final = ("/bin/true",)
_PAGE: Final = 4_096
_END_MS: Final = 2_000
_WATCHDOG_LEAST_MS: Final = 10_000
_WATCHDOG_BEATS: Final = 5
"A watchdog bears so many missed beats at least."


class UserwParams(BaseModel):
    """How closely user space is watched."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    beat_ms: int = Field(
        default=1_000, ge=50, le=60_000, json_schema_extra=ja("監視スレッドが自身の遅れを測る間隔（ミリ秒）。")
    )
    "How often the watching thread measures its own delay."
    memory_kib: int = Field(
        default=1_024, ge=0, le=65_536, json_schema_extra=ja("監視スレッドが毎回確保して書き込むメモリ量（KiB）。")
    )
    "How much memory that thread allocates and writes to each time."
    start_program: bool = Field(
        default=True, json_schema_extra=ja("監視のたびにプログラム（/bin/true）を 1 つ実行する。")
    )
    "Whether each check starts a program (/bin/true)."
    watchdog_ms: int = Field(
        default=0,
        ge=0,
        le=3_600_000,
        json_schema_extra=ja(
            "0 以外なら、監視スレッドまたはデーモンがこの時間（ミリ秒）動けないとウォッチドッグがマシンをリセットする。"
        ),
    )
    "Unless it is 0: when the watching thread or the daemon cannot run for so long, the watchdog resets this machine."

    @model_validator(mode="after")
    def _bears_a_delay(self) -> Self:
        least_ms = max(_WATCHDOG_LEAST_MS, _WATCHDOG_BEATS * self.beat_ms)
        if 0 < self.watchdog_ms < least_ms:
            raise Refused(TOO_TIGHT.said(watchdog_ms=self.watchdog_ms, least_ms=least_ms))
        return self


class _Beat:
    """The watching thread: it measures how much later than planned it runs, and pats the watchdog."""

    def __init__(self, params: UserwParams, host: MonitorHost, patted: bool) -> None:
        """Starts at once. Raises RuntimeError when no thread can be started. Needs a running loop."""
        self._params = params
        self._watchdog = host.watchdog if patted else None
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._due_ms = _now_ms() + params.beat_ms
        self._worst_ms = 0
        self._answered = True
        self.out_of_memory = False
        self._thread = threading.Thread(target=self._run, name=f"beat of {host.monitor}", daemon=True)
        self._thread.start()

    def worst_ms(self) -> int:
        """The longest delay since this was last asked, one that is going on included."""
        worst_ms, self._worst_ms = max(self._worst_ms, _now_ms() - self._due_ms), 0
        return worst_ms

    def stop(self) -> None:
        """End the thread; it cannot be told when the kernel holds it."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the end of the thread, but not for ever. Blocks."""
        self._thread.join(_END_MS / 1000)

    def _run(self) -> None:
        beat_ms = self._params.beat_ms
        while not self._stop.wait(max(0, self._due_ms - _now_ms()) / 1000):
            self._touch_memory()
            now_ms = _now_ms()
            self._worst_ms = max(self._worst_ms, now_ms - self._due_ms)
            self._due_ms = now_ms + beat_ms
            if self._watchdog is not None and self._answered:
                self._watchdog.pat()
                self._ask_loop()

    def _touch_memory(self) -> None:
        try:
            memory = bytearray(self._params.memory_kib * 1024)
            memory[::_PAGE] = b"\1" * len(memory[::_PAGE])
            self.out_of_memory = False
        except MemoryError:
            self.out_of_memory = True

    def _ask_loop(self) -> None:
        """The watchdog is patted for the daemon as well: its loop has to have answered since the last time."""
        self._answered = False
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:
            self._stop.set()  # the daemon has ended

    def _answer(self) -> None:
        self._answered = True


class Userw:
    """The user space of one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: UserwParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._beat: _Beat | None = None
        self._no_thread = ""
        self._no_watchdog = ""
        self._aside: Aside[None] = Aside(f"thread for {host.monitor}")

    async def begin(self) -> None:
        """Start the watching thread, and arm the watchdog if it is wished."""
        if self._beat is not None:
            return
        self._no_watchdog = self._arm()
        try:
            self._beat = _Beat(self._params, self._host, bool(self._params.watchdog_ms) and not self._no_watchdog)
        except RuntimeError as error:
            self._no_thread = str(error)
            self._disarm()

    async def check(self, timeout_ms: int) -> Outcome:
        """FAILED when user space stood still for longer than the timeout, or cannot do what it has to do now."""
        limit_ms = own(timeout_ms)
        if self._beat is None:
            await self.begin()
        if self._beat is None:
            return failed(self._said(NO_THREAD, text=self._no_thread))
        stall_ms = self._beat.worst_ms()
        if stall_ms > timeout_ms:
            return failed(self._said(STOOD_STILL, stall_ms=stall_ms))
        if self._beat.out_of_memory:
            return failed(self._said(NO_MEMORY, kib=self._params.memory_kib))
        trouble = await self._start_something(limit_ms)
        if trouble is not None:
            return trouble
        if self._no_watchdog:
            return Outcome(Result.SUCCEEDED, self._said(NO_WATCHDOG, text=self._no_watchdog))
        if stall_ms > timeout_ms // 2:
            return Outcome(Result.SUCCEEDED, self._said(STOOD_STILL_A_WHILE, stall_ms=stall_ms))
        return SUCCEEDED

    async def end(self) -> None:
        """End the thread and let go of the watchdog."""
        beat, self._beat = self._beat, None
        if beat is None:
            return
        beat.stop()
        self._disarm()
        # It was told to stop, and nobody heeds it any more: a machine without a thread to wait in need not wait.
        with suppress(TimeoutError, OSError):
            await Aside[None](f"end of {self._host.monitor}").do(beat.join, _END_MS)

    async def _start_something(self, limit_ms: int) -> Outcome | None:
        try:
            await self._aside.do(lambda: None, limit_ms)
        except TimeoutError:
            return failed(self._said(STOOD_STILL, stall_ms=limit_ms))
        except OSError as error:
            return failed(self._said(NO_THREAD, text=str(error)))
        if not self._params.start_program:
            return None
        processes = self._host.processes
        ran = await processes.run(processes.program(_PROGRAM), limit_ms)
        if ran.cannot is not None:
            return failed(self._said(NO_PROCESS, text=ran.cannot.text))
        return failed(self._said(TOO_SLOW, limit_ms=limit_ms)) if ran.timed_out else None

    def _arm(self) -> str:
        """Why the watchdog does not guard this node; empty when it does, or need not."""
        if not self._params.watchdog_ms:
            return ""
        if self._host.watchdog is None:
            return "there is none"
        try:
            self._host.watchdog.arm(self._params.watchdog_ms)
        except OSError as error:
            return str(error)
        return ""

    def _disarm(self) -> None:
        if self._params.watchdog_ms and not self._no_watchdog and self._host.watchdog is not None:
            self._host.watchdog.disarm()

    def _said(self, message: Message, **more: str | int) -> Said:
        return message.said(monitor=self._host.monitor, **more)


def _now_ms() -> int:
    """A machine that was put to sleep has not stood still: this clock does not count that time."""
    return time.monotonic_ns() // 1_000_000


USERW = MonitorType(
    name="userw",
    title=Message("KM3029", "User space monitor", "ユーザ空間モニタ"),
    description=Message(
        "KM3030",
        "Looks whether user space is stalled: a thread measures its own delay, and each check starts a thread and a "
        "program.",
        "ユーザ空間のストールを監視する。スレッドが自身の遅れを測り、監視のたびにスレッドとプログラムを開始する。",
    ),
    params=UserwParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=30_000, timeout_ms=90_000),
    messages=(*(STOOD_STILL, TOO_SLOW, NO_PROCESS, NO_THREAD, NO_MEMORY, STOOD_STILL_A_WHILE, NO_WATCHDOG, TOO_TIGHT),),
    make=Userw,
)
