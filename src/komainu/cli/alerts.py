"""`komainu alerts`: the alert log of the whole cluster, and a test of the notifications (W5)."""

import json
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from komainu.cli.session import DONE, FAILED, WRONG_USAGE, Commands, Session
from komainu.cli.speech import Colour, Speech

Json = dict[str, Any]
MOST = 10_000
"So many alerts a node keeps."
TEST_S = 60.0
"A node that does not answer is told of before that."

_LEVELS: dict[str, Colour] = {"info": "", "warning": "yellow", "error": "red"}
_WORDS = {"info": ("info", "情報"), "warning": ("warning", "警告"), "error": ("error", "エラー")}
_RESULTS: dict[str, tuple[str, str, Colour]] = {
    "succeeded": ("sent", "送信成功", "green"),
    "failed": ("failed", "失敗", "red"),
    "unknown": ("not known", "不明", "yellow"),
}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def register(commands: Commands) -> None:
    """Add the command."""
    (
        commands.add(
            "alerts",
            (
                "show the alerts of all nodes; `alerts test [NAME]` tries the notifications",
                "全ノードのアラートを表示する。`alerts test [NAME]` で通知をテストする",
            ),
            alerts,
        )
        .value(
            "test",
            "test [NAME]",
            ("send a test by this notification, or by all, from every node", "全ノードから通知をテスト送信する"),
            nargs="*",
        )
        .option(
            "--since",
            (
                "from then on: 30s, 15m, 2h, 3d, 1w ago, or a date (and time) of this computer's time zone",
                "この時点以降。30s、15m、2h、3d、1w (前) または日付 (時刻) をローカル時刻で指定する",
            ),
            metavar="WHEN",
            type=_when,
        )
        .option("--until", ("up to then", "この時点まで"), metavar="WHEN", type=_when)
        .option(
            "--level",
            ("from this level on", "この種別以上"),
            choices=tuple(_LEVELS),
            default="info",
        )
        .option(
            "--module", ("of this module: core, aws, ...", "モジュール (core、aws など)"), metavar="WORD", default=""
        )
        .option("--node", ("about or from this node", "対象または発生元のノード"), metavar="NODE", default="")
        .option(
            "--code",
            ("with this code, or codes that begin so", "イベント ID (先頭部分でもよい)"),
            metavar="KM...",
            type=str.upper,
            default="",
        )
        .option("-n", "--last", ("so many of the last ones", "表示する件数"), metavar="N", type=_count, default=100)
        .switch("-f", "--follow", ("and what comes, until Ctrl-C", "新しいアラートも表示し続ける (Ctrl-C で終了)"))
        .switch("--json", ("for programs: one JSON object a line", "プログラム向けに 1 行 1 件の JSON で出力する"))
    )


def alerts(session: Session, chosen: Namespace) -> int:
    """Show alerts, or test the notifications."""
    if chosen.test:
        return _test(session, chosen)
    speech = session.speech
    wanted = {"level": chosen.level, "module": chosen.module, "node": chosen.node, "code": chosen.code}
    wanted |= {"since_ms": chosen.since} if chosen.since is not None else {}
    wanted |= {"until_ms": chosen.until} if chosen.until is not None else {}
    with session.connect() as client:
        operation = "alerts.follow" if chosen.follow else "alerts"
        for alert in client.follow(operation, None if chosen.follow else 30.0, last=chosen.last, **wanted):
            speech.learn(client.language)
            if chosen.json:
                speech.out(json.dumps(alert, ensure_ascii=False))
                continue
            for line in _alert(alert, speech):
                speech.out(line)
    return DONE


def _test(session: Session, chosen: Namespace) -> int:
    """Send a test; the exit code says whether all of them went out."""
    speech = session.speech
    word, *names = chosen.test
    if word != "test" or len(names) > 1:
        words = " ".join(chosen.test)
        speech.err(
            speech.pick(
                f"komainu alerts: `{words}` is not understood. `komainu alerts test [NAME]` sends a test.",
                f"komainu alerts: `{words}` は解釈できません。テスト送信は `komainu alerts test [NAME]` です。",
            )
        )
        return WRONG_USAGE
    well = True
    with session.connect() as client:
        for result in client.follow("alerts.test", TEST_S, name=names[0] if names else None):
            speech.learn(client.language)
            well = well and result["result"] == "succeeded"
            if chosen.json:
                speech.out(json.dumps(result, ensure_ascii=False))
                continue
            for line in _result(result, speech):
                speech.out(line)
    return DONE if well else FAILED


def _alert(alert: Json, speech: Speech) -> Iterator[str]:
    level = speech.pick(*_WORDS[alert["level"]])
    node = alert["node"] or speech.pick("(cluster)", "(クラスタ)")
    shade = _LEVELS[alert["level"]]
    at = datetime.fromisoformat(alert["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    head = f"{level} {alert['module']} {alert['code']} {node}"
    yield f"{speech.paint(at, 'dim')}  {speech.paint(head, shade)}: {speech.said(alert)}"
    if speech.language != "en":
        # Log filters and the books know the English text (T): it stands beside the other one.
        yield "    " + speech.paint(alert["en"], "dim")
    for line in alert["detail"].strip().splitlines():
        yield "    " + speech.paint(line, "dim")


def _result(result: Json, speech: Speech) -> Iterator[str]:
    en, ja, shade = _RESULTS[result["result"]]
    yield f"{result['notification']} ({result['node']}): {speech.paint(speech.pick(en, ja), shade)}"
    if result["said"] is not None:
        yield "    " + speech.said(result["said"])
    for line in result["detail"].strip().splitlines():
        yield "    " + speech.paint(line, "dim")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"1 to {MOST}")
    return int(text)


def _when(text: str) -> int:
    """Milliseconds since 1970: so long ago, or a date with or without a time."""
    now = datetime.now(UTC)
    ago = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    try:
        if ago is not None:
            at = now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        else:
            at = datetime.fromisoformat(text)
        return max(0, int(at.timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError("30s, 15m, 2h, 3d, 1w, 2026-11-22, 2026-11-22T16:00") from None
