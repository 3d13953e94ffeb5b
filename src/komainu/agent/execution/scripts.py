"""Scripts of the administrator: around the start and the stop of a resource (C4), and before a step of recovery (C6).

Each runs to its end, or is killed with all that it has started. Its output goes to a bounded log of its own, and what
it wrote last into the detail of what is told when it did not succeed.
"""

import logging
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Literal

from komainu.agent.execution.hands import Hand
from komainu.model.config import Cluster, Monitor
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, failed
from komainu.types.command import signal_name

LOG_BYTES = 262_144
"The most that is kept of the output of one resource's or one monitor's scripts."
KILL_MS = 2_500
"After its time a script is killed, and that is waited for, for so long."

BY_CODE = Message(
    "KM5141",
    "The script `{script}` ({event} of {name}) ended with exit code {code} on {node}. Its last output is in the "
    "detail.",
    "{node} でスクリプト `{script}`（{name} の {event}）が終了コード {code} で終了しました。最後の出力は詳細を参照して"
    "ください。",
    "warning",
)
BY_SIGNAL = Message(
    "KM5142",
    "The script `{script}` ({event} of {name}) was ended by signal {signal} on {node}. Its last output is in the "
    "detail.",
    "{node} でスクリプト `{script}`（{name} の {event}）がシグナル {signal} で終了しました。最後の出力は詳細を参照して"
    "ください。",
    "warning",
)
TIMEOUT = Message(
    "KM5143",
    "The script `{script}` ({event} of {name}) did not end within {limit_ms} ms on {node}; it was killed with all that "
    "it had started. Give it more time, or see in the detail what it waited for.",
    "{node} でスクリプト `{script}`（{name} の {event}）が {limit_ms} ミリ秒以内に終わらなかったため、起動したもの"
    "すべてとともに強制終了しました。時間を延ばすか、何を待っていたかを詳細で確認してください。",
    "warning",
)
CANNOT = Message(
    "KM5144",
    "The script `{script}` ({event} of {name}) cannot be started on {node}: {text}. Correct the path, and make the "
    "file executable.",
    "{node} でスクリプト `{script}`（{name} の {event}）を開始できません（{text}）。パスを直し、実行権限を付けて"
    "ください。",
    "warning",
)
DEFECT = Message(
    "KM5146",
    "Whether the script of {name} for {event} did its work on {node} is not known: internal error (status=3).",
    "{node} で {name} の {event} のスクリプトが実行されたかどうか不明です: 内部エラー (status=3)",
    "error",
)
NOT_ACTIVATED = Message(
    "KM5145",
    "Activating {name} resource has failed.(9 : The script before the start did not succeed.)",
    "リソース {name} の活性に失敗しました。(9 : 活性前スクリプトが正常に終了しませんでした。)",
    "error",
)

Event = Literal["before_start", "after_start", "before_stop", "after_stop"]

_log = logging.getLogger(__name__)


class Scripts:
    """Runs them on this node."""

    def __init__(self, me: str, processes: Any, cluster: Callable[[], Cluster]) -> None:
        """`processes` is the door to processes (`komainu.adapters.linux.processes.Processes`).

        `cluster` gives the configuration that holds.
        """
        self._me = me
        self._processes = processes
        self._cluster = cluster

    async def of_resource(self, hand: Hand, event: Event) -> Outcome:
        """Run the script of a resource for that event.

        SUCCEEDED or FAILED: what it was killed in the middle of has not been done.
        """
        scripts, names = hand.resource.scripts, {"event": event, "name": hand.resource.name}
        variables = {"KOMAINU_GROUP": hand.group.name, "KOMAINU_RESOURCE": hand.resource.name, "KOMAINU_EVENT": event}
        log = f"{hand.group.name}@{hand.resource.name}@scripts"
        return await self._run(getattr(scripts, event), scripts.timeout_ms, names, variables, log)

    async def before_recovery(self, name: str) -> Outcome:
        """Run the pre-recovery script of a monitor. SUCCEEDED, too, when it has none by now."""
        monitor = self.monitor(name)
        if monitor is None or not monitor.recovery.script:
            return SUCCEEDED
        recovery, names = monitor.recovery, {"event": "recovery", "name": name}
        variables = {"KOMAINU_MONITOR": name, "KOMAINU_EVENT": "recovery"}
        if recovery.target.group:
            variables["KOMAINU_GROUP"] = recovery.target.group
        if recovery.target.resource:
            variables["KOMAINU_RESOURCE"] = recovery.target.resource
        return await self._run(recovery.script, recovery.script_timeout_ms, names, variables, f"@{name}@recovery")

    def monitor(self, name: str) -> Monitor | None:
        """The monitor of that name, as it is configured now."""
        return next((monitor for monitor in self._cluster().monitors if monitor.name == name), None)

    async def _run(
        self, script: str, timeout_ms: int, names: Mapping[str, str], variables: Mapping[str, str], log_name: str
    ) -> Outcome:
        told = {**names, "script": script, "node": self._me}
        try:
            words = tuple(shlex.split(script))
        except ValueError as error:
            return failed(CANNOT.said(**told, text=str(error)))
        if not words:
            return failed(CANNOT.said(**told, text="it names no program"))
        environment = {"KOMAINU_CLUSTER": self._cluster().name, "KOMAINU_NODE": self._me, **variables}
        log = self._processes.log(log_name, LOG_BYTES)
        ran = await self._processes.run(self._processes.program(words, environment), timeout_ms, log)
        try:
            await log.trim()
        except FileNotFoundError:
            _log.debug("%s has written nothing yet", log_name)
        except OSError as error:
            _log.warning("the log %s cannot be kept within its bound: %s", log_name, error)
        if ran.cannot is not None:
            return failed(CANNOT.said(**told, text=ran.cannot.text))
        if ran.timed_out:
            return failed(TIMEOUT.said(**told, limit_ms=timeout_ms), ran.output)
        if ran.ending.code is None:
            return failed(BY_SIGNAL.said(**told, signal=signal_name(ran.ending.signal)), ran.output)
        return SUCCEEDED if ran.ending.code == 0 else failed(BY_CODE.said(**told, code=ran.ending.code), ran.output)
