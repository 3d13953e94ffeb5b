"""The section `np` of the cluster: what a node does that is cut off from everything (A4).

It becomes a monitor of its own on every node, so that all that monitors have holds for it: it is seen in status, can be
suspended and tried out. Its final action is never held back.
"""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from komainu.config.problem import Finding, Path
from komainu.config.section import Section, left_out
from komainu.model.config import FinalAction, Monitor, MonitorRecovery, Target
from komainu.model.described import ja
from komainu.model.names import Name
from komainu.model.reach import ReachTarget

MONITOR = "np"
"""The name of the monitor that the section makes."""
TYPE = "reach"
MOST_TARGETS = 16
_SECTION: Path = ("cluster", "np")
_OF_TYPE = ("targets", "need", "grace_ms")
"""The keys that are parameters of the type."""


def _targets() -> Any:
    return Field(
        default_factory=left_out,
        max_length=MOST_TARGETS,
        json_schema_extra=ja(
            "常に応答するはずの装置やサービス。項目ごとに `ping`、`listen`、`http` のどれか 1 つ。", minItems=1
        ),
    )


class NpNodeSection(Section):
    """What differs on a node."""

    targets: tuple[ReachTarget, ...] = _targets()
    "What should always answer to this node: in a cluster over several zones, the NAT instance of its own."


class NpSection(Section):
    """What a node does that is cut off from everything."""

    targets: tuple[ReachTarget, ...] = _targets()
    "What should always answer: each entry has one of `ping`, `listen` and `http`."
    per_node: dict[Name, NpNodeSection] = Field(
        default={}, json_schema_extra=ja("ノードごとに異なるターゲット。`targets` より優先する。")
    )
    "The targets of single nodes; they replace `targets` there."
    need: Literal["any", "all"] = Field(
        default="any",
        json_schema_extra=ja(
            "`any`: どのターゲットも応答しなければ孤立とみなす。`all`: 1 つでも応答しなければ孤立とみなす。"
        ),
    )
    "`any`: the node is cut off when no target answers. `all`: when one of them does not."
    grace_ms: int = Field(
        default=4_000,
        ge=0,
        le=3_600_000,
        json_schema_extra=ja("応答がない状態がこの時間続くまでは、警告だけを出す。"),
    )
    "For so long the silence is a caution only, counted from the first check that met it."
    interval_ms: int = Field(default=2_000, ge=100, json_schema_extra=ja("確認の間隔。"))
    "Time between two checks."
    timeout_ms: int = Field(default=2_000, ge=1, json_schema_extra=ja("1 回の確認で応答を待つ時間。"))
    "Time for the targets to answer in one check."
    action: Literal["none", "stop-service", "shutdown", "reboot"] = Field(
        default="shutdown",
        json_schema_extra=ja(
            "孤立したノードの動作。`none`: アラートだけ。`stop-service`: クラスタを離脱する。`shutdown`: 離脱して OS を"
            "シャットダウンする。`reboot`: 離脱して OS を再起動する。ほかに動作するノードがなくても抑止されない。"
        ),
    )
    (
        "What a node does that is cut off. `none`: an alert. `stop-service`: it leaves the cluster. `shutdown`: it "
        "leaves and shuts the OS down. `reboot`: it leaves and reboots. It is never held back, even on the last node."
    )


def monitors(written: Any, nodes: tuple[str, ...]) -> tuple[Monitor, ...]:
    """The monitor of the section, if there is one; works on values that were not found right as well."""
    if not isinstance(written, dict):
        return ()
    per_node = written.get("per_node")
    action: FinalAction = _chosen(written, "action")
    interval_ms = _number(written, "interval_ms")
    defaults = MonitorRecovery.model_fields
    made = Monitor.model_construct(
        name=MONITOR,
        type=TYPE,
        nodes=nodes,
        watches=None,
        params={key: written.get(key, _default(key)) for key in _OF_TYPE if key != "targets" or key in written},
        per_node={node: own if isinstance(own, dict) else {} for node, own in per_node.items()}
        if isinstance(per_node, dict)
        else {},
        first_wait_ms=0,
        interval_ms=interval_ms,
        timeout_ms=_number(written, "timeout_ms"),
        retries=0,
        recovery=MonitorRecovery.model_construct(
            target=Target(kind="node"),
            restarts=0,
            failovers=0,
            final_action=action,
            reset_after_ms=max(defaults["reset_after_ms"].default, interval_ms),
        ),
        np=True,
    )
    return (made,)


def placed(finding: Finding, data: dict[str, Any]) -> Finding:
    """What was found about the monitor of the section, where an administrator wrote it."""
    section, others = data.get("cluster"), data.get("monitors")
    written = section.get("np") if isinstance(section, dict) else None
    number = len(others) if isinstance(others, list) else 0
    if not isinstance(written, dict) or finding.path[:2] != ("monitors", number):
        return finding
    return replace(finding, path=_place(finding.path), meant=_place(finding.meant) if finding.meant else ())


def _place(path: Path) -> Path:
    match path[2:]:
        case ("params", *rest):
            return (*_SECTION, *rest)
        case ("per_node", *rest):
            return (*_SECTION, "per_node", *rest)
        case ("interval_ms" | "timeout_ms" as key, *_):
            return (*_SECTION, key)
        case ("recovery", "final_action", *_):
            return (*_SECTION, "action")
    return _SECTION


def _default(key: str) -> Any:
    return NpSection.model_fields[key].default


def _number(written: dict[str, Any], key: str) -> int:
    value = written.get(key)
    found: int = value if isinstance(value, int) and not isinstance(value, bool) else _default(key)
    return found


def _chosen(written: dict[str, Any], key: str) -> Any:
    value = written.get(key, _default(key))
    return value if value in ("none", "stop-service", "shutdown", "reboot") else _default(key)
