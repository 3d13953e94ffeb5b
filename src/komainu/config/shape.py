"""The shape of `cluster.yaml`: its sections and keys, with what each one means in both languages.

These models check the form and are the source of the JSON Schema and of the reference in the documentation. What an
administrator leaves out is filled in by `komainu.config.complete`, which makes the model's `Cluster`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.config import Recovery
from komainu.model.message import Language
from komainu.model.names import Name
from komainu.model.traits import Environment

DETECT_WITHIN_MS: dict[Environment, int] = {"aws": 5_000, "onprem": 1_500}
"""How soon a lost node is noticed when the file does not say."""

PRESETS = {"fast": 450}
"""Named values of `detect_within_ms`."""


def _left_out() -> Any:
    """Stands for a key that is not written; as a factory it stays out of the schema."""
    return None


def _ja(text: str) -> dict[str, Any]:
    return {"description_ja": text}


class Section(BaseModel):
    """A part of the file; a key that is not declared is an error.

    A key made by `_left_out` may be left out and is filled in later; written without a value it is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class AwsSection(Section):
    """What all AWS types share."""

    region: str = Field(min_length=1, json_schema_extra=_ja("AWS のリージョン（例: `ap-northeast-1`）。"))
    "The AWS region, for example `ap-northeast-1`."


class ArbitrationSection(Section):
    """How it is decided that a lost node is gone, in its long form."""

    kind: Literal["none", "operator"] = Field(
        json_schema_extra=_ja("`none`: 見えなくなったノードは停止したとみなす。`operator`: 管理者の確認を待つ。")
    )
    "`none`: a node that is lost is taken as gone. `operator`: an administrator confirms it."


class ClusterSection(Section):
    """The cluster as a whole."""

    name: Name = Field(json_schema_extra=_ja("クラスタ名。英数字、`_`、`.`、`-` で 31 文字以内。"))
    "The cluster's name: letters, digits, `_`, `.` and `-`, at most 31 characters."
    environment: Environment = Field(
        json_schema_extra=_ja("クラスタを動かす場所。使えるリソースのタイプと検出時間の既定値が決まる。")
    )
    "Where the cluster runs. It decides which resource types can be used and how patient the detection is."
    language: Language = Field(
        default="en", json_schema_extra=_ja("メッセージの言語。利用者は自分の表示言語を別に選べる。")
    )
    "The language of messages; each user may choose another one for what they see."
    arbitration: Literal["none", "operator"] | ArbitrationSection = Field(
        json_schema_extra=_ja(
            "見えなくなったノードが本当に停止したことをどう確かめるか。`none`: 停止したとみなす（ネットワークが分断"
            "されると両方のノードで動くことがある）。`operator`: 管理者が `komainu node confirm-gone` で確認するまで、"
            "排他リソースを含むグループは引き継がない。"
        )
    )
    (
        "How it is decided that a lost node is gone. `none`: it is taken as gone (when the network is cut, both sides "
        "may be active). `operator`: groups with an exclusive resource wait until an administrator confirms it with "
        "`komainu node confirm-gone`."
    )
    detect_within_ms: int = Field(
        default_factory=_left_out,
        ge=200,
        le=120_000,
        json_schema_extra=_ja(
            "停止または切断されたノードをこの時間内に検出する。ほかの時間はすべてここから決まる。"
            "既定値は `aws` で 5000、`onprem` で 1500。"
        ),
    )
    (
        "A node that is dead or cut off is noticed within this time; every cluster timer is derived from it. "
        "By default 5000 on `aws` and 1500 on `onprem`."
    )
    preset: Literal["fast"] = Field(
        default_factory=_left_out,
        json_schema_extra=_ja(
            "`detect_within_ms` の代わりに書く名前。`fast` は 450 ミリ秒。ネットワークもホストもそれほど長く"
            "止まらない環境で使う。"
        ),
    )
    "A name instead of `detect_within_ms`: `fast` is 450 ms, for networks and hosts that never pause that long."
    startup_sync_wait_ms: int = Field(
        default=300_000,
        ge=0,
        json_schema_extra=_ja(
            "起動したノードがほかのノードを待つ時間（起動同期待ち）。全ノードがそろえばすぐに終わる。"
        ),
    )
    "How long a starting node waits for the others before it goes on without them; it ends once all are there."
    agent_return_ms: int = Field(
        default=10_000,
        ge=1,
        json_schema_extra=_ja("デーモンだけが終了したノードを、失われたとみなさずに待つ時間。"),
    )
    "How long a node whose daemon ended, but whose corosync lives, is left alone before it counts as lost."
    aws: AwsSection = Field(
        default_factory=_left_out,
        json_schema_extra=_ja("AWS に共通の設定。省略時のリージョンは認証情報と同じ場所から得る。"),
    )
    "What all AWS types share. Without it the region comes from the same place as the credentials."


class NodeEntry(Section):
    """One cluster server."""

    name: Name = Field(json_schema_extra=_ja("ノード名。"))
    "The node's name."
    id: int = Field(
        default_factory=_left_out,
        ge=1,
        le=65_535,
        json_schema_extra=_ja("corosync のノード番号。既定値は一覧での順番（1 から）。"),
    )
    "Corosync's node id. By default the node's place in the list, counted from 1."
    links: tuple[str, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=_ja("インタコネクトの IP アドレス。優先順に書く。全ノードで同じ個数にする。"),
    )
    "The node's IP addresses on the interconnects, in order of priority; the same number on every node."


class ResourceEntry(Section):
    """A part of a group: an address, a disk, an application."""

    name: Name = Field(json_schema_extra=_ja("リソース名。クラスタ全体で重複できない。"))
    "The resource's name; unique in the whole cluster."
    type: Name = Field(json_schema_extra=_ja("リソースのタイプ。"))
    "The resource's type."
    params: dict[str, Any] = Field(
        default={}, json_schema_extra=_ja("タイプごとのパラメータのうち、全ノードに共通のもの。")
    )
    "The parameters of the type that are common to all nodes."
    per_node: dict[Name, dict[str, Any]] = Field(
        default={}, json_schema_extra=_ja("ノードごとに異なるパラメータ。`params` の同じキーより優先する。")
    )
    "The parameters that differ on a node; they override `params` key by key."
    exclusive: bool = Field(
        default_factory=_left_out,
        json_schema_extra=_ja("2 つのノードで同時に動いてはならないかどうか。既定値はタイプで決まる。"),
    )
    "Whether it must never run on two nodes at once. By default as its type says."
    start_timeout_ms: int = Field(
        default_factory=_left_out, ge=1, json_schema_extra=_ja("活性のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one start. By default as its type says."
    stop_timeout_ms: int = Field(
        default_factory=_left_out, ge=1, json_schema_extra=_ja("非活性のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one stop. By default as its type says."
    check_interval_ms: int = Field(
        default_factory=_left_out, ge=100, json_schema_extra=_ja("活性中の監視間隔。既定値はタイプで決まる。")
    )
    "Time between two checks while it runs. By default as its type says."
    check_timeout_ms: int = Field(
        default_factory=_left_out, ge=1, json_schema_extra=_ja("1 回の監視のタイムアウト。既定値はタイプで決まる。")
    )
    "Time for one check. By default as its type says."
    check_retries: int = Field(
        default=0, ge=0, le=99, json_schema_extra=_ja("異常と判断する前に監視を再試行する回数。")
    )
    "Further checks that must fail as well before it counts as failed."
    prepare_interval_ms: int = Field(
        default_factory=_left_out,
        ge=100,
        json_schema_extra=_ja("待機中のノードで活性できることを確認する間隔。既定値はタイプで決まる。"),
    )
    "Time between two checks, on a node where it does not run, that it could. By default as its type says."
    recovery: Recovery = Field(default=Recovery(), json_schema_extra=_ja("異常時の復旧動作。"))
    "What happens when it fails."


class GroupEntry(Section):
    """A failover group: the unit that moves."""

    name: Name = Field(json_schema_extra=_ja("グループ名。"))
    "The group's name."
    nodes: tuple[Name, ...] = Field(
        default_factory=_left_out,
        min_length=1,
        json_schema_extra=_ja("起動可能なノード。優先順に書く。省略すると全ノード（`nodes` の順）。"),
    )
    "The nodes where it may start, best first. By default all, in the order of `nodes`."
    start: Literal["auto", "manual"] = Field(
        default="auto", json_schema_extra=_ja("クラスタの起動時にグループを自動で起動するか。")
    )
    "Whether it starts by itself when the cluster starts."
    failover: Literal["auto", "manual"] = Field(
        default="auto", json_schema_extra=_ja("異常時にグループを自動で別のノードへ移すか。")
    )
    "Whether it moves to another node by itself after a failure."
    resources: tuple[ResourceEntry, ...] = Field(
        default=(), json_schema_extra=_ja("グループのリソース。起動する順に書く。停止は逆順。")
    )
    "Its resources in the order of starting; they stop in reverse."


class ClusterFile(Section):
    """The configuration of a Komainu cluster."""

    cluster: ClusterSection = Field(json_schema_extra=_ja("クラスタ全体の設定。"))
    "The cluster as a whole."
    nodes: tuple[NodeEntry, ...] = Field(
        min_length=1, max_length=32, json_schema_extra=_ja("クラスタを構成するノード。2 から 32 台（1 台は試用向け）。")
    )
    "The cluster's nodes: 2 to 32 (one is possible, for a try)."
    groups: tuple[GroupEntry, ...] = Field(default=(), json_schema_extra=_ja("フェイルオーバグループ。"))
    "The failover groups."
