"""`komainu config check|schema` and `komainu init`; the rest of `config` is in `change`."""

import json
import socket
from argparse import Namespace
from pathlib import Path
from typing import Any

from komainu.api.client import Client, Trouble
from komainu.cli import change
from komainu.cli.problems import tell
from komainu.cli.session import DONE, FAILED, Commands, Session
from komainu.model.message import Message

USABLE = Message("KM6119", "{file}: cluster {cluster} can be used.", "{file}: クラスタ {cluster} を使用できます。")
INITIALISED = Message(
    "KM6120",
    "This machine is now node {node} of cluster {cluster} (configuration {version}).",
    "このマシンはクラスタ {cluster} のノード {node} になりました (構成情報 {version})。",
)
COPY_KEY = Message(
    "KM6121",
    "A new key for the links was made: /etc/komainu/authkey. Copy it to the same place on every other node, before "
    "`komainu init` there:\n"
    "    ssh OTHER mkdir -p /etc/komainu && scp -p /etc/komainu/authkey OTHER:/etc/komainu/authkey",
    "インタコネクト用の新しい鍵 /etc/komainu/authkey を作成しました。他の各ノードで `komainu init` を実行する前に、"
    "同じ場所へコピーしてください。\n"
    "    ssh OTHER mkdir -p /etc/komainu && scp -p /etc/komainu/authkey OTHER:/etc/komainu/authkey",
)
START_IT = Message(
    "KM6122",
    "Start the cluster on this node with `systemctl enable --now komainud`.",
    "このノードのクラスタを開始するには `systemctl enable --now komainud` を実行してください。",
)
RESTART_IT = Message(
    "KM6123",
    "Komainud runs on this node: the new configuration takes effect when it is restarted.",
    "このノードで komainud が動作中です。新しい構成情報は再起動後に有効になります。",
    "warning",
)

Json = dict[str, Any]


def register(commands: Commands) -> None:
    """Add the commands."""
    file = ("the configuration, for example /etc/komainu/cluster.yaml", "構成ファイル (例: /etc/komainu/cluster.yaml)")
    below = commands.below("config", ("the configuration", "構成情報"))
    (
        below.add("check", ("say everything that is wrong with a file", "ファイルの誤りをすべて表示する"), check)
        .value("file", "FILE", file, type=Path)
        .switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
    )
    change.register(below)
    below.add("schema", ("print the JSON Schema of the file", "ファイルの JSON Schema を出力する"), schema)
    name = ("which node this machine is; by default its host name", "このマシンのノード名。省略時はホスト名")
    key = ("the key of the first node; without it one is made", "最初のノードの鍵ファイル。省略時は新しく作成する")
    old = ("replace the configuration that this machine has", "このマシンの既存の構成情報を置き換える")
    (
        commands.add("init", ("make this machine a node of a cluster", "このマシンをクラスタのノードにする"), init)
        .value("file", "FILE", file, type=Path)
        .option("--node", name, metavar="NAME")
        .option("--authkey", key, metavar="KEYFILE", type=Path)
        .switch("--force", old)
    )


def check(session: Session, chosen: Namespace) -> int:
    """Say everything that is wrong with a file. Nothing is changed."""
    speech, file = session.speech, chosen.file
    answer = session.offline().check(file)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        tell(file, answer["problems"], speech)
        if answer["cluster"] is not None:
            speech.out(speech.paint(speech.said(USABLE.said(file=str(file), cluster=answer["cluster"])), "green"))
    return DONE if answer["cluster"] is not None else FAILED


def schema(session: Session, chosen: Namespace) -> int:
    """Print the JSON Schema of the file, for editors."""
    session.speech.out(json.dumps(session.offline().schema(), ensure_ascii=False, indent=2))
    return DONE


def init(session: Session, chosen: Namespace) -> int:
    """Make this machine a node of the cluster that a file describes."""
    speech, file = session.speech, chosen.file
    name = chosen.node or socket.gethostname().partition(".")[0]
    answer = session.offline().init(file, name, chosen.authkey, force=chosen.force)
    tell(file, answer["problems"], speech)
    if answer["cluster"] is None:
        return FAILED
    speech.out(speech.said(INITIALISED.said(node=name, cluster=answer["cluster"], version=answer["version"])))
    if answer["new_key"]:
        speech.out(speech.said(COPY_KEY.said()))
    speech.out(speech.said(RESTART_IT.said() if _daemon_runs(session) else START_IT.said()))
    return DONE


def _daemon_runs(session: Session) -> bool:
    try:
        client: Client = session.connect()
    except Trouble:
        return False
    client.close()
    return True
