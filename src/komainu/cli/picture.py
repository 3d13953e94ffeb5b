"""The picture that `komainu status` draws. Pure: an answer of the daemon in, lines out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from komainu.cli.speech import Colour, Speech, columns, padded, times
from komainu.model.signature import signed

Json = Mapping[str, Any]

_GOOD = ("Online", "Normal")
_CALM = ("Offline", "Unused")
MOST_TIMERS = 5
"More of them are in the JSON."
_BAD = ("Online Failure", "Offline Failure", "Unknown", "Error")
_STANDING = {
    "stopped": ("stopped: `komainu node start` starts it", "停止中: `komainu node start` で開始"),
    "connected": ("connected", "接続中"),
    "waiting": ("waiting for the cluster", "クラスタへの接続待ち"),
    "alone": ("alone: cut off from the others", "単独: 他のノードから切断"),
}
_RESTS_ON = {
    "together": ("all nodes are there", "全ノードが参加"),
    "word": ("an operator's word about the missing nodes", "不在ノードに関する操作者の確認"),
    "vote": ("the vote", "投票権"),
    "majority": ("the majority", "過半数"),
    "nothing": ("nothing", "なし"),
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
    rows = _node_rows(status, speech) + _group_rows(status, speech) + _monitor_rows(status, speech)
    shared = columns(cells[:2] for cells, _, _ in rows)
    lines = _banner(status["cluster"], speech) + _head(status, speech)
    titles = (("node", ("Nodes", "ノード")), ("group", ("Groups", "グループ")), ("monitor", ("Monitors", "モニタ")))
    for kind, title in titles:
        of_kind = [row for row in rows if row[2].get("kind") == kind]
        if of_kind:
            lines += ["", speech.paint(speech.pick(*title), "bold")]
        widths = shared + columns(cells[2:] for cells, _, _ in of_kind)
        for cells, reason, row in of_kind:
            lines.append(_line(cells, widths, str(row["status"]), str(row.get("monitor", "")), speech))
            if reason:
                lines.append("      " + speech.paint(f"└ {reason}", "dim"))
    return lines + under_way(status["pending"], status["timers"], speech) + _foot(status, speech)


def under_way(pending: Sequence[Json], timers: Sequence[Json], speech: Speech) -> list[str]:
    """What is being done and what is waited for; nothing in a quiet cluster."""
    lines: list[str] = []
    if pending:
        lines += ["", speech.paint(speech.pick("Under way", "実行中"), "bold")]
    for each in pending:
        since = (
            speech.pick(f"  since {clock(each['since'])}", f"  {clock(each['since'])} から") if each["since"] else ""
        )
        lines.append(f"  → {speech.said(each['text'])}" + speech.paint(since, "dim"))
    if timers:
        lines += ["", speech.paint(speech.pick("Waiting", "待ち時間"), "bold")]
    rest = sorted(timers, key=lambda each: each["left_ms"] if each["left_ms"] is not None else each["after_ms"])
    for each in rest[:MOST_TIMERS]:
        left = each["left_ms"]
        ms = duration(left if left is not None else each["after_ms"])
        lead = speech.pick(
            f"in {ms}" if left is not None else f"within {ms}", f"{ms} 後" if left is not None else f"{ms} 以内"
        )
        lines.append("  " + speech.paint(padded(lead, 16), "dim") + speech.said(each["text"]))
    if len(rest) > MOST_TIMERS:
        more = len(rest) - MOST_TIMERS
        lines.append("  " + speech.pick(f"... and {more} more: --json shows them", f"... 他 {more} 件 (--json で表示)"))
    return lines


def duration(ms: int) -> str:
    """Short: `0.4 s`, `12 s`, `4:12`, `1:00:00`."""
    seconds = ms // 1000
    if seconds < 10:
        return f"{seconds}.{ms % 1000 // 100} s"
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def clock(iso: str) -> str:
    """The local time of day of a time in UTC."""
    return datetime.fromisoformat(iso).astimezone().strftime("%H:%M:%S")


def _banner(cluster: Json, speech: Speech) -> list[str]:
    """What changes the meaning of all that follows stands before it."""
    lines: list[str] = []
    if cluster["maintenance"]:
        text = speech.pick(
            "MAINTENANCE: nothing is recovered, whatever fails. `komainu maintenance off` ends it.",
            "メンテナンスモード: 異常が発生しても復旧処理を行いません。`komainu maintenance off` で解除します。",
        )
        lines.append(speech.paint(text, "red"))
    lines += suspension(cluster, speech)
    change = cluster["change"]
    if change is not None:
        awaited = ", ".join(change["awaited"]) or "-"
        by = signed(change["who"], change["why"])
        text = speech.pick(
            f"Configuration {change['version']} is being applied ({by}); waiting for: {awaited}",
            f"構成情報 {change['version']} を適用中 ({by})。待ち: {awaited}",
        )
        lines.append(speech.paint(text, "yellow"))
    return lines


def suspension(cluster: Json, speech: Speech) -> list[str]:
    """That the whole cluster is suspended, or is about to be, or to be no more."""
    now = cluster.get("suspension")
    awaited = ", ".join(now["awaited"]) if now is not None else ""
    if now is not None and not now["on"]:
        text = speech.pick(
            f"The suspension of the cluster ends; nodes that have not noted it: {awaited}",
            f"クラスタのサスペンドを解除中です。未確認のノード: {awaited}",
        )
        return [speech.paint(text, "yellow")]
    if cluster["suspended"]:
        text = speech.pick(
            "SUSPENDED: nothing is checked or recovered. `komainu cluster resume` ends it.",
            "サスペンド中: 監視も復旧も行いません。`komainu cluster resume` で解除します。",
        )
        return [speech.paint(text, "red")]
    if now is not None:
        text = speech.pick(
            f"The cluster is about to be suspended; nodes that have not noted it: {awaited}",
            f"クラスタをサスペンドします。未確認のノード: {awaited}",
        )
        return [speech.paint(text, "yellow")]
    return []


def _rights(status: Json, speech: Speech) -> list[str]:
    """What the right to act rests on, and the vote; nothing where rights are not limited."""
    arbitration, here = status["cluster"]["arbitration"], status["here"]
    if arbitration.get("right_ms") is None:
        return []
    basis = str(arbitration["rests_on"])
    told = [speech.pick(*_RESTS_ON[basis])]
    if basis == "vote" and arbitration["voter"] is not None:
        told[0] += f" ({arbitration['voter']})"
    if here.get("right_left_ms") is not None:
        left = duration(here["right_left_ms"])
        told.append(speech.pick(f"right of {here['node']} {left}", f"{here['node']} の権利 残り {left}"))
    told += [f"E {duration(arbitration['right_ms'])}", f"D {duration(arbitration['wait_ms'])}"]
    good = basis in ("together", "vote", "majority") and here.get("right_left_ms") != 0
    lines = [speech.paint(speech.pick("rests on", "動作の根拠"), "dim") + "  " + _dim(told, speech, good=good)]
    vote = here.get("vote")
    if vote is not None:
        lines.append(speech.paint(speech.pick("vote", "投票"), "dim") + "  " + _vote(vote, speech))
    return lines


def _vote(vote: Json, speech: Speech) -> str:
    if vote["epoch"] is None:
        told, good = [speech.pick("not seen yet", "未確認")], True
    else:
        owner = vote["owner"]
        alone = owner is not None and vote["mode"] == "alone"
        who = speech.pick(f"{owner} acts alone", f"{owner} が単独で動作") if alone else ""
        told = [who or speech.pick("nobody acts alone", "単独で動作するノードなし")]
        told.append(speech.pick(f"epoch {vote['epoch']}", f"エポック {vote['epoch']}"))
        since = duration(vote["known_for_ms"] or 0)
        told.append(speech.pick(f"known so for {since}", f"確認後 {since}"))
        good = not alone
    line = _dim(told, speech, good=good)
    return line + ("  " + speech.paint(speech.said(vote["trouble"]), "yellow") if vote["trouble"] is not None else "")


def _dim(told: Sequence[str], speech: Speech, *, good: bool) -> str:
    return speech.paint(" · ".join(told), "dim" if good else "yellow")


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
        + _dim(seen, speech, good=good),
        *_rights(status, speech),
    ]


def _node_rows(status: Json, speech: Speech) -> list[tuple[Sequence[str], str, Json]]:
    rows: list[tuple[Sequence[str], str, Json]] = []
    for node in status["nodes"]:
        cells = (node["name"], node["status"], links(node, status["here"]["heartbeat"], speech))
        rows.append((cells, speech.said(node["why"]), {"kind": "node", "status": node["status"]}))
    return rows


def links(node: Json, heartbeat: Sequence[Json], speech: Speech) -> str:
    """The addresses of a node, each with what is known of the heartbeat to it."""
    seen = {each["link"]: each for each in heartbeat if each["node"] == node["name"]}
    told: list[str] = []
    for number, address in enumerate(node["links"], start=1):
        state = seen[number]["state"] if number in seen else "unknown"
        if state == "down" and node["presence"] in ("member", "agent lost"):
            address = speech.paint(f"{address} ✗ " + speech.pick("no heartbeat", "ハートビートなし"), "red")
        elif state == "up" and seen[number]["latency_us"] is not None and node["presence"] not in ("gone", "lost"):
            address += speech.paint(f" {seen[number]['latency_us'] / 1000:.1f} ms", "dim")
        told.append(address)
    return ", ".join(told)


def _monitor_rows(status: Json, speech: Speech) -> list[tuple[Sequence[str], str, Json]]:
    """Monitors of their own; those of resources stand beside them."""
    rows: list[tuple[Sequence[str], str, Json]] = []
    for monitor in status["monitors"]:
        if monitor["resource"] is not None:
            continue
        same = all(each["status"] == monitor["status"] for each in monitor["on"])
        where = ", ".join(each["node"] if same else f"{each['node']} {each['status']}" for each in monitor["on"])
        cells = (monitor["name"], monitor["status"], monitor["type"], where)
        why = speech.said(monitor["why"]) if monitor["status"] not in ("Normal", "Unused") else ""
        rows.append((cells, why, {"kind": "monitor", "status": monitor["status"]}))
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
            what = f"{resource['type']} {resource['label']}".rstrip()
            cells = (f"  {resource['name']}", resource["status"], resource["node"] or "-", what)
            reason = speech.said(resource["why"] or monitor["why"]) or _unready(resource, speech)
            shown = "" if reason == told else reason
            spent = used(resource, speech)
            shown = " · ".join(each for each in (shown, spent) if each)
            row = {
                "kind": "group",
                "status": resource["status"],
                "monitor": f"{monitor['name']} {monitor['status']}" if monitor["status"] != "Unused" else "",
            }
            rows.append((cells, shown, row))
    return rows


def used(resource: Json, speech: Speech) -> str:
    """How much of its recovery a resource has used up; empty while there is nothing to tell."""
    told: list[str] = []
    left = resource["left"]
    if resource["start_failures"]:
        told.append(
            speech.pick(
                f"{times(resource['start_failures'], 'failed start')}, {times(left['starts'], 'attempt')} left",
                f"活性失敗 {resource['start_failures']} 回、残り {left['starts']} 回",
            )
        )
    if resource["restarts"]:
        told.append(
            speech.pick(
                f"{times(resource['restarts'], 'reactivation')}, {left['restarts']} left",
                f"再活性 {resource['restarts']} 回、残り {left['restarts']} 回",
            )
        )
    return speech.pick("; ", "、").join(told)


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
    told = list(arbitration.get("way_out", ()))
    if arbitration["strength"] != "strong":
        told += arbitration["statement"]
    return ["", *(speech.paint(f"! {speech.said(said)}", "yellow") for said in told)] if told else []
