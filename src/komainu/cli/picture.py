"""The picture that `komainu status` draws. Pure: an answer of the daemon in, lines out."""

from collections.abc import Mapping, Sequence
from typing import Any

from komainu.cli.speech import Colour, Speech, columns, padded

Json = Mapping[str, Any]

_GOOD = ("Online", "Normal")
_CALM = ("Offline", "Unused")
_BAD = ("Online Failure", "Offline Failure", "Unknown", "Error")
_STANDING = {
    "connected": ("connected", "接続中"),
    "waiting": ("waiting for the cluster", "クラスタへの接続待ち"),
    "alone": ("alone: cut off from the others", "単独: 他のノードから切断"),
}
_STRENGTH = {"weakest": ("weakest", "最も弱い"), "weak": ("weak", "弱い"), "strong": ("strong", "強い")}


def colour(status: str) -> Colour:
    """Green is well, yellow is on its way or doubtful, red needs somebody."""
    if status in _GOOD:
        return "green"
    if status in _BAD:
        return "red"
    return "dim" if status in _CALM else "yellow"


def sign(status: str) -> str:
    """The same without colours."""
    return {"green": "●", "red": "✗", "dim": "○"}.get(colour(status), "◐")


def draw(status: Json, speech: Speech) -> list[str]:
    """The whole picture."""
    rows = _node_rows(status, speech) + _group_rows(status, speech)
    shared = columns(cells[:2] for cells, _, _ in rows)
    lines = _head(status, speech)
    for kind, title in (("node", ("Nodes", "ノード")), ("group", ("Groups", "グループ"))):
        of_kind = [row for row in rows if row[2].get("kind") == kind]
        if of_kind:
            lines += ["", speech.paint(speech.pick(*title), "bold")]
        widths = shared + columns(cells[2:] for cells, _, _ in of_kind)
        for cells, reason, row in of_kind:
            lines.append(_line(cells, widths, str(row["status"]), str(row.get("monitor", "")), speech))
            if reason:
                lines.append("      " + speech.paint(f"└ {reason}", "dim"))
    return lines + _foot(status, speech)


def _head(status: Json, speech: Speech) -> list[str]:
    cluster, here = status["cluster"], status["here"]
    arbitration = cluster["arbitration"]
    strength = speech.pick(*_STRENGTH[arbitration["strength"]])
    facts = [
        cluster["environment"],
        speech.pick(f"configuration {cluster['version']}", f"構成情報 {cluster['version']}"),
        speech.pick(f"arbitration {arbitration['kind']}", f"アービトレーション {arbitration['kind']}")
        + f" ({strength})",
    ]
    standing = speech.pick(*_STANDING[here["standing"]])
    if here["standing"] == "connected" and not here["synced"]:
        standing = speech.pick("connected, state being put together", "接続中、状態を調整中")
    seen = [standing, speech.pick(f"beat {here['beat_round_trip_ms']} ms", f"ビート {here['beat_round_trip_ms']} ms")]
    good = here["standing"] == "connected" and here["synced"]
    return [
        speech.paint(cluster["name"], "bold") + "  " + speech.paint(" · ".join(facts), "dim"),
        speech.paint(speech.pick(f"seen from {here['node']}", f"{here['node']} から見た状態"), "dim")
        + "  "
        + speech.paint(" · ".join(seen), "dim" if good else "yellow"),
    ]


def _node_rows(status: Json, speech: Speech) -> list[tuple[Sequence[str], str, Json]]:
    rows: list[tuple[Sequence[str], str, Json]] = []
    for node in status["nodes"]:
        cells = (node["name"], node["status"], ", ".join(node["links"]))
        rows.append((cells, speech.said(node["why"]), {"kind": "node", "status": node["status"]}))
    return rows


def _group_rows(status: Json, speech: Speech) -> list[tuple[Sequence[str], str, Json]]:
    rows: list[tuple[Sequence[str], str, Json]] = []
    for group in status["groups"]:
        reason = speech.said(group["hindrance"] or group["why"])
        at = (group["name"], group["status"], group["node"] or "-")
        rows.append((at, reason, {"kind": "group", "status": group["status"]}))
        told = reason
        for resource in group["resources"]:
            monitor = resource["monitor"]
            cells = (f"  {resource['name']}", resource["status"], resource["node"] or "-", resource["type"])
            reason = speech.said(resource["why"] or monitor["why"]) or _unready(resource, speech)
            shown = "" if reason == told else reason
            row = {
                "kind": "group",
                "status": resource["status"],
                "monitor": f"{monitor['name']} {monitor['status']}" if monitor["status"] != "Unused" else "",
            }
            rows.append((cells, shown, row))
    return rows


def _unready(resource: Json, speech: Speech) -> str:
    ready = resource["ready_here"]
    return speech.said(ready["why"]) if ready is not None and ready["result"] != "succeeded" else ""


def _line(cells: Sequence[str], widths: Sequence[int], status: str, monitor: str, speech: Speech) -> str:
    name, word, *rest = cells
    indent = "  " if name.startswith("  ") else ""
    parts = [
        indent + speech.paint(sign(status), colour(status)) + " " + padded(name.strip(), widths[0] - len(indent)),
        speech.paint(padded(word, widths[1]), colour(status)),
        *(padded(cell, widths[index + 2]) for index, cell in enumerate(rest)),
    ]
    if monitor:
        parts.append(speech.paint(monitor, colour(monitor.partition(" ")[2])))
    return ("  " + "  ".join(parts)).rstrip()


def _foot(status: Json, speech: Speech) -> list[str]:
    arbitration = status["cluster"]["arbitration"]
    if arbitration["strength"] == "strong":
        return []
    return ["", *(speech.paint(f"! {speech.said(said)}", "yellow") for said in arbitration["statement"])]
