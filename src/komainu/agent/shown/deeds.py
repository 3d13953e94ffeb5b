"""Every action in words: what is done, to what, where. Pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from komainu.model.actions import Action, AnswerCommand, ArmTimer, RaiseAlert
from komainu.model.message import Message, Said

START = Message("KM5441", "start {resource} on {node}", "{node} で {resource} を起動")
STOP = Message("KM5442", "stop {resource} on {node}", "{node} で {resource} を停止")
PROBE = Message("KM5443", "find out what runs on {node}", "{node} で動作しているものを確認")
FENCE = Message("KM5444", "fence {target} from {node}", "{node} から {target} を強制停止")
SCRIPT = Message(
    "KM5445", "run the script of monitor {monitor} on {node}", "{node} でモニタ {monitor} の回復動作前スクリプトを実行"
)
JUDGE = Message("KM5446", "judge the new configuration on {node}", "{node} で新しい構成情報を検査")
END = {
    "shutdown": Message(
        "KM5447", "shut the operating system of {node} down", "{node} の OS をシャットダウン", "warning"
    ),
    "reboot": Message("KM5448", "reboot the operating system of {node}", "{node} の OS を再起動", "warning"),
    "panic": Message("KM5449", "make the kernel of {node} panic", "{node} のカーネルをパニックさせる", "warning"),
    "reset": Message("KM5450", "reset {node} at once", "{node} を直ちにリセット", "warning"),
}
LEAVE = {
    "end": Message("KM5451", "{node} leaves the cluster, and its daemon ends", "{node} がクラスタを離脱しデーモン終了"),
    "stop": Message(
        "KM5452", "{node} leaves the cluster, and can be started again", "{node} がクラスタを離脱 (再開可能)"
    ),
    "shutdown": Message(
        "KM5453", "{node} leaves the cluster and shuts down", "{node} がクラスタを離脱しシャットダウン"
    ),
    "reboot": Message("KM5454", "{node} leaves the cluster and reboots", "{node} がクラスタを離脱し再起動"),
}

TOLD = (
    "StartResource", "StopResource", "ProbeNode", "FenceNode", "RunScript", "JudgeConfiguration", "EndNode",
    "LeaveCluster",
)  # fmt: skip
"""The kinds of actions that touch the world. The others arm timers and say things."""


def deed(kind: str, fields: Mapping[str, Any]) -> Said:
    """The action of that kind in words. Raises KeyError for a kind that is not in TOLD."""
    plain = {
        "StartResource": START,
        "StopResource": STOP,
        "ProbeNode": PROBE,
        "FenceNode": FENCE,
        "RunScript": SCRIPT,
        "JudgeConfiguration": JUDGE,
    }
    if kind == "EndNode":
        message = END[fields["how"]]
    elif kind == "LeaveCluster":
        message = LEAVE[fields.get("then", "end")]
    else:
        message = plain[kind]
    return message.said(**{name: value for name, value in fields.items() if isinstance(value, str)})


def deeds(actions: tuple[Action, ...]) -> tuple[tuple[Action, Said], ...]:
    """Those of the actions that touch the world, each in words."""
    return tuple(
        (action, deed(type(action).__name__, _fields(action)))
        for action in actions
        if not isinstance(action, ArmTimer | AnswerCommand | RaiseAlert)
    )


def _fields(action: Action) -> dict[str, Any]:
    return {field.name: getattr(action, field.name) for field in dataclasses.fields(action)}
