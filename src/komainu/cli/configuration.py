"""`komainu config check|show|schema` and `komainu init`."""

import json
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from komainu.api.client import Client, Trouble
from komainu.cli.session import FAILED, AsJson, Lang, Session
from komainu.cli.speech import Colour, Speech
from komainu.model.message import Message

app = typer.Typer(help="The configuration.", no_args_is_help=True)

INITIALISED = Message(
    "KM6120",
    "This machine is now node {node} of cluster {cluster} (configuration {version}).",
    "このマシンはクラスタ {cluster} のノード {node} になりました (構成情報 {version})。",
)
COPY_KEY = Message(
    "KM6121",
    "A new key for the links was made: /etc/komainu/authkey. Copy it to the other nodes, safely, and give it there:\n"
    "    scp /etc/komainu/authkey OTHER:/root/komainu-authkey\n"
    "    komainu init {file} --node NAME --authkey /root/komainu-authkey",
    "インタコネクト用の新しい鍵 /etc/komainu/authkey を作成しました。"
    "安全な方法で他のノードにコピーし、次のように指定してください。\n"
    "    scp /etc/komainu/authkey OTHER:/root/komainu-authkey\n"
    "    komainu init {file} --node NAME --authkey /root/komainu-authkey",
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

MESSAGES = (INITIALISED, COPY_KEY, START_IT, RESTART_IT)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The configuration, for example /etc/komainu/cluster.yaml.")]
Json = dict[str, Any]

_LEVELS: dict[str, tuple[str, str, Colour]] = {
    "error": ("error", "エラー", "red"),
    "warning": ("warning", "警告", "yellow"),
    "info": ("note", "情報", ""),
}


@app.command()
def check(ctx: typer.Context, file: File, as_json: AsJson = False, lang: Lang = None) -> None:
    """Say everything that is wrong with a file. Nothing is changed."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    answer = session.offline().check(file)
    if as_json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        _tell(file, answer["problems"], speech)
        if answer["cluster"] is not None:
            name = answer["cluster"]
            speech.out(
                speech.paint(
                    speech.pick(f"{file}: cluster {name} can be used.", f"{file}: クラスタ {name} を使用できます。"),
                    "green",
                )
            )
    if answer["cluster"] is None:
        raise typer.Exit(FAILED)


@app.command()
def show(ctx: typer.Context, lang: Lang = None) -> None:
    """Show the configuration that holds, complete with every default, as JSON."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        speech.out(json.dumps(client.ask("config.show")["cluster"], ensure_ascii=False, indent=2))


@app.command()
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of the file, for editors."""
    session: Session = ctx.obj
    session.speech.out(json.dumps(session.offline().schema(), ensure_ascii=False, indent=2))


def init(
    ctx: typer.Context,
    file: File,
    node: Annotated[
        str | None, typer.Option("--node", metavar="NAME", help="Which node this machine is; by default its host name.")
    ] = None,
    authkey: Annotated[
        Path | None,
        typer.Option("--authkey", metavar="KEYFILE", help="The key of the first node; without it one is made."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the configuration that this machine has already.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Make this machine a node of the cluster that a file describes."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    name = node or socket.gethostname().partition(".")[0]
    answer = session.offline().init(file, name, authkey, force=force)
    _tell(file, answer["problems"], speech)
    if answer["cluster"] is None:
        raise typer.Exit(FAILED)
    speech.out(speech.said(INITIALISED.said(node=name, cluster=answer["cluster"], version=answer["version"])))
    if answer["new_key"]:
        speech.out(speech.said(COPY_KEY.said(file=str(file))))
    speech.out(speech.said(RESTART_IT.said() if _daemon_runs(session) else START_IT.said()))


def _tell(file: Path, problems: list[Json], speech: Speech) -> None:
    for problem in problems:
        en, ja, shade = _LEVELS[problem["level"]]
        place = f"{file}:{problem['line']}:{problem['column']}"
        path = f" {problem['path']}:" if problem["path"] else ""
        word = speech.paint(speech.pick(en, ja), shade)
        speech.err(f"{place}: {word}:{path} {speech.said(problem)} ({problem['code']})")


def _daemon_runs(session: Session) -> bool:
    try:
        client: Client = session.connect()
    except Trouble:
        return False
    client.close()
    return True
