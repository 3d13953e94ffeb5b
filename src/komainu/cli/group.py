"""`komainu group move|start|stop`."""

from typing import Annotated, Any

import typer

from komainu.api.client import Client
from komainu.cli.picture import colour, sign
from komainu.cli.session import DONE, FAILED, NOT_YET, Lang, Session
from komainu.cli.speech import Speech

app = typer.Typer(help="Move, start and stop groups.", no_args_is_help=True)

GroupName = Annotated[str, typer.Argument(metavar="GROUP", help="The group.")]
NodeName = Annotated[str | None, typer.Argument(metavar="[NODE]", help="The node; by default the best one.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]
Timeout = Annotated[int, typer.Option("--timeout", min=0, help="How long to wait at most, in seconds.")]

Json = dict[str, Any]
SPARE_S = 10.0


@app.command()
def move(
    ctx: typer.Context,
    group: GroupName,
    node: NodeName = None,
    wait: Wait = True,
    timeout: Timeout = 300,
    lang: Lang = None,
) -> None:
    """Run the group on that node, or on the best other one."""
    _command(ctx.obj, lang, "group.move", group, {"node": node}, "Online", timeout if wait else None)


@app.command()
def start(
    ctx: typer.Context,
    group: GroupName,
    node: NodeName = None,
    wait: Wait = True,
    timeout: Timeout = 300,
    lang: Lang = None,
) -> None:
    """Start the group, on that node or on the best one."""
    _command(ctx.obj, lang, "group.start", group, {"node": node}, "Online", timeout if wait else None)


@app.command()
def stop(ctx: typer.Context, group: GroupName, wait: Wait = True, timeout: Timeout = 300, lang: Lang = None) -> None:
    """Stop the group, and leave it stopped."""
    _command(ctx.obj, lang, "group.stop", group, {}, "Offline", timeout if wait else None)


def _command(
    session: Session, lang: str | None, op: str, group: str, args: Json, wanted: str, timeout_s: int | None
) -> None:
    speech = session.speak(lang)
    with session.connect() as client:
        answer = client.ask(op, group=group, **args)
        speech.learn(client.language)
        said = answer["said"]
        if not answer["accepted"]:
            speech.err(speech.said(said))
            # What is as it was asked to be is no failure.
            raise typer.Exit(DONE if said["level"] == "info" else FAILED)
        if timeout_s is None:
            speech.out(speech.said(said))
            return
        raise typer.Exit(_follow(client, speech, group, wanted, timeout_s))


def _follow(client: Client, speech: Speech, group: str, wanted: str, timeout_s: int) -> int:
    """Show each change until the group is settled; the exit code."""
    last: Json = {}
    shown: list[str] = []
    for last in client.follow("group.settle", timeout_s + SPARE_S, group=group, timeout_ms=timeout_s * 1000):
        lines = [_line(group, last, speech), *(_line(f"  {each['name']}", each, speech) for each in last["resources"])]
        for line in lines:
            if line not in shown:
                speech.out(line)
        shown = lines
    if last.get("status") == wanted:
        return DONE
    reason = last.get("hindrance") or last.get("why")
    if reason is not None:
        speech.err(speech.said(reason))
    if str(last.get("status", "")).endswith("Pending"):
        speech.err(
            speech.pick(
                f"Not done within {timeout_s} s; it goes on by itself. `komainu status` shows how it stands.",
                f"{timeout_s} 秒以内に完了しませんでした。処理は継続しています。"
                "`komainu status` で状態を確認してください。",
            )
        )
        return NOT_YET
    return FAILED


def _line(name: str, told: Json, speech: Speech) -> str:
    status = str(told["status"])
    where = f"  {told['node']}" if told["node"] else ""
    return f"{speech.paint(sign(status), colour(status))} {name}  {speech.paint(status, colour(status))}{where}"
