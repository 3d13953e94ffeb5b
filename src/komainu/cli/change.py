"""`komainu config apply|rollback|diff|history|show`: another configuration for all nodes, and those before it (C11)."""

import json
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

from komainu.api.client import Client
from komainu.cli.command import sure, user
from komainu.cli.course import draw
from komainu.cli.problems import tell
from komainu.cli.session import DONE, FAILED, Arguments, Commands, Session
from komainu.cli.speech import Colour, Speech
from komainu.model.message import Message, Said
from komainu.model.signature import NOT_SAID

PLAN_TIMEOUT_S = 90.0

ASKS = Message(
    "KM6711",
    "This becomes configuration version {version}, on all nodes or on none.",
    "この変更は構成情報 第 {version} 版として、全ノードに適用するか、どのノードにも適用しません。",
    "warning",
)
SAME = Message(
    "KM6712",
    "Nothing differs from the configuration in force (version {version}). Nothing was changed.",
    "現在有効な構成情報 (第 {version} 版) との差異はありません。変更はありません。",
)
NO_DIFFERENCE = Message(
    "KM6713", "Version {old} and version {new} do not differ.", "第 {old} 版と第 {new} 版に差異はありません。"
)
LOOK = Message(
    "KM6714",
    "The nodes look at it and write it down: {agreed} done, waiting for {awaited}.",
    "各ノードで検査し書き込んでいます: 完了 {agreed}、待機中 {awaited}。",
)
FIRST_LOOK = Message(
    "KM6718",
    "The nodes look at it and write it down: waiting for {awaited}.",
    "各ノードで検査し書き込んでいます: 待機中 {awaited}。",
)
NO_TEXT = Message(
    "KM6715",
    "This node does not have the file that version {version} was made from: it took the version over from another "
    "node. `komainu config show {version}` has the content as JSON.",
    "このノードは第 {version} 版を他のノードから取り込んだため、元のファイルがありません。"
    "内容は `komainu config show {version}` で JSON として表示できます。",
    "error",
)
NODE_REMOVED = Message(
    "KM6716",
    "Node {node} belongs to the cluster no more. Run `systemctl disable --now komainud` on it: started again it would "
    "be a cluster of its own, with the same addresses.",
    "ノード {node} はクラスタから削除されました。{node} で `systemctl disable --now komainud` を実行してください。"
    "再び起動すると、同じアドレスを持つ別のクラスタとして動作します。",
    "warning",
)
NODE_ADDED = Message(
    "KM6717",
    "Node {node} is part of the cluster now. On it: copy /etc/komainu/authkey and this file there, run "
    "`komainu init FILE --node {node} --authkey KEYFILE`, then `systemctl enable --now komainud`.",
    "ノード {node} がクラスタに追加されました。{node} に /etc/komainu/authkey とこのファイルをコピーし、"
    "`komainu init FILE --node {node} --authkey KEYFILE`、続いて "
    "`systemctl enable --now komainud` を実行してください。",
)

Json = dict[str, Any]

_JSON = ("for programs: one JSON value", "プログラム向けに JSON で出力する")
_TAKEN_OVER = re.compile(r"# Version \d+ was taken over from another node")
"What a node writes in the place of a file that it never had."
_SHADES: dict[str, Colour] = {"+": "green", "-": "red", "~": "yellow"}


def register(below: Commands) -> None:
    """Add the commands to those of `config`."""
    file = ("the configuration to put in force", "適用する構成ファイル")
    version = ("the number of a version", "版の番号")
    told = ("put a configuration in force on all nodes, or on none", "構成情報を全ノードに適用する")
    _changing(below.add("apply", told, apply).value("file", "FILE", file, type=Path))
    told = ("put the content of an earlier version in force again", "以前の版の内容を再び適用する")
    _changing(below.add("rollback", told, rollback).value("version", "VERSION", version, type=int))
    old = ("the older one; by default the one before the newer", "古い方の版。省略時は新しい方の直前の版")
    new = ("the newer one; by default the one in force", "新しい方の版。省略時は有効な版")
    (
        below.add("diff", ("show what differs between two versions", "2 つの版の差異を表示する"), differ)
        .value("old", "OLD", old, type=int, nargs="?")
        .value("new", "NEW", new, type=int, nargs="?")
        .switch("--json", _JSON)
    )
    told = ("list the versions: when, who, why, what changed", "版の一覧 (日時、実行者、理由、変更点)")
    below.add("history", told, history).switch("--json", _JSON)
    told = ("show the configuration in force, or a version", "有効な構成情報または指定した版を表示する")
    (
        below.add("show", told, show)
        .value("version", "VERSION", version, type=int, nargs="?")
        .switch("--yaml", ("the file it was made from, not JSON", "JSON ではなく元の YAML ファイルを表示する"))
    )


def _changing(arguments: Arguments) -> None:
    """The options of a command that puts something in force."""
    wait = ("wait until the groups are at rest under it (the default)", "グループが落ち着くまで待つ (既定)")
    no_wait = ("wait only until it is in force or refused", "適用または拒否されるまでだけ待つ")
    (
        arguments.option("--why", ("why, for the history", "変更の理由 (履歴に残す)"), metavar="TEXT", default="")
        .switch("--dry-run", ("change nothing; show what it would mean", "変更せず、差異と影響を表示する"))
        .switch("--yes", ("do not ask", "確認の問い合わせをしない"))
        .option("--wait", wait, dest="wait", action="store_true", default=True)
        .option("--no-wait", no_wait, dest="wait", action="store_false")
        .switch("--json", _JSON)
    )


def apply(session: Session, chosen: Namespace) -> int:
    """Put the configuration of a file in force."""
    speech, file = session.speech, chosen.file
    checked = session.offline().check(file)
    if checked["cluster"] is None:
        if chosen.json:
            speech.out(json.dumps({"plan": None, "result": None, **checked}, ensure_ascii=False, indent=2))
        tell(file, checked["problems"], speech)
        return FAILED
    tell(file, checked["problems"], speech)
    return _change(session, chosen, {"text": file.read_text(encoding="utf-8", errors="replace")})


def rollback(session: Session, chosen: Namespace) -> int:
    """Put the content of an earlier version in force, as a new version."""
    return _change(session, chosen, {"version": chosen.version})


def _change(session: Session, chosen: Namespace, what: Json) -> int:
    speech = session.speech
    with session.connect() as client:
        by = {"who": user(), "why": chosen.why}
        plan = client.ask("config.plan", PLAN_TIMEOUT_S, course=chosen.dry_run, **what, **by)
        speech.learn(client.language)
        if not plan["usable"]:
            tell(getattr(chosen, "file", Path("-")), plan["problems"], speech)
            return FAILED
        if not chosen.json:
            _show_plan(plan, speech)
        if not plan["differences"] or chosen.dry_run:
            if chosen.json:
                speech.out(json.dumps({"plan": plan, "result": None}, ensure_ascii=False, indent=2))
            return DONE if _possible(plan) else FAILED
        if not chosen.yes and not sure(ASKS.said(version=plan["version"]), speech):
            return FAILED
        result = _follow(client, {**what, **by, "base": plan["base"], "wait": chosen.wait}, speech, quiet=chosen.json)
    if result["accepted"] and not chosen.json:
        _what_is_left(plan["differences"], speech)
    if chosen.json:
        speech.out(json.dumps({"plan": plan, "result": result}, ensure_ascii=False, indent=2))
    return DONE if result["accepted"] else FAILED


def _what_is_left(differences: list[Json], speech: Speech) -> None:
    """What has to be done on nodes that come or go."""
    for each in differences:
        section, _, node = each["path"].partition("/")
        if section == "nodes" and each["kind"] != "changed" and "/" not in node:
            message = NODE_ADDED if each["kind"] == "added" else NODE_REMOVED
            said = message.said(node=node)
            speech.out(speech.paint(speech.said(said), "yellow" if said.level == "warning" else ""))


def _possible(plan: Json) -> bool:
    return plan["course"] is None or plan["course"]["accepted"] is not False


def _show_plan(plan: Json, speech: Speech) -> None:
    if not plan["differences"]:
        speech.out(speech.said(SAME.said(version=plan["base"])))
        return
    for line in _lines(plan["differences"], speech):
        speech.out(line)
    speech.out()
    for said in plan["consequences"]:
        speech.out(speech.paint(speech.said(said), "yellow" if said["level"] != "info" else ""))
    if plan["course"] is not None:
        speech.out()
        for line in draw(plan["course"], speech):
            speech.out(line)


def _lines(differences: list[Json], speech: Speech, indent: str = "") -> list[str]:
    return [indent + speech.paint(each["line"], _SHADES.get(each["line"][:1], "")) for each in differences]


def _follow(client: Client, args: Json, speech: Speech, *, quiet: bool) -> Json:
    """Show how far it is; the last item."""
    last: Json = {}
    shown: list[str] = []
    for last in client.follow("config.apply", None, **args):
        lines = [speech.said(each) for each in last["pending"]]
        if last["awaited"]:
            lines.append(speech.said(look(last["agreed"], last["awaited"])))
        for line in lines:
            if line not in shown and not quiet:
                speech.out("  " + speech.paint(line, "dim"))
        shown = lines
    if not quiet:
        further = [each for each in last["objections"] if each["en"] not in last["said"]["en"]]
        for each in further:
            speech.err(speech.said(each))
        (speech.out if last["accepted"] else speech.err)(speech.said(last["said"]))
    return last


def look(agreed: list[str], awaited: list[str]) -> Said:
    """Which nodes have judged it, and which have still to."""
    if not agreed:
        return FIRST_LOOK.said(awaited=", ".join(awaited))
    return LOOK.said(agreed=", ".join(agreed), awaited=", ".join(awaited))


def differ(session: Session, chosen: Namespace) -> int:
    """Show what differs between two versions."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("config.diff", PLAN_TIMEOUT_S, old=chosen.old, new=chosen.new)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
    elif not answer["differences"]:
        speech.out(speech.said(NO_DIFFERENCE.said(old=answer["old"], new=answer["new"])))
    else:
        for line in _lines(answer["differences"], speech):
            speech.out(line)
    return DONE


def history(session: Session, chosen: Namespace) -> int:
    """List the versions, the newest last."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("config.history", PLAN_TIMEOUT_S)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    for each in answer["versions"]:
        if each["trouble"] is not None:
            speech.out(speech.paint(speech.said(each["trouble"]), "red"))
            continue
        speech.out(_headline(each, speech))
        for line in _lines(each["differences"] or [], speech, "      "):
            speech.out(line)
    return DONE


def _headline(version: Json, speech: Speech) -> str:
    mark = speech.paint("*", "green") if version["holds"] else " "
    at = version["at"].replace("T", " ").replace("Z", " UTC")
    who = "@".join(filter(None, (version["who"], version["origin"]))) or speech.pick("not known here", "不明")
    why = f"  {version['why']}" if version["why"] not in ("", NOT_SAID) else ""
    return f"{mark} {version['version']:>3}  {at}  {who}{why}"


def show(session: Session, chosen: Namespace) -> int:
    """Show the configuration in force, or a version, complete with every default; or the file it was made from."""
    speech = session.speech
    with session.connect() as client:
        if chosen.version is None and not chosen.yaml:
            speech.out(json.dumps(client.ask("config.show")["cluster"], ensure_ascii=False, indent=2))
            return DONE
        answer = client.ask("config.version", PLAN_TIMEOUT_S, version=chosen.version)
        speech.learn(client.language)
    if not chosen.yaml:
        speech.out(json.dumps(answer["cluster"], ensure_ascii=False, indent=2))
        return DONE
    if not answer["text"].strip() or _TAKEN_OVER.match(answer["text"]):
        speech.err(speech.said(NO_TEXT.said(version=answer["version"])))
        return FAILED
    speech.out(answer["text"].rstrip("\n"))
    return DONE
