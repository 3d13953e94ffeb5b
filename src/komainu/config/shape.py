"""The shape of `cluster.yaml`: its sections and keys, with what each one means in both languages.

These models check the form and are the source of the JSON Schema and of the reference in the documentation. What an
administrator leaves out is filled in by `komainu.config.complete`, which makes the model's `Cluster`.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from komainu.config.arbitration import ArbitrationSection
from komainu.config.network_partition import NpSection
from komainu.config.section import Section, form_of, left_out
from komainu.config.shape_beside import ExclusionEntry, MonitorEntry, NotificationEntry
from komainu.model.config import (
    LEAST_CALLS_PER_MINUTE,
    MOST_CALLS_PER_MINUTE,
    Aws,
    GroupDependency,
    Recovery,
    Scripts,
)
from komainu.model.described import ja
from komainu.model.message import Language
from komainu.model.names import Name
from komainu.model.traits import Environment

DETECT_WITHIN_MS: dict[Environment, int] = {"aws": 5_000, "onprem": 1_500}
"""How soon a lost node is noticed when the file does not say."""

MOST_GROUPS, MOST_RESOURCES, MOST_MONITORS, MOST_NOTIFICATIONS = 1_000, 100, 2_000, 100
"""Of a file, of a group, of a file: beyond that it is no configuration, and judging it would take for ever."""

PRESETS = {"fast": 450}
"""Named values of `detect_within_ms`."""


class AwsSection(Section):
    """What all AWS types share."""

    region: str = Field(
        default_factory=left_out,
        min_length=1,
        json_schema_extra=ja(
            "AWS のリージョン（例: `ap-northeast-1`）。省略時のリージョンは認証情報と同じ場所から得る。"
        ),
    )
    "The AWS region, for example `ap-northeast-1`. By default as where the credentials come from says."
    calls_per_minute: int = Field(
        default=Aws.model_fields["calls_per_minute"].default,
        json_schema_extra=ja(
            "1 台のノードの監視と待機系の準備確認が、1 分間に EC2 の API を呼び出せる回数。引き継ぎと停止の呼び出しは"
            "この回数に含まれず、待つこともない。",
            minimum=LEAST_CALLS_PER_MINUTE,
            maximum=MOST_CALLS_PER_MINUTE,
        ),
    )
    (
        "How often the checks and preparations of one node may call the EC2 API in a minute. Calls of a takeover and "
        "of a stop do not count, and never wait."
    )


ArbitrationEntry = Annotated[
    Annotated[Literal["none", "operator", "majority"], Tag("word")] | Annotated[ArbitrationSection, Tag("section")],
    Discriminator(form_of),
]


class ClusterSection(Section):
    """The cluster as a whole."""

    name: Name = Field(json_schema_extra=ja("クラスタ名。英数字、`_`、`.`、`-` で 31 文字以内。"))
    "The cluster's name: letters, digits, `_`, `.` and `-`, at most 31 characters."
    environment: Environment = Field(
        json_schema_extra=ja("クラスタを動かす場所。使えるリソースのタイプと検出時間の既定値が決まる。")
    )
    "Where the cluster runs. It decides which resource types can be used and how patient the detection is."
    language: Language = Field(
        default="en", json_schema_extra=ja("メッセージの言語。利用者は自分の表示言語を別に選べる。")
    )
    "The language of messages; each user may choose another one for what they see."
    arbitration: ArbitrationEntry = Field(
        json_schema_extra=ja(
            "通信不能のノードが本当に停止したことをどう確かめるか。`none`: 停止済みとみなす（ネットワークが分断"
            "されると両方のノードで動くことがある）。`operator`: 操作者が `komainu node confirm-gone` で確認するまで、"
            "排他リソースを含むグループは引き継がない。`majority`: 3 ノード以上で、過半数の側が引き継ぎ、残りは自ら"
            "停止する。`lease`: 2 ノードで、外部の投票先を得た側が引き継ぐ（投票先を指定するため節で書く）。"
        )
    )
    (
        "How it is decided that a lost node is gone. `none`: it is taken as gone (when the network is cut, both sides "
        "may be active). `operator`: groups with an exclusive resource wait until an operator confirms it with "
        "`komainu node confirm-gone`. `majority`, of three nodes or more: the side with more than half takes over, the "
        "rest stops by itself. `lease`, of two nodes: the side that wins a vote in a store outside takes over; it is "
        "written as a section, which names the store."
    )
    detect_within_ms: int = Field(
        default_factory=left_out,
        ge=200,
        le=120_000,
        json_schema_extra=ja(
            "停止または切断されたノードをこの時間内に検出する。ほかの時間はすべてここから決まる。"
            "既定値は `aws` で 5000、`onprem` で 1500。"
        ),
    )
    (
        "A node that is dead or cut off is noticed within this time; every cluster timer is derived from it. "
        "By default 5000 on `aws` and 1500 on `onprem`."
    )
    preset: Literal["fast"] = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "`detect_within_ms` の代わりに書く名前。`fast` は 450 ミリ秒。ネットワークもホストもそれほど長く"
            "止まらない環境で使う。"
        ),
    )
    "A name instead of `detect_within_ms`: `fast` is 450 ms, for networks and hosts that never pause that long."
    startup_sync_wait_ms: int = Field(
        default=300_000,
        ge=0,
        json_schema_extra=ja(
            "起動したノードがほかのノードを待つ時間（起動同期待ち）。全ノードがそろえばすぐに終わる。"
        ),
    )
    "How long a starting node waits for the others before it goes on without them; it ends once all are there."
    agent_return_ms: int = Field(
        default=10_000,
        ge=1,
        json_schema_extra=ja("デーモンだけが終了したノードを、通信不能とみなさずに待つ時間。"),
    )
    "How long a node whose daemon ended, but whose corosync lives, is left alone before it counts as lost."
    end_timeout_ms: int = Field(
        default=120_000,
        ge=1,
        json_schema_extra=ja(
            "停止またはシャットダウンするノードが、すべてを停止するまでに使える時間。過ぎるとノードをリセットする。"
        ),
    )
    "How long a node that has to end may take to stop everything; then it is reset."
    np: NpSection = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "ネットワークパーティション解決: クラスタの外から応答がなくなったノードは、自ら停止する。単独では弱い。"
        ),
    )
    "Network partition resolution: a node that nothing outside answers any more ends itself. Weak by itself."
    aws: AwsSection = Field(
        default_factory=left_out,
        json_schema_extra=ja("AWS に共通の設定。省略時のリージョンは認証情報と同じ場所から得る。"),
    )
    "What all AWS types share. Without it the region comes from the same place as the credentials."


class NodeEntry(Section):
    """One cluster server."""

    name: Name = Field(json_schema_extra=ja("ノード名。"))
    "The node's name."
    id: int = Field(
        default_factory=left_out,
        ge=1,
        le=65_535,
        json_schema_extra=ja("corosync のノード番号。既定値は一覧での順番（1 から）。"),
    )
    "Corosync's node id. By default the node's place in the list, counted from 1."
    links: tuple[str, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=ja("インタコネクトの IP アドレス。優先順に書く。全ノードで同じ個数にする。"),
    )
    "The node's IP addresses on the interconnects, in order of priority; the same number on every node."


class ResourceEntry(Section):
    """A part of a group: an address, a disk, an application."""

    name: Name = Field(json_schema_extra=ja("リソース名。クラスタ全体で重複できない。"))
    "The resource's name; unique in the whole cluster."
    type: Name = Field(json_schema_extra=ja("リソースのタイプ。"))
    "The resource's type."
    params: dict[str, Any] = Field(
        default={}, json_schema_extra=ja("タイプごとのパラメータのうち、全ノードに共通のもの。")
    )
    "The parameters of the type that are common to all nodes."
    per_node: dict[Name, dict[str, Any]] = Field(
        default={}, json_schema_extra=ja("ノードごとに異なるパラメータ。`params` の同じキーより優先する。")
    )
    "The parameters that differ on a node; they override `params` key by key."
    exclusive: bool = Field(
        default_factory=left_out,
        json_schema_extra=ja("2 つのノードで同時に動いてはならないかどうか。既定値はタイプで決まる。"),
    )
    "Whether it must never run on two nodes at once. By default as its type says."
    start_timeout_ms: int = Field(
        default_factory=left_out, ge=1, json_schema_extra=ja("活性のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one start. By default as its type says."
    stop_timeout_ms: int = Field(
        default_factory=left_out, ge=1, json_schema_extra=ja("非活性のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one stop. By default as its type says."
    check_interval_ms: int = Field(
        default_factory=left_out, ge=100, json_schema_extra=ja("活性中の監視間隔。既定値はタイプで決まる。")
    )
    "Time between two checks while it runs. By default as its type says."
    check_timeout_ms: int = Field(
        default_factory=left_out, ge=1, json_schema_extra=ja("1 回の監視のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one check. By default as its type says."
    check_retries: int = Field(default=0, ge=0, le=99, json_schema_extra=ja("異常と判断する前に監視を再試行する回数。"))
    "Further checks that must fail as well before it counts as failed."
    prepare_interval_ms: int = Field(
        default_factory=left_out,
        ge=100,
        json_schema_extra=ja("待機中のノードで活性できることを確認する間隔。既定値はタイプで決まる。"),
    )
    "Time between two checks, on a node where it does not run, that it could. By default as its type says."
    depends_on: tuple[Name, ...] = Field(
        default_factory=left_out,
        json_schema_extra=ja(
            "同じグループの中で、先に活性していなければならないリソース。停止は逆順。`[]` は依存なし。省略すると、"
            "タイプの順序が先のすべてのリソースに依存し、アプリケーションは前に書かれたアプリケーションにも依存する。"
        ),
    )
    (
        "Resources of the same group that must run before it starts; they stop after it. `[]`: none. By default all "
        "whose type comes earlier, and for an application also the applications listed before it."
    )
    recovery: Recovery = Field(default=Recovery(), json_schema_extra=ja("異常時の復旧動作。"))
    "What happens when it fails."
    scripts: Scripts = Field(
        default=Scripts(), json_schema_extra=ja("活性・非活性の前後に実行するスクリプト。絶対パスで書く。")
    )
    "Scripts before and after its start and stop: absolute paths, the same on every node."


def _wait(key: str, japanese: str) -> Any:
    """A wait of a group dependency, with the default of the model."""
    default: int = GroupDependency.model_fields[key].default
    return Field(default=default, ge=1, json_schema_extra=ja(japanese))


class GroupDependencySection(Section):
    """A dependency on another group, in its long form."""

    group: Name = Field(json_schema_extra=ja("先に活性していなければならないグループ。"))
    "The group that has to be online first."
    same_node: bool = Field(
        default=False,
        json_schema_extra=ja("そのグループがあるノードでだけ起動し、そのグループが移動すると一緒に移動する。"),
    )
    "Only on the node where the other one is; it follows when that one moves."
    start_wait_ms: int = _wait(
        "start_wait_ms", "起動時に相手のグループの活性を待つ時間。過ぎると起動に失敗したとみなす。"
    )
    "How long a start waits for the other group to be online; then it counts as failed."
    stop_wait_ms: int = _wait(
        "stop_wait_ms", "相手のグループが停止するときに、このグループの停止を待つ時間。過ぎると相手は停止を始める。"
    )
    "How long the other group waits for this one to stop; then it stops all the same."


GroupDependencyEntry = Annotated[
    Annotated[Name, Tag("word")] | Annotated[GroupDependencySection, Tag("section")], Discriminator(form_of)
]


class GroupEntry(Section):
    """A failover group: the unit that moves."""

    name: Name = Field(json_schema_extra=ja("グループ名。"))
    "The group's name."
    nodes: tuple[Name, ...] = Field(
        default_factory=left_out,
        min_length=1,
        json_schema_extra=ja("起動可能なノード。優先順に書く。省略すると全ノード（`nodes` の順）。"),
    )
    "The nodes where it may start, best first. By default all, in the order of `nodes`."
    start: Literal["auto", "manual"] = Field(
        default="auto", json_schema_extra=ja("クラスタの起動時にグループを自動で起動するか。")
    )
    "Whether it starts by itself when the cluster starts."
    failover: Literal["auto", "manual"] = Field(
        default="auto", json_schema_extra=ja("異常時にグループを自動で別のノードへ移すか。")
    )
    "Whether it moves to another node by itself after a failure."
    failback: Literal["manual", "auto"] = Field(
        default="manual", json_schema_extra=ja("優先順位の高いノードが戻ったときに、グループを自動で戻すか。")
    )
    "Whether it goes back by itself to a better node that has returned."
    failback_after_ms: int = Field(
        default=60_000,
        ge=1,
        json_schema_extra=ja("優先順位の高いノードがこの時間続けて正常であれば、グループを戻す。"),
    )
    "Stickiness: a better node must have been there, in order, for so long before the group goes back to it."
    destination: Literal["priority", "healthiest"] = Field(
        default="priority",
        json_schema_extra=ja(
            "フェイルオーバ先の選び方。`priority`: `nodes` の順。`healthiest`: 異常や警告のモニタが最も少ないノード。"
        ),
    )
    "Where a failover goes: to the first usable node, or to the one with the fewest monitors that are not normal."
    failover_limit: int = Field(
        default=6,
        ge=1,
        le=99,
        json_schema_extra=ja("`failover_window_ms` の間に、異常によるフェイルオーバをこの回数まで行う。"),
    )
    "Failovers for failed resources and monitors within `failover_window_ms`, whatever the counters say."
    failover_window_ms: int = Field(
        default=3_600_000, ge=1, json_schema_extra=ja("`failover_limit` を数える時間の幅。")
    )
    "The time within which `failover_limit` counts."
    depends_on: tuple[GroupDependencyEntry, ...] = Field(
        default=(),
        json_schema_extra=ja("先に活性していなければならないグループ。名前だけ、または節で書く。停止は逆順。"),
    )
    "Groups that have to be online before it starts, each by its name or as a section; they stop after it."
    resources: tuple[ResourceEntry, ...] = Field(
        default=(),
        max_length=MOST_RESOURCES,
        json_schema_extra=ja("グループのリソース。活性の順序は `depends_on` とタイプで決まる。停止は逆順。"),
    )
    "Its resources. Their `depends_on` and types say in which order they start; they stop in reverse."


class ClusterFile(Section):
    """The configuration of a Komainu cluster."""

    cluster: ClusterSection = Field(json_schema_extra=ja("クラスタ全体の設定。"))
    "The cluster as a whole."
    nodes: tuple[NodeEntry, ...] = Field(
        min_length=1, max_length=32, json_schema_extra=ja("クラスタを構成するノード。2 から 32 台（1 台は試用向け）。")
    )
    "The cluster's nodes: 2 to 32 (one is possible, for a try)."
    groups: tuple[GroupEntry, ...] = Field(
        default=(), max_length=MOST_GROUPS, json_schema_extra=ja("フェイルオーバグループ。")
    )
    "The failover groups."
    monitors: tuple[MonitorEntry, ...] = Field(
        default=(),
        max_length=MOST_MONITORS,
        json_schema_extra=ja("モニタリソース。リソースに付属するモニタはここに書かない。"),
    )
    "The monitors of their own; those that come with a resource do not stand here."
    exclusions: tuple[ExclusionEntry, ...] = Field(
        default=(), max_length=MOST_GROUPS, json_schema_extra=ja("グループの排他ルール。")
    )
    "Groups that avoid each other."
    notifications: tuple[NotificationEntry, ...] = Field(
        default=(),
        max_length=MOST_NOTIFICATIONS,
        json_schema_extra=ja("アラートの送り先。アラートログには常に記録される。"),
    )
    "Where alerts are sent besides the alert log."
