"""One attempt with a deadline: whatever a type does, there is an outcome in time, and one of three."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, unknown

EXTRA_MS = 500
"The type knows its deadline and speaks first, in better words; this much later its word is no longer waited for."
CANCEL_MS = 2_000
"How long a type may take to let go after it was cancelled."

_log = logging.getLogger(__name__)


class Lane:
    """One resource's attempts, strictly one after the other, in the order in which they were asked for."""

    def __init__(self) -> None:
        """Free."""
        self._turn = asyncio.Lock()
        self._left_over: asyncio.Task[Outcome] | None = None

    async def attempt(
        self,
        work: Callable[[], Coroutine[Any, Any, Outcome]],
        timeout_ms: int,
        *,
        timed_out: Said,
        defect: Said,
        busy: Said,
    ) -> Outcome:
        """The outcome of the work. Its time begins when its turn comes.

        `timed_out`, `defect` and `busy` say what an unknown outcome is due to: no answer in time, an exception, or an
        earlier attempt that did not even end when it was cancelled.
        """
        async with self._turn:
            if self._left_over is not None and not self._left_over.done():
                return unknown(busy)
            self._left_over = None
            task = asyncio.get_running_loop().create_task(work())
            try:
                await asyncio.wait({task}, timeout=(timeout_ms + EXTRA_MS) / 1000)
                if not task.done():
                    task.cancel()
                    await asyncio.wait({task}, timeout=CANCEL_MS / 1000)
            except asyncio.CancelledError:
                task.cancel()
                raise
            if not task.done():
                self._left_over = task
                task.add_done_callback(_note_late_end)
                return unknown(timed_out, f"no answer after {timeout_ms} ms, and it does not end when cancelled")
            return _outcome(task, timeout_ms, timed_out, defect)


def _outcome(task: asyncio.Task[Outcome], timeout_ms: int, timed_out: Said, defect: Said) -> Outcome:
    if task.cancelled():
        return unknown(timed_out, f"no answer after {timeout_ms} ms")
    error = task.exception()
    if error is None:
        return task.result()
    detail = "".join(traceback.format_exception(error))
    _log.error("%s\n%s", defect.en, detail)
    return unknown(defect, detail)


def _note_late_end(task: asyncio.Task[Outcome]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("an attempt that was given up ended with %r", task.exception())


ACTIVATION_TIMEOUT = Message(
    "KM5110",
    "Activating {name} resource has failed.(6 : Timeout occurred.)",
    "リソース {name} の活性に失敗しました。(6 : タイムアウトが発生しました。)",
    "error",
)
ACTIVATION_DEFECT = Message(
    "KM5111",
    "Activating {name} resource has failed.(99 : Internal error. (status=3))",
    "リソース {name} の活性に失敗しました。(99 : 内部エラーが発生しました。(status=3))",
    "error",
)
DEACTIVATION_TIMEOUT = Message(
    "KM5112",
    "Deactivating {name} resource has failed.(6 : Timeout occurred.)",
    "リソース {name} の非活性に失敗しました。(6 : タイムアウトが発生しました。)",
    "error",
)
DEACTIVATION_DEFECT = Message(
    "KM5113",
    "Deactivating {name} resource has failed.(99 : Internal error. (status=3))",
    "リソース {name} の非活性に失敗しました。(99 : 内部エラーが発生しました。(status=3))",
    "error",
)
MONITOR_TIMEOUT = Message(
    "KM5114",
    "Warn monitoring {name}. (106 : Timeout occurred.)",
    "監視 {name} は警告の状態です。(106 : タイムアウトが発生しました。)",
    "warning",
)
MONITOR_DEFECT = Message(
    "KM5115",
    "Warn monitoring {name}. (199 : Internal error. (status=3))",
    "監視 {name} は警告の状態です。(199 : 内部エラーが発生しました。(status=3))",
    "warning",
)
READINESS_TIMEOUT = Message(
    "KM5116",
    "It is not known whether {name} resource could be activated on this node.(106 : Timeout occurred.)",
    "このノードでリソース {name} を活性できるかどうか確認できません。(106 : タイムアウトが発生しました。)",
    "warning",
)
READINESS_DEFECT = Message(
    "KM5117",
    "It is not known whether {name} resource could be activated on this node.(199 : Internal error. (status=3))",
    "このノードでリソース {name} を活性できるかどうか確認できません。(199 : 内部エラーが発生しました。(status=3))",
    "warning",
)
PROBE_TIMEOUT = Message(
    "KM5118",
    "It could not be found out in time whether {name} runs on this node.",
    "このノードで {name} が動作しているかどうかを時間内に確認できませんでした。",
    "warning",
)
PROBE_DEFECT = Message(
    "KM5119",
    "It could not be found out whether {name} runs on this node: internal error (status=3).",
    "このノードで {name} が動作しているかどうかを確認できませんでした: 内部エラー (status=3)",
    "error",
)
STILL_AT_WORK = Message(
    "KM5120",
    "An earlier attempt on {name} does not end: nothing new is tried before it has. Restart komainud on this node if "
    "this lasts.",
    "{name} に対する以前の処理が終了しません。終了するまで新たな処理は行いません。"
    "続く場合はこのノードの komainud を再起動してください。",
    "error",
)
SIMULATED = Message(
    "KM5123",
    "Detected an error in monitoring {name}. (98 : A simulated failure: verification mode is on.)",
    "監視 {name} は異常を検出しました。(98 : 疑似障害です。検証モードが有効です。)",
    "error",
)
