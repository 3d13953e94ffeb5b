"""`komainu node list|confirm-gone`."""

import json
import sys
from typing import Annotated, Any

import typer

from komainu.cli.picture import colour, sign
from komainu.cli.session import DONE, FAILED, AsJson, Lang, Session
from komainu.cli.speech import Speech, columns, padded
from komainu.model.message import Message

app = typer.Typer(help="The nodes of the cluster.", no_args_is_help=True)

RISK = Message(
    "KM6101",
    "You are about to confirm that node {node} is gone. Its groups will start on other nodes at once.\n"
    "If {node} is in fact running, even if it is only cut off, the same address, disk and application will be active "
    "twice, and data can be destroyed for good.\n"
    "Make sure first: the instance is stopped or terminated in the AWS console, or the machine is powered off, and it "
    "will not be started before this cluster can hear it.",
    "ノード {node} の停止を確認しようとしています。{node} のグループは直ちに他のノードで起動します。\n"
    "{node} が実際には動作している場合 (通信が途絶えているだけの場合も含みます)、同じアドレス、ディスク、"
    "アプリケーションが二重に動作し、データが回復不能に破壊されることがあります。\n"
    "先に、AWS コンソールでインスタンスが停止または終了していること、あるいはマシンの電源が切れていることを確認し、"
    "このクラスタと通信できる状態になるまで起動しないでください。",
    "warning",
)
NOT_ASKED = Message(
    "KM6102",
    "Nothing was changed. There is nobody to ask here: give --yes if you have made sure.",
    "変更はありません。端末がないため確認できません。停止を確認済みの場合は --yes を指定してください。",
    "error",
)
NOTHING_CHANGED = Message("KM6103", "Nothing was changed.", "変更はありません。")
NO_NODE = Message(
    "KM6104",
    "There is no node {node}. `komainu node list` lists the nodes.",
    "ノード {node} はありません。ノードの一覧は `komainu node list` で確認できます。",
    "error",
)

MESSAGES = (RISK, NOT_ASKED, NOTHING_CHANGED, NO_NODE)


@app.command("list")
def list_nodes(ctx: typer.Context, as_json: AsJson = False, lang: Lang = None) -> None:
    """List the nodes, and why each is as it is."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        answer = client.ask("node.list")
        speech.learn(client.language)
    if as_json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    rows = [(node["name"], node["status"], str(node["id"]), ", ".join(node["links"])) for node in answer["nodes"]]
    widths = columns(rows)
    for node, row in zip(answer["nodes"], rows, strict=True):
        speech.out(_line(row, widths, speech))
        if node["why"] is not None:
            speech.out("    " + speech.paint(f"└ {speech.said(node['why'])}", "dim"))


@app.command("confirm-gone")
def confirm_gone(
    ctx: typer.Context,
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node that is lost, and surely off.")],
    yes: Annotated[bool, typer.Option("--yes", help="You have made sure; do not ask.")] = False,
    lang: Lang = None,
) -> None:
    """Confirm that a lost node is off. Say this only of a node that you know to be powered off."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        seen = client.ask("node.list")
        speech.learn(client.language)
        known = {each["name"]: each for each in seen["nodes"]}
        if node not in known:
            speech.err(speech.said(NO_NODE.said(node=node)))
            raise typer.Exit(FAILED)
        if not yes:
            _make_sure(node, known[node], speech)
        # The word holds for the loss that was seen, not for a later one: hence the epoch.
        answer = client.ask("node.confirm-gone", node=node, epoch=seen["epoch"])
    text = speech.said(answer["said"])
    if answer["accepted"]:
        speech.out(text)
        raise typer.Exit(DONE)
    speech.err(text)
    raise typer.Exit(FAILED)


def _make_sure(name: str, node: dict[str, Any], speech: Speech) -> None:
    """Ask for the node's name: a word that is typed by habit is none."""
    speech.err(_line((name, node["status"]), (0, 0), speech))
    speech.err(speech.said(node["why"]))
    speech.err("")
    speech.err(speech.paint(speech.said(RISK.said(node=name)), "yellow"))
    if not sys.stdin.isatty():
        speech.err(speech.said(NOT_ASKED.said()))
        raise typer.Exit(FAILED)
    sys.stderr.write(
        speech.pick(f"Type the node's name ({name}) to confirm: ", f"確認のためノード名 ({name}) を入力してください: ")
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        speech.err(speech.said(NOTHING_CHANGED.said()))
        raise typer.Exit(FAILED)


def _line(row: tuple[str, ...], widths: "list[int] | tuple[int, ...]", speech: Speech) -> str:
    name, status, *rest = row
    cells = [padded(name, widths[0]), speech.paint(padded(status, widths[1]), colour(status)), *rest]
    return f"{speech.paint(sign(status), colour(status))} " + "  ".join(cells)
