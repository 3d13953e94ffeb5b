"""`komainu events` and `komainu explain`: what happened, and why."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from komainu.cli.picture import colour
from komainu.cli.session import AsJson, Lang, Session
from komainu.cli.speech import Colour, Speech

Json = dict[str, Any]

_LEVELS: dict[str, Colour] = {"info": "", "warning": "yellow", "error": "red"}
_VERBS = {
    "StartResource": ("start {resource} on {node}", "{node} で {resource} を起動"),
    "StopResource": ("stop {resource} on {node}", "{node} で {resource} を停止"),
    "ProbeNode": ("find out what runs on {node}", "{node} の状態を確認"),
    "FenceNode": ("fence {target} from {node}", "{node} から {target} を強制停止"),
}
_RESULTS = {"succeeded": ("succeeded", "成功"), "failed": ("failed", "失敗"), "unknown": ("unknown", "不明")}


def events(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And what comes, until Ctrl-C.")] = False,
    last: Annotated[int, typer.Option("-n", "--last", min=0, max=1000, help="So many of the last entries.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")] = False,
    lang: Lang = None,
) -> None:
    """Show the journal of this node: what was delivered, what changed, what was raised."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        for entry in client.follow("events", last=last, follow=follow):
            speech.learn(client.language)
            if as_json:
                speech.out(json.dumps(entry, ensure_ascii=False))
                continue
            for line in _entry(entry, speech):
                speech.out(line)


def explain(
    ctx: typer.Context,
    last: Annotated[int, typer.Option("-n", "--last", min=1, max=1000, help="So many of the last actions.")] = 10,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Say why the last actions were taken, and what this configuration protects from."""
    session: Session = ctx.obj
    speech = session.speak(lang)
    with session.connect() as client:
        answer = client.ask("explain", last=last)
        speech.learn(client.language)
    if as_json:
        speech.out(json.dumps(answer, ensure_ascii=False, indent=2))
        return
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
        if action["action"] in _VERBS:
            yield f"{speech.paint(time, 'dim')}    → {_verb(action, speech)}"
    for change in changes:
        where = f" ({change['node']})" if change["what"] == "group" and change["node"] else ""
        before = f"{change['before']} → " if change["before"] else ""
        now = speech.paint(change["now"], colour(change["now"]))
        yield f"{speech.paint(time, 'dim')}    {change['name']}: {before}{now}{where}"


def _action(action: Json, speech: Speech) -> Iterator[str]:
    result = action["result"]
    word = speech.pick(*_RESULTS[result]) if result in _RESULTS else speech.pick("under way", "実行中")
    shade: Colour = {"succeeded": "green", "failed": "red", "unknown": "yellow"}.get(str(result), "dim")  # type: ignore[assignment]
    took = f" ({action['took_ms']} ms)" if action["took_ms"] is not None else ""
    yield ""
    yield f"{speech.paint(_time(action['at']), 'dim')}  {_verb(action, speech)}: {speech.paint(word, shade)}{took}"
    for depth, said in enumerate(action["because"]):
        yield "    " + "  " * depth + speech.paint("└ ", "dim") + speech.said(said)
    if action["said"] is not None:
        yield "    " + speech.paint(speech.said(action["said"]), shade)
    if action["detail"].strip():
        yield "    " + speech.paint(action["detail"].strip(), "dim")


def _verb(action: Json, speech: Speech) -> str:
    en, ja = _VERBS[action["action"]]
    return speech.pick(en, ja).format(**action)


def _time(at: str) -> str:
    """The time of an entry in the reader's time zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%m-%d %H:%M:%S.%f")[:-3]
