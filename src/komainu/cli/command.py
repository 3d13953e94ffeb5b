"""What all commands that change something share: asking first, giving it, showing what happens, ending with a code."""

import getpass
import json
import os
import sys
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from komainu.api.client import COMMAND_TIMEOUT_S, Client, Trouble
from komainu.cli.course import draw
from komainu.cli.picture import colour, sign
from komainu.cli.session import DONE, FAILED, NOT_YET, Arguments, Session
from komainu.cli.speech import Speech
from komainu.model.message import Message, Said

TIMEOUT_S = 300
SPARE_S = 10.0
"Beyond what the daemon was allowed: it answers by then, or it does not answer at all."

NOT_ASKED = Message(
    "KM6102",
    "Nothing was changed. There is nobody to ask here: give --yes if you have made sure.",
    "変更はありません。端末がないため確認できません。確認済みの場合は --yes を指定してください。",
    "error",
)
NOTHING_CHANGED = Message("KM6103", "Nothing was changed.", "変更はありません。")
LATE = Message(
    "KM6105",
    "Not done within {seconds} s; it goes on by itself. `komainu status` shows how it stands.",
    "{seconds} 秒以内に完了しませんでした。処理は継続しています。`komainu status` で状態を確認してください。",
    "warning",
)
GOES_DOWN = Message(
    "KM6106",
    "This node goes down: its daemon answers no more.",
    "このノードは停止処理に入り、デーモンからの応答が終了しました。",
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is waited for after a command was accepted."""

    kind: str
    "`group`, `resource`, `node` or `cluster`."
    name: str | None
    want: str
    "`Online` or `Offline`; of the cluster also `Suspended` or `Resumed`."
    ends_here: bool = False
    "The machine that answers may go down on the way."


def user() -> str:
    """Who gives the command: whoever became root for it, where that is known."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def changing(arguments: Arguments, *, waits: bool = False, asks: bool = False) -> Arguments:
    """The options of a command that changes something."""
    if asks:
        arguments.switch("--yes", ("do not ask", "確認の問い合わせをしない"))
    dry = ("change nothing; show what would happen", "変更せず、予想される経過を表示する")
    arguments.switch("--dry-run", dry)
    return waiting(arguments) if waits else _json(arguments)


def waiting(arguments: Arguments) -> Arguments:
    """The options of a command that takes its time."""
    wait = ("wait until it is done, and show what happens (the default)", "完了まで待ち、経過を表示する (既定)")
    most = ("how long to wait at most, in seconds", "待つ時間の上限 (秒)")
    arguments.option("--wait", wait, dest="wait", action="store_true", default=True)
    arguments.option("--no-wait", ("do not wait", "完了を待たない"), dest="wait", action="store_false")
    return _json(arguments.option("--timeout", most, metavar="S", type=int, default=TIMEOUT_S))


def _json(arguments: Arguments) -> Arguments:
    return arguments.switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))


def give(
    session: Session, chosen: Namespace, op: str, args: Json, goal: Goal | None = None, risk: Said | None = None
) -> int:
    """Give a command to the cluster, after asking about its risk; the exit code."""
    speech = session.speech
    with session.connect() as client:
        dry_run = getattr(chosen, "dry_run", False)
        if risk is not None and not (chosen.yes or dry_run):
            client.ask("node.list")
            speech.learn(client.language)
            if not sure(risk, speech):
                return FAILED
        if dry_run:
            args = {**args, "dry_run": True}
        answer = client.ask(op, COMMAND_TIMEOUT_S, **args)
        speech.learn(client.language)
        waits = goal is not None and chosen.wait and answer["accepted"] and not dry_run
        if not chosen.json:
            return _for_people(client, speech, answer, goal if waits else None, chosen)
        last = _last(client, goal, chosen.timeout) if goal is not None and waits else None
        speech.out(json.dumps({**answer, "settled": last}, ensure_ascii=False, indent=2))
        return FAILED if not answer["accepted"] else DONE if last is None else _code(last)


def sure(risk: Said, speech: Speech) -> bool:
    """Ask at the terminal. Where there is none, the answer is no."""
    speech.err(speech.paint(speech.said(risk), "yellow"))
    if not sys.stdin.isatty():
        speech.err(speech.said(NOT_ASKED.said()))
        return False
    sys.stderr.write(speech.pick("Go on? [y/N] ", "実行しますか? [y/N] "))
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    speech.err(speech.said(NOTHING_CHANGED.said()))
    return False


def _for_people(client: Client, speech: Speech, answer: Json, goal: Goal | None, chosen: Namespace) -> int:
    if answer.get("course") is not None:
        for line in draw(answer["course"], speech):
            speech.out(line)
        return DONE if answer["accepted"] else FAILED
    (speech.out if answer["accepted"] else speech.err)(speech.said(answer["said"]))
    if not answer["accepted"]:
        return FAILED
    return DONE if goal is None else _follow(client, speech, goal, max(0, chosen.timeout))


def _follow(client: Client, speech: Speech, goal: Goal, timeout_s: int) -> int:
    """Show each change until nothing is under way any more; the exit code."""
    last: Json = {}
    shown: dict[tuple[str, str], str] = {}
    try:
        for now in _items(client, goal, timeout_s):
            for each in now["objects"]:
                key, line = (each["kind"], each["name"]), _line(each, speech)
                # What a node's end touches is shown when it changes; what a group consists of, from the beginning.
                quiet = not last and goal.kind in ("node", "cluster") and each["kind"] != "node"
                if shown.get(key) != line and not quiet:
                    speech.out(line)
                shown[key] = line
            last = now
    except Trouble:
        if not (goal.ends_here and last):
            raise
        speech.out(speech.said(GOES_DOWN.said()))
        return DONE
    if not last["reached"] and last["why"] is not None:
        speech.err(speech.said(last["why"]))
    if not last["settled"]:
        speech.err(speech.said(LATE.said(seconds=timeout_s)))
    return _code(last)


def _items(client: Client, goal: Goal, timeout_s: int) -> Any:
    args = {"kind": goal.kind, "name": goal.name, "want": goal.want, "timeout_ms": timeout_s * 1000}
    return client.follow("settle", timeout_s + SPARE_S, **args)


def _last(client: Client, goal: Goal, timeout_s: int) -> Json:
    *_, last = _items(client, goal, max(0, timeout_s))
    return dict(last)


def _code(last: Json) -> int:
    if last["reached"]:
        return DONE
    return NOT_YET if last["waits"] or not last["settled"] else FAILED


def _line(told: Json, speech: Speech) -> str:
    status = str(told["status"])
    where = f"  {told['node']}" if told["node"] and told["kind"] != "node" else ""
    indent = "  " if told["kind"] == "resource" else ""
    shade = colour(status)
    return f"{speech.paint(sign(status), shade)} {indent}{told['name']}  {speech.paint(status, shade)}{where}"
