"""The picture of a course: what would happen, step by step. Pure: an answer of the daemon in, lines out."""

from collections.abc import Mapping
from typing import Any

from komainu.cli.picture import colour, sign
from komainu.cli.speech import Colour, Speech, columns, padded

Json = Mapping[str, Any]

IMAGINED = "KM5481"
"What the imagined checks find; `komainu.agent.shown.what_if` declares it."

_LEVELS: dict[str, Colour] = {"warning": "yellow", "error": "red"}


def draw(course: Json, speech: Speech) -> list[str]:
    """The whole picture."""
    lines = [
        speech.paint(speech.pick("Nothing is changed: this would happen.", "変更は行いません。予想される経過:"), "bold")
    ]
    if course["said"] is not None and not _told_below(course):
        lines.append(speech.paint(f"  {speech.said(course['said'])}", "" if course["accepted"] else "red"))
    if course["accepted"] is False:
        return lines
    for moment in course["moments"]:
        lines += _moment(moment, speech)
    if not course["complete"]:
        lines.append(
            "  " + speech.pick("... it does not come to rest; told as far as it went", "... 収束しないため途中まで")
        )
    lines += ["", speech.paint(speech.pick("What becomes of it", "結果"), "bold"), *_ends(course, speech)]
    lines += [
        "",
        speech.paint(
            speech.pick(
                "Times are the configured waits; what starts and stops take comes on top. "
                "~ is assumed: that actions succeed, and that nothing else happens.",
                "時間は設定された待ち時間のみで、起動と停止の所要時間は含みません。"
                "~ は仮定です (処理は成功し、他に何も起きないものとします)。",
            ),
            "dim",
        ),
    ]
    return lines


def _told_below(course: Json) -> bool:
    """The answer is an alert as well: it stands at its moment."""
    return any(alert["en"] == course["said"]["en"] for moment in course["moments"] for alert in moment["alerts"])


def _moment(moment: Json, speech: Speech) -> list[str]:
    """The lines of one step; none when nothing would be seen of it."""
    if not (moment["actions"] or moment["changes"] or moment["alerts"]):
        return []
    head = f"{_time(moment['at_ms']):>9}  {'~' if moment['assumed'] else ' '} "
    lines = [speech.paint(head, "dim") + speech.said(moment["text"])]
    gap = " " * 13
    for alert in moment["alerts"]:
        if alert["code"] == IMAGINED:
            continue  # what was asked need not be told again
        lines.append(gap + speech.paint(f"! {speech.said(alert)}", _LEVELS.get(alert["level"], "dim")))
    lines += [f"{gap}→ {speech.said(action['text'])}" for action in moment["actions"]]
    for change in moment["changes"]:
        now = speech.paint(change["now"], colour(change["now"]))
        where = f" ({change['node']})" if change["what"] != "node" and change["node"] else ""
        before = f"{change['before']} → " if change["before"] not in ("", change["now"]) else ""
        lines.append(f"{gap}{change['name']}: {before}{now}{where}")
    return lines


def _ends(course: Json, speech: Speech) -> list[str]:
    rows = [(each["name"], each["after"]["status"], each["after"]["node"] or "-") for each in course["groups"]]
    rows = [(each["name"], each["after"]["status"], "") for each in course["nodes"]] + rows
    widths = columns(rows)
    lines: list[str] = []
    for row, each in zip(rows, (*course["nodes"], *course["groups"]), strict=True):
        name, status, node = row
        shade = colour(status)
        word = speech.paint(padded(status, widths[1]) if node else status, shade)
        cells = (padded(name, widths[0]), word, node) if node else (padded(name, widths[0]), word)
        lines.append(f"  {speech.paint(sign(status), shade)} {'  '.join(cells)}")
        before, after = each["before"], each["after"]
        if after["why"] is not None and (before is None or after != before):
            lines.append("      " + speech.paint(f"└ {speech.said(after['why'])}", "dim"))
    return lines


def _time(ms: int) -> str:
    """Short, and exact to a tenth of a second."""
    seconds, tenth = ms // 1000, ms % 1000 // 100
    if seconds < 60:
        return f"{seconds}.{tenth} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
