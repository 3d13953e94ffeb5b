"""`komainu lease init|show|check`: the vote record and its store (N3)."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from komainu.cli.command import sure, user
from komainu.cli.picture import duration
from komainu.cli.session import DONE, FAILED, Commands, Session
from komainu.cli.speech import Colour, Speech, padded, width
from komainu.model.message import Message

STORE_TIMEOUT_S = 30.0
"The daemon examines the store for 20 s at most, and answers by then."

REPLACES = Message(
    "KM6116",
    "The vote record above is replaced by a new one that nobody owns. Do this only when the record cannot be used, and "
    "never to end a wait: what it says of complete copies is kept as far as it can be read.",
    "上記の投票レコードを、所有者のない新しいレコードに置き換えます。レコードを使用できない場合にのみ実行してください。"
    "待機を終わらせる目的で実行しないでください。完全なコピーに関する記録は、読み取れる限り引き継ぎます。",
    "warning",
)
FINE = Message(
    "KM6117",
    "The store keeps its promises, from all nodes, and the record can be used.",
    "投票先は全ノードから正しく動作し、投票レコードも使用できます。",
)

Json = Mapping[str, Any]
_SHADES: Mapping[str, Colour] = {"error": "red", "warning": "yellow", "info": "dim"}


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("lease", ("the vote record of arbitration `lease`", "第三の投票 (lease) のレコード"))
    as_json = ("for programs: one JSON value", "プログラム向けに JSON で出力する")
    text = ("write the first record, with all nodes together", "最初のレコードを作成する (全ノードの参加が必要)")
    replace = ("also in the place of one that is there", "既存のレコードを置き換える")
    arguments = below.add("init", text, init).switch("--replace", replace)
    arguments.switch("--yes", ("do not ask", "確認の問い合わせをしない")).switch("--json", as_json)
    below.add("show", ("show the record and its store", "レコードと投票先を表示する"), show).switch("--json", as_json)
    text = ("prove from every node that the store keeps its promises", "全ノードから投票先の動作を検証する")
    below.add("check", text, check).switch("--json", as_json)


def init(session: Session, chosen: Namespace) -> int:
    """Write the record. Before one is replaced it is shown, and exactly that one is replaced."""
    speech = session.speech
    args: dict[str, Any] = {"replace": chosen.replace, "who": user()}
    with session.connect() as client:
        if chosen.replace and not chosen.yes:
            seen = client.ask("lease.show", STORE_TIMEOUT_S)
            speech.learn(client.language)
            if seen["version"] is not None:
                for line in draw(seen, speech):
                    speech.err(line)
                speech.err("")
                if not sure(REPLACES.said(), speech):
                    return FAILED
            args["version"] = seen["version"]
        answer = client.ask("lease.init", STORE_TIMEOUT_S, **args)
        speech.learn(client.language)
    speech.out(json.dumps(answer, ensure_ascii=False, indent=2) if chosen.json else speech.said(answer["said"]))
    return DONE


def show(session: Session, chosen: Namespace) -> int:
    """Show the record; failed when there is none that can be used."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("lease.show", STORE_TIMEOUT_S)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        for line in draw(answer, speech):
            speech.out(line)
    return DONE if answer["trouble"] is None else FAILED


def check(session: Session, chosen: Namespace) -> int:
    """Examine the store."""
    speech = session.speech
    with session.connect() as client:
        answer = client.ask("lease.check", STORE_TIMEOUT_S)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE if answer["good"] else FAILED
    for line in examined(answer, speech):
        speech.out(line)
    if answer["good"]:
        speech.out(speech.said(FINE.said()))
    return DONE if answer["good"] else FAILED


def draw(told: Json, speech: Speech) -> list[str]:
    """The record in words, and the store. Pure."""
    took = speech.pick(f"answered within {told['took_ms']} ms", f"応答 {told['took_ms']} ms")
    where = ", ".join(f"{name}={value}" for name, value in told["params"].items())
    rows = [(speech.pick("store", "投票先"), f"{told['type']} ({where}), {took}")]
    record = told["record"]
    if record is not None:
        rows += _record(record, told, speech)
    times = f"E {duration(told['right_ms'])}, D {duration(told['wait_ms'])}"
    rows.append((speech.pick("in force here", "現在の設定"), times))
    known = ", ".join(
        f"{each['node']} " + (str(each["epoch"]) if each["epoch"] is not None else speech.pick("silent", "応答なし"))
        for each in told["known"]
    )
    rows.append((speech.pick("highest epoch seen by", "確認済みの最大エポック"), known))
    indent = max(width(name) for name, _ in rows)
    lines = [f"{speech.paint(padded(name, indent), 'dim')}  {value}" for name, value in rows]
    if told["trouble"] is not None:
        lines.append(speech.paint(f"✗ {speech.said(told['trouble'])}", "red"))
    return lines


def _record(record: Json, told: Json, speech: Speech) -> list[tuple[str, str]]:
    owner, alone = record["owner"], record["mode"] == "alone"
    if owner is None:
        holds = speech.pick("nobody", "なし")
    elif alone:
        holds = speech.pick(f"{owner}, which acts alone", f"{owner} (単独で動作中)")
    else:
        holds = speech.pick(f"{owner} had it last; nobody acts alone", f"{owner} が最後に取得 (単独動作なし)")
    since = told["known_for_ms"]
    known = speech.pick("for longer than this node looks", "このノードの確認以前から")
    if since is not None:
        known = speech.pick(f"for {duration(since)}, as seen here", f"{duration(since)} 前から (このノードの確認)")
    copies = "; ".join(f"{mirror}: {', '.join(nodes)}" for mirror, nodes in record["current"].items())
    by = speech.pick(
        f"configuration {record['config']} of cluster {record['cluster']}, D {duration(record['wait_ms'])}",
        f"クラスタ {record['cluster']} の構成情報 {record['config']}、D {duration(record['wait_ms'])}",
    )
    rows = [
        (speech.pick("vote", "投票権"), holds),
        (speech.pick("epoch", "エポック"), str(record["epoch"])),
        (speech.pick("unchanged", "変化なし"), known),
        (speech.pick("written under", "作成時の設定"), by),
    ]
    return [*rows, (speech.pick("complete copies", "完全なコピー"), copies)] if copies else rows


def examined(told: Json, speech: Speech) -> list[str]:
    """What each node found, and what is wrong with the record. Pure."""
    lines: list[str] = []
    for node in told["nodes"]:
        bad = any(each["level"] == "error" for each in node["findings"]) or not node["answered"]
        mark = speech.paint("✗", "red") if bad else speech.paint("●", "green")
        took = f"{node['took_ms']} ms" if node["took_ms"] is not None else ""
        lines.append(f"{mark} {node['node']}  {took}".rstrip())
        lines += _findings(node["findings"], speech)
    if told["record"]:
        lines.append(f"{speech.paint('✗', 'red')} " + speech.pick("the record", "投票レコード"))
        lines += _findings(told["record"], speech)
    return lines


def _findings(findings: list[Json], speech: Speech) -> list[str]:
    return ["    " + speech.paint(f"└ {speech.said(each)}", _SHADES[each["level"]]) for each in findings]
