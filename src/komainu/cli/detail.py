"""The picture of one object, and of all monitors. Pure: an answer of the daemon in, lines out."""

from collections.abc import Mapping, Sequence
from typing import Any

from komainu.cli.picture import colour, sign, suspension, under_way, used
from komainu.cli.speech import Speech, columns, padded, times, width

Json = Mapping[str, Any]
Pair = tuple[str, str]

_KINDS = {
    "node": ("node", "ノード"),
    "group": ("group", "グループ"),
    "resource": ("resource", "リソース"),
    "monitor": ("monitor", "モニタ"),
}


def draw_object(told: Json, speech: Speech) -> list[str]:
    """One object: how it is, why, and what surrounds it."""
    kind = told["kind"]
    it = told[kind]
    shade = colour(it["status"])
    where = f"  {it['node']}" if kind != "node" and it["node"] else ""
    head = f"{speech.paint(sign(it['status']), shade)} {speech.paint(it['name'], 'bold')}  "
    lines = [head + f"{speech.paint(it['status'], shade)}{where}  " + speech.paint(speech.pick(*_KINDS[kind]), "dim")]
    if told["maintenance"]:
        text = speech.pick("MAINTENANCE: nothing is recovered.", "メンテナンスモード: 復旧処理は行いません。")
        lines.insert(0, speech.paint(text, "red"))
    lines = [*suspension({"suspended": told.get("suspended", False)}, speech), *lines]
    pairs = {"node": _node, "group": _group, "resource": _resource, "monitor": _monitor}[kind](told, speech)
    shown = [(name, value) for name, value in pairs if value]
    indent = max((width(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *rest = value.split("\n")
        lines.append(f"  {speech.paint(padded(name, indent), 'dim')}  {first}")
        lines += [f"  {' ' * indent}  {each}" for each in rest]
    if kind == "group":
        lines += ["", speech.paint(speech.pick("Resources", "リソース"), "bold"), *_parts(it["resources"], speech)]
    if told["monitors"] and kind != "monitor":
        lines += ["", speech.paint(speech.pick("Monitors", "モニタ"), "bold")]
        lines += [f"  {line}" for line in monitor_lines(told["monitors"], speech)]
    return lines + under_way(told["pending"], told["timers"], speech)


def monitor_lines(monitors: Sequence[Json], speech: Speech) -> list[str]:
    """One line for each monitor and node, and the reasons."""
    rows: list[tuple[str, ...]] = []
    reasons: list[str] = []
    for monitor in monitors:
        for number, each in enumerate(monitor["on"]):
            name = monitor["name"] if number == 0 else ""
            rows.append((name, each["status"], each["node"], monitor["type"] if number == 0 else ""))
            plain = each["status"] in ("Normal", "Unused") and not each["simulated"]
            reasons.append("" if plain else speech.said(each["why"]))
    widths = columns(rows)
    lines: list[str] = []
    for row, reason in zip(rows, reasons, strict=True):
        name, status, *rest = (padded(cell, size) for cell, size in zip(row, widths, strict=True))
        shade = colour(row[1])
        line = f"{speech.paint(sign(row[1]), shade)} {name}  {speech.paint(status, shade)}  {'  '.join(rest)}"
        lines.append(line.rstrip())
        if reason:
            lines.append("    " + speech.paint(f"└ {reason}", "dim"))
    return lines


def _node(told: Json, speech: Speech) -> list[Pair]:
    node = told["node"]
    return [
        (speech.pick("why", "理由"), speech.said(node["why"])),
        (speech.pick("interconnects", "インタコネクト"), ", ".join(node["links"])),
        (speech.pick("presence", "参加状態"), node["presence"]),
        (speech.pick("counts as gone by", "停止とみなす根拠"), node["proof"] or ""),
        (speech.pick("suspended", "サスペンド"), _yes(node["suspended"], speech)),
        (speech.pick("without right", "動作する権利なし"), _yes(node.get("powerless", False), speech)),
        (speech.pick("leaving, then", "離脱後の動作"), node["then"] or ""),
    ]


def _group(told: Json, speech: Speech) -> list[Pair]:
    group = told["group"]
    counted = f"{group['failovers_counted']}/{group['failover_limit']}"
    return [
        (speech.pick("why", "理由"), speech.said(group["hindrance"] or group["why"])),
        (speech.pick("because", "経緯"), "\n".join(speech.said(said) for said in group["because"])),
        (speech.pick("startable on", "起動可能ノード"), ", ".join(group["nodes"])),
        (speech.pick("wanted", "望まれる状態"), group["wanted"]),
        (
            speech.pick("exclusive", "排他リソース"),
            speech.pick(*(("yes", "はい") if group["exclusive"] else ("no", "いいえ"))),
        ),
        (speech.pick("failovers", "フェイルオーバ"), f"{group['failovers']}"),
        (speech.pick("against its limit", "上限に対する回数"), counted),
        (speech.pick("failed on", "異常となったノード"), ", ".join(group["barred"])),
        (speech.pick("recovery given up", "復旧の断念"), _yes(group["given_up"], speech)),
        (speech.pick("stopped by itself", "単独停止"), ", ".join(group["parked"])),
        (speech.pick("may run on", "動作の可能性があるノード"), ", ".join(group["may_run_on"])),
    ]


def _resource(told: Json, speech: Speech) -> list[Pair]:
    resource, left = told["resource"], told["resource"]["left"]
    ready = resource["ready_here"]
    unready = speech.said(ready["why"]) if ready is not None and ready["result"] != "succeeded" else ""
    budget = speech.pick(
        f"{times(left['starts'], 'start')}, {times(left['restarts'], 'reactivation')}, "
        f"{times(left['failovers'], 'failover')}",
        f"活性 {left['starts']} 回、再活性 {left['restarts']} 回、フェイルオーバ {left['failovers']} 回",
    )
    return [
        (speech.pick("why", "理由"), speech.said(resource["why"])),
        (speech.pick("group", "グループ"), told["group"]["name"]),
        (speech.pick("type", "タイプ"), f"{resource['type']} {resource['label']}".rstrip()),
        (speech.pick("depends on", "依存先"), ", ".join(resource["depends_on"])),
        (speech.pick("exclusive", "排他リソース"), _yes(resource["exclusive"], speech)),
        (speech.pick("used up", "復旧の使用回数"), used(resource, speech)),
        (speech.pick("left", "復旧の残り回数"), budget),
        (speech.pick("not ready here", "このノードの準備不足"), unready),
    ]


def _monitor(told: Json, speech: Speech) -> list[Pair]:
    monitor = told["monitor"]
    where = "\n".join(
        f"{each['node']}  {speech.paint(each['status'], colour(each['status']))}"
        + (f"  {speech.said(each['why'])}" if each["why"] is not None else "")
        for each in monitor["on"]
    )
    left = "\n".join(f"{each['node']}  {each['restarts_left']}/{monitor['restarts']}" for each in monitor["on"])
    return [
        (speech.pick("type", "タイプ"), monitor["type"]),
        (speech.pick("on", "ノード別"), where),
        (speech.pick("belongs to", "付属元リソース"), monitor["resource"] or ""),
        (speech.pick("watches", "監視対象"), monitor["watches"] or speech.pick("always", "常時")),
        (speech.pick("recovers", "回復対象"), monitor["recovers"]),
        (speech.pick("reactivations left", "再活性の残り"), left),
        (speech.pick("failovers left", "フェイルオーバの残り"), f"{monitor['failovers_left']}/{monitor['failovers']}"),
        (speech.pick("final action", "最終動作"), monitor["final_action"]),
    ]


def _parts(resources: Sequence[Json], speech: Speech) -> list[str]:
    rows = [
        (each["name"], each["status"], each["node"] or "-", f"{each['type']} {each['label']}".rstrip())
        for each in resources
    ]
    widths = columns(rows)
    lines: list[str] = []
    for row, each in zip(rows, resources, strict=True):
        name, status, *rest = (padded(cell, size) for cell, size in zip(row, widths, strict=True))
        shade = colour(each["status"])
        line = f"  {speech.paint(sign(each['status']), shade)} {name}  {speech.paint(status, shade)}  {'  '.join(rest)}"
        lines.append(line.rstrip())
        reason = " · ".join(text for text in (speech.said(each["why"]), used(each, speech)) if text)
        if reason:
            lines.append("      " + speech.paint(f"└ {reason}", "dim"))
    return lines


def _yes(value: bool, speech: Speech) -> str:
    return speech.pick("yes", "はい") if value else ""
