"""The shape of what stands beside nodes and groups: monitors, exclusions, notifications. Continues `shape`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from komainu.config.section import Section, form_of, left_out
from komainu.model.config import FinalAction, MonitorRecovery
from komainu.model.described import ja
from komainu.model.message import Level, Message, Refused
from komainu.model.names import Name

MOST_EXCLUDED = 100
"""Groups in one exclusion; there are 32 nodes at most."""

ALONE = Message(
    "KM1275",
    "Groups avoid each other, and here is only one. Write two groups or more.",
    "排他ルールはグループどうしの関係ですが、グループが 1 つしかありません。2 つ以上のグループを書いてください。",
    "error",
)


class TargetSection(Section):
    """A group, or one of its resources."""

    group: Name = Field(json_schema_extra=ja("グループ名。"))
    "The group."
    resource: Name = Field(
        default_factory=left_out, json_schema_extra=ja("グループの中のリソース。省略するとグループ全体。")
    )
    "One of its resources; the group as a whole when left out."


RecoveredTarget = Annotated[
    Annotated[Literal["local-server", "all-groups"], Tag("word")] | Annotated[TargetSection, Tag("section")],
    Discriminator(form_of),
]
WatchedTarget = Annotated[
    Annotated[Literal["always"], Tag("word")] | Annotated[TargetSection, Tag("section")],
    Discriminator(form_of),
]


class MonitorRecoverySection(Section):
    """What happens when a monitor finds an error: reactivations, then failovers, then the final action."""

    target: RecoveredTarget = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "回復対象。`local-server`（このノード）、`all-groups`（このノードの全グループ）、`{group: G}`、"
            "`{group: G, resource: R}`。省略すると `watches` の対象、それもなければ `local-server`（`awsevw` では "
            "`all-groups`）。"
        ),
    )
    (
        "What is recovered: `local-server` (the node itself), `all-groups` (every group on the node), `{group: G}` or "
        "`{group: G, resource: R}`. By default what it watches, or else `local-server` (`all-groups` for `awsevw`)."
    )
    script: str = Field(
        default="", json_schema_extra=ja("復旧処理の各段階の前に、そのノードで実行するスクリプト。絶対パスで書く。")
    )
    "Run on the monitor's node before every step of recovery: an absolute path; empty for none."
    script_timeout_ms: int = Field(default=30_000, ge=1, json_schema_extra=ja("そのスクリプトのタイムアウト。"))
    "Time for the script."
    restarts: int = Field(
        default_factory=left_out,
        ge=0,
        le=99,
        json_schema_extra=ja("回復対象を再活性する回数。既定値は 3。`local-server` と `awsevw` では 0。"),
    )
    "Reactivations of the target. By default 3, and 0 for `local-server` and for `awsevw`."
    failovers: int = Field(
        default_factory=left_out,
        ge=0,
        le=99,
        json_schema_extra=ja("その後に回復対象のグループを移す回数。既定値は 1。`local-server` では 0。"),
    )
    "Failovers of the target's group after those. By default 1, and 0 for `local-server`."
    final_action: FinalAction = Field(
        default=MonitorRecovery.model_fields["final_action"].default,
        json_schema_extra=ja("その後の最終動作。`none` では何もしない。"),
    )
    "What is done after those."
    reset_after_ms: int = Field(
        default_factory=left_out,
        ge=1,
        json_schema_extra=ja(
            "正常な状態がこの時間続くと、回数を数え直す。既定値は 60000。監視間隔がそれより長ければ監視間隔。"
        ),
    )
    (
        "The counters begin again after the monitor was normal for so long. By default 60000, or the interval when "
        "that is longer."
    )


class MonitorEntry(Section):
    """A check of its own, beside the checks that resources bring with them."""

    name: Name = Field(json_schema_extra=ja("モニタ名。リソースに付属するモニタを含めて重複できない。"))
    "The monitor's name; unique among all monitors, those that come with resources included."
    type: Name = Field(json_schema_extra=ja("モニタのタイプ。"))
    "The monitor's type."
    nodes: tuple[Name, ...] = Field(
        default_factory=left_out,
        min_length=1,
        json_schema_extra=ja(
            "監視を行うノード。省略すると、監視対象または回復対象のグループの起動可能なノード。それもなければ全ノード。"
        ),
    )
    (
        "The nodes that run it. By default those of the group that it watches or recovers; all nodes when there is "
        "no such group."
    )
    watches: WatchedTarget = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "`{group: G}` または `{group: G, resource: R}`: それが活性している間だけ、そのノードで監視する。`always`: "
            "常時監視する。既定値はタイプで決まる（常時、または回復対象の活性中）。"
        ),
    )
    (
        "`{group: G}` or `{group: G, resource: R}`: it runs while that is active on the node. `always`: at any time. "
        "By default as its type says: always, or while the target of its recovery is active."
    )
    params: dict[str, Any] = Field(
        default={}, json_schema_extra=ja("タイプごとのパラメータのうち、全ノードに共通のもの。")
    )
    "The parameters of the type that are common to all nodes."
    per_node: dict[Name, dict[str, Any]] = Field(
        default={}, json_schema_extra=ja("ノードごとに異なるパラメータ。`params` の同じキーより優先する。")
    )
    "The parameters that differ on a node; they override `params` key by key."
    first_wait_ms: int = Field(
        default_factory=left_out,
        ge=0,
        json_schema_extra=ja("最初の監視までと、復旧処理の後の最初の監視までの時間。既定値はタイプで決まる。"),
    )
    "Before the first check, and before the first one after a recovery. By default as its type says."
    interval_ms: int = Field(
        default_factory=left_out, ge=100, json_schema_extra=ja("監視間隔。既定値はタイプで決まる。")
    )
    "Time between two checks. By default as its type says."
    timeout_ms: int = Field(
        default_factory=left_out, ge=1, json_schema_extra=ja("1 回の監視のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one check. By default as its type says."
    retries: int = Field(
        default_factory=left_out,
        ge=0,
        le=99,
        json_schema_extra=ja("異常と判断する前に監視を再試行する回数。既定値はタイプで決まる。"),
    )
    "Further checks that must fail as well before it is in error. By default as its type says."
    recovery: MonitorRecoverySection = Field(
        default=MonitorRecoverySection(), json_schema_extra=ja("異常を検出したときの復旧処理。")
    )
    "What happens when it finds an error."
    np: bool = Field(
        default=False,
        json_schema_extra=ja("ネットワークパーティション解決に使う。最終動作は抑止されない。"),
    )
    "It serves network partition resolution: its final action is never held back."


class ExclusionEntry(Section):
    """Groups that avoid each other."""

    name: Name = Field(json_schema_extra=ja("排他ルールの名前。"))
    "The name of the exclusion."
    kind: Literal["normal", "absolute"] = Field(
        json_schema_extra=ja(
            "`normal`: ほかのグループがないノードを優先する。`absolute`: 同じノードで動くことは決してない。"
        )
    )
    "`normal`: a group goes rather to a node without another of them. `absolute`: two of them never share a node."
    groups: tuple[Name, ...] = Field(
        max_length=MOST_EXCLUDED, json_schema_extra=ja("互いに避けるグループ。2 つ以上。", minItems=2)
    )
    "The groups that avoid each other: two or more."

    @field_validator("groups")
    @classmethod
    def _not_alone(cls, groups: tuple[Name, ...]) -> tuple[Name, ...]:
        if len(groups) < 2:
            raise Refused(ALONE.said())
        return groups


class NotificationEntry(Section):
    """Where alerts are sent besides the alert log."""

    name: Name = Field(json_schema_extra=ja("通知の名前。"))
    "The name of the notification."
    kind: Name = Field(json_schema_extra=ja("通知の方法。"))
    "The way of sending."
    level: Level = Field(default="error", json_schema_extra=ja("このレベル以上のアラートを送る。"))
    "Alerts from this level on are sent."
    params: dict[str, Any] = Field(default={}, json_schema_extra=ja("方法ごとのパラメータ。"))
    "The parameters of that way."
