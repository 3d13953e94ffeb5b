"""`komainu events` and `komainu explain`: what happened, and why; and what the configuration protects from."""

import json
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from komainu.cli import safety
from komainu.cli.picture import colour
from komainu.cli.session import DONE, WRONG_USAGE, Commands, Session
from komainu.cli.speech import Colour, Speech
from komainu.model.message import Message

Json = dict[str, Any]
MOST = 1000
"So many entries the daemon has at hand."

NOT_OF_A_FILE = Message(
    "KM6124",
    "A file has no last actions: `--config` goes with `komainu explain safety`.",
    "ファイルには動作の記録がありません。`--config` は `komainu explain safety` と一緒に指定してください。",
    "error",
)

_LEVELS: dict[str, Colour] = {"info": "", "warning": "yellow", "error": "red"}
_RESULTS = {"succeeded": ("succeeded", "成功"), "failed": ("failed", "失敗"), "unknown": ("unknown", "不明")}


def register(commands: Commands) -> None:
    """Add the commands."""
    (
        commands.add(
            "events",
            ("show the journal of this node", "このノードのジャーナルを表示する"),
            events,
        )
        .switch("-f", "--follow", ("and what comes, until Ctrl-C", "新しい記録も表示し続ける (Ctrl-C で終了)"))
        .option("-n", "--last", ("so many of the last entries", "表示する件数"), metavar="N", type=_count, default=50)
        .switch("--json", ("for programs: one JSON object a line", "プログラム向けに 1 行 1 件の JSON で出力する"))
    )
    (
        commands.add(
            "explain",
            (
                "say why the last actions were taken; `explain safety`: what a configuration protects from",
                "最近の動作の理由を表示する。`explain safety` は構成の安全性を説明する",
            ),
            explain,
        )
        .value(
            "about",
            "safety",
            (
                "what the configuration protects from, and what it does not; no daemon is asked",
                "この構成が何から守り、何から守らないか (デーモンは不要)",
            ),
            nargs="?",
            choices=("safety",),
        )
        .option(
            "--config",
            (
                "with `safety`: explain this file instead of the configuration of this node",
                "`safety` で説明するファイル",
            ),
            metavar="FILE",
            type=Path,
        )
        .option("-n", "--last", ("so many of the last actions", "表示する件数"), metavar="N", type=_count, default=10)
        .switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
    )


def events(session: Session, chosen: Namespace) -> int:
    """Show what was delivered, what changed, what was raised."""
    speech = session.speech
    with session.connect() as client:
        for entry in client.follow("events", last=chosen.last, follow=chosen.follow):
            speech.learn(client.language)
            if chosen.json:
                speech.out(json.dumps(entry, ensure_ascii=False))
                continue
            for line in _entry(entry, speech):
                speech.out(line)
    return DONE


def explain(session: Session, chosen: Namespace) -> int:
    """Show the safety statement, and the causes of the last actions."""
    speech = session.speech
    if chosen.about == "safety":
        return safety.explain(session, chosen.config, json_wanted=chosen.json)
    if chosen.config is not None:
        speech.err(speech.said(NOT_OF_A_FILE.said()))
        return WRONG_USAGE
    with session.connect() as client:
        answer = client.ask("explain", last=chosen.last)
        speech.learn(client.language)
    if chosen.json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    speech.out(speech.paint(speech.pick("What this configuration protects from", "この構成の安全性"), "bold"))
    for said in answer["statement"]:
        speech.out(f"  {speech.said(said)}")
    speech.out()
    speech.out(speech.paint(speech.pick("The last actions, and why", "最近の動作とその理由"), "bold"))
    if not answer["actions"]:
        speech.out("  " + speech.pick("None yet.", "まだありません。"))
    for action in answer["actions"]:
        for line in _action(action, speech):
            speech.out(line)
    return DONE


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"1 to {MOST}")
    return int(text)


def _entry(entry: Json, speech: Speech) -> Iterator[str]:
    """The lines of one entry; none when there is nothing an administrator would want to read."""
    alerts, changes, actions = entry.get("alerts", []), entry.get("changes", []), entry.get("actions", [])
    time = _time(entry["at"])
    text = speech.said(entry.get("text"))
    if text:
        yield f"{speech.paint(time, 'dim')}  {text}"
    for alert in alerts:
        detail = f" [{alert['detail'].strip()}]" if alert.get("detail", "").strip() else ""
        line = f"{alert['code']} {speech.said(alert)}{detail}"
        yield f"{speech.paint(time, 'dim')}  {speech.paint(line, _LEVELS.get(alert['level'], ''))}"
    for action in actions:
        if action.get("text"):
            yield f"{speech.paint(time, 'dim')}    → {speech.said(action['text'])}"
    for change in changes:
        where = f" ({change['node']})" if change["what"] == "group" and change["node"] else ""
        before = f"{change['before']} → " if change["before"] not in ("", change["now"]) else ""
        now = speech.paint(change["now"], colour(change["now"]))
        yield f"{speech.paint(time, 'dim')}    {change['name']}: {before}{now}{where}"


def _action(action: Json, speech: Speech) -> Iterator[str]:
    result = action["result"]
    word = speech.pick(*_RESULTS[result]) if result in _RESULTS else speech.pick("under way", "実行中")
    shade: Colour = {"succeeded": "green", "failed": "red", "unknown": "yellow"}.get(str(result), "dim")  # type: ignore[assignment]
    took = f" ({action['took_ms']} ms)" if action["took_ms"] is not None else ""
    yield ""
    time, text = speech.paint(_time(action["at"]), "dim"), speech.said(action["text"])
    yield f"{time}  {text}: {speech.paint(word, shade)}{took}"
    for depth, said in enumerate(_chain(action["because"])):
        yield "    " + "  " * depth + speech.paint("└ ", "dim") + speech.said(said)
    if action["said"] is not None:
        yield "    " + speech.paint(speech.said(action["said"]), shade)
    if action["detail"].strip():
        yield "    " + speech.paint(action["detail"].strip(), "dim")


def _chain(because: list[Json]) -> list[Json]:
    """From what happened last to what it all began with; a cause that is its own cause is said once."""
    return [said for index, said in enumerate(because) if index == 0 or said != because[index - 1]]


def _time(at: str) -> str:
    """The time of an entry in the reader's time zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%m-%d %H:%M:%S.%f")[:-3]
