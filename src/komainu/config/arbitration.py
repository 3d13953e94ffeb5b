"""The section `arbitration` of `cluster.yaml`: its shape, and the times that follow when they are left out (N2, N3).

E is how long a right to act lasts, D is how long the others wait; `komainu.model.times` has the inequalities.
"""

from typing import Any

from pydantic import Field

from komainu.config.section import Section, left_out
from komainu.model import times
from komainu.model.config import Arbitration, ArbitrationKind, Fence
from komainu.model.described import ja
from komainu.model.names import Name
from komainu.model.times import interval_ms

KINDS: tuple[ArbitrationKind, ...] = ("none", "operator", "lease", "majority")

STORE_SHARE = 5
"""One call to the store may take this part of a right at most: so that a call that is lost can be repeated."""
STEP_MS = 500
"""Derived times are rounded up to it."""
SHORTEST_MS = 2_000
"""Of a right and a wait: beats are 250 ms apart at least, and a late one must not make a healthy node ask the store."""


class LeaseSection(Section):
    """The store of the third vote."""

    type: Name = Field(json_schema_extra=ja("投票先のタイプ。"))
    "The type of the store."
    params: dict[str, Any] = Field(
        default={}, json_schema_extra=ja("タイプごとのパラメータ。投票先は 1 つなので、全ノードで共通。")
    )
    "The parameters of the type. They are the same on every node: two stores would be two votes."


class FenceSection(Section):
    """How a lost node is stopped for certain."""

    type: Name = Field(json_schema_extra=ja("強制停止の方法。"))
    "The way of stopping it."
    params: dict[str, Any] = Field(
        default={}, json_schema_extra=ja("方法ごとのパラメータのうち、全ノードに共通のもの。")
    )
    "The parameters of that way that are common to all nodes."
    per_node: dict[Name, dict[str, Any]] = Field(
        default={},
        json_schema_extra=ja("停止させる相手のノードごとのパラメータ。`params` の同じキーより優先する。"),
    )
    "The parameters for stopping the node of that name; they override `params` key by key."
    timeout_ms: int = Field(
        default=Fence.model_fields["timeout_ms"].default, ge=1, json_schema_extra=ja("1 回の強制停止のタイムアウト。")
    )
    "Time for one attempt, until the node is certainly off."
    retry_ms: int = Field(
        default=Fence.model_fields["retry_ms"].default, ge=1, json_schema_extra=ja("失敗した後、再試行するまでの時間。")
    )
    "Time until another attempt after one that did not succeed."


def _time(key: str, least: int, japanese: str) -> Any:
    """A time with the default of the model."""
    default: int = Arbitration.model_fields[key].default
    return Field(default=default, ge=least, json_schema_extra=ja(japanese))


class ArbitrationSection(Section):
    """How it is decided that a lost node is gone, in its long form."""

    kind: ArbitrationKind = Field(
        json_schema_extra=ja(
            "`none`: 通信不能のノードを停止済みとみなす。`operator`: 操作者の確認を待つ。`lease`: 2 ノードで、外部の"
            "投票先を使う。`majority`: 3 ノード以上で、過半数の側が続ける。"
        )
    )
    (
        "`none`: a node that is lost is taken as gone. `operator`: an operator confirms it. `lease`: two nodes and a "
        "vote in a store outside of both. `majority`: three nodes or more, and the side with more than half goes on."
    )
    lease: LeaseSection = Field(
        default_factory=left_out, json_schema_extra=ja("`lease` の投票先。`lease` では必須。ほかの方式では書けない。")
    )
    "The store of the vote. Required with `lease`, and only possible there."
    fence: FenceSection = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "投票または過半数を得た後に、通信不能のノードを強制停止する方法。確認できれば `wait_ms` を待たずに引き継"
            "ぐ。`lease` と `majority` でだけ使える。"
        ),
    )
    (
        "How a lost node is stopped, once the vote or the majority is won: when it is confirmed before `wait_ms` is "
        "over, nobody waits any longer. Only with `lease` and `majority`."
    )
    right_ms: int = Field(
        default_factory=left_out,
        ge=SHORTEST_MS,
        json_schema_extra=ja(
            "E。ノードがほかのノードの応答または投票先への書き込みなしに動作できる時間。過ぎるとカーネルが切り離す。"
            "省略すると `detect_within_ms` などから求める。"
        ),
    )
    (
        "E: how long a node may act after the last sign that renewed its right; then the kernel cuts it off. By "
        "default the shortest that fits `detect_within_ms` and the times below."
    )
    wait_ms: int = Field(
        default_factory=left_out,
        ge=SHORTEST_MS,
        json_schema_extra=ja(
            "D。投票または過半数を得た側が、通信不能のノードの権利が確実に終わるまで待つ時間。E より長い。"
            "省略すると `right_ms` から求める。"
        ),
    )
    (
        "D: how long the side that goes on waits before it takes it that the right of a lost node has ended. By "
        "default the shortest that is longer than E whatever the clocks do within 1 %."
    )
    stop_grace_ms: int = _time(
        "stop_grace_ms", 1, "権利が終わる前に、通常の手順で停止するための時間。停止できなければ切り離しまたはリセット。"
    )
    "At the end of a right, time for stopping in order; what has not stopped then is cut off, or the node is reset."
    store_timeout_ms: int = _time(
        "store_timeout_ms", 1, "投票先への 1 回の呼び出しのタイムアウト。`lease` だけで使う。"
    )
    "Time for one call to the store. Only with `lease`."
    head_start_ms: int = _time(
        "head_start_ms",
        0,
        "何も動かしていないノードは、投票先への書き込みをこの時間だけ遅らせ、動作中のノードに譲る。`lease` "
        "だけで使う。",
    )
    "A node on which nothing runs leaves the claim to the other one for so long. Only with `lease`."


def needed_right_ms(arbitration: Arbitration, detect_within_ms: int) -> int:
    """What E has to be at least: with a shorter one a healthy node would stop whenever another one is lost.

    The majority does not ask a store to renew its right. Once those that are left have found each other, it takes a
    beat and its answer.
    """
    renewal_ms = arbitration.store_timeout_ms
    if arbitration.kind == "majority":
        renewal_ms = interval_ms(detect_within_ms, arbitration.right_ms)
    return times.least_right_ms(detect_within_ms, arbitration.right_ms, renewal_ms, arbitration.stop_grace_ms)


def shortest_right_ms(arbitration: Arbitration, detect_within_ms: int) -> int:
    """The E that is taken when the file says none: the shortest multiple of `STEP_MS` that is long enough."""
    right_ms = SHORTEST_MS
    if arbitration.kind == "lease":
        right_ms = max(right_ms, _up(STORE_SHARE * arbitration.store_timeout_ms))
    while True:
        # What is needed grows with E, by way of the beats, and more slowly than E itself.
        asked = arbitration.model_copy(update={"right_ms": right_ms})
        needed = needed_right_ms(asked, detect_within_ms)
        if needed <= right_ms:
            return right_ms
        right_ms = _up(needed)


def shortest_wait_ms(right_ms: int, *, by_watchdog: bool = False) -> int:
    """The D that is taken when the file says none. `by_watchdog`: something may have to be ended by a watchdog."""
    late_ms = times.WATCHDOG_STEP_MS if by_watchdog else 0
    return max(SHORTEST_MS, _up(times.least_wait_ms(right_ms) + late_ms))


def _up(value_ms: int) -> int:
    return -(-value_ms // STEP_MS) * STEP_MS
