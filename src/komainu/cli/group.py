"""`komainu group move|start|stop`."""

from argparse import Namespace
from typing import Any

from komainu.api.client import COMMAND_TIMEOUT_S, Client
from komainu.cli.picture import colour, sign
from komainu.cli.session import DONE, FAILED, NOT_YET, Arguments, Commands, Session
from komainu.cli.speech import Speech

Json = dict[str, Any]
TIMEOUT_S = 300
SPARE_S = 10.0
"Beyond what the daemon was allowed: it answers by then, or it does not answer at all."


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("group", ("move, start and stop groups", "グループの移動、起動、停止"))
    place = ("the node; by default the best one", "ノード。省略時は最適なノード")
    told = (
        "run the group on that node, or on the best other one",
        "グループを指定したノード (省略時は他の最適なノード) に移す",
    )
    _waiting(below.add("move", told, move)).value("node", "NODE", place, nargs="?")
    told = (
        "start the group, on that node or on the best one",
        "グループを指定したノード (省略時は最適なノード) で起動する",
    )
    _waiting(below.add("start", told, start)).value("node", "NODE", place, nargs="?")
    _waiting(below.add("stop", ("stop the group, and leave it stopped", "グループを停止したままにする"), stop))


def _waiting(arguments: Arguments) -> Arguments:
    return (
        arguments.value("group", "GROUP", ("the group", "グループ名"))
        .option(
            "--no-wait",
            ("do not wait until it is done", "完了を待たない"),
            dest="wait",
            action="store_false",
        )
        .option(
            "--timeout",
            ("how long to wait at most, in seconds", "待つ時間の上限 (秒)"),
            metavar="S",
            type=int,
            default=TIMEOUT_S,
        )
    )


def move(session: Session, chosen: Namespace) -> int:
    """Move a group."""
    return _command(session, chosen, "group.move", {"node": chosen.node}, "Online")


def start(session: Session, chosen: Namespace) -> int:
    """Start a group."""
    return _command(session, chosen, "group.start", {"node": chosen.node}, "Online")


def stop(session: Session, chosen: Namespace) -> int:
    """Stop a group."""
    return _command(session, chosen, "group.stop", {}, "Offline")


def _command(session: Session, chosen: Namespace, op: str, args: Json, wanted: str) -> int:
    speech = session.speech
    with session.connect() as client:
        answer = client.ask(op, COMMAND_TIMEOUT_S, group=chosen.group, **args)
        speech.learn(client.language)
        said = answer["said"]
        if not answer["accepted"]:
            speech.err(speech.said(said))
            # What is as it was asked to be is no failure.
            return DONE if said["level"] == "info" else FAILED
        if not chosen.wait:
            speech.out(speech.said(said))
            return DONE
        return _follow(client, speech, chosen.group, wanted, max(0, chosen.timeout))


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
    hindrance = last.get("hindrance")
    reason = hindrance or last.get("why")
    if reason is not None:
        speech.err(speech.said(reason))
    if hindrance is not None and hindrance["level"] != "info":
        return NOT_YET
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
