"""`komainu replay` and `komainu report`: what a journal tells, without a daemon."""

import json
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from komainu.cli.session import DONE, FAILED, WRONG_USAGE, Commands, Session
from komainu.cli.speech import Colour, Speech, columns, padded
from komainu.model.message import Message, Said

FOLDER = Path("/var/lib/komainu/journal")
"The journal of this node."

NOT_WRITTEN = Message("KM6606", "{file} cannot be written ({reason}).", "{file} に書き込めません ({reason})。", "error")
WRITTEN = Message("KM6607", "The report is in {file}.", "報告書を {file} に出力しました。")
ONE_OF_BOTH = Message(
    "KM6608",
    "Name the failover by its number or by --last, not by both.",
    "フェイルオーバは番号または --last のどちらか一方で指定してください。",
    "error",
)

Json = dict[str, Any]

_LEVELS: dict[str, Colour] = {"info": "dim", "warning": "yellow", "error": "red"}


class NotWritten(Exception):
    """The report has no place; `said` says why."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def register(commands: Commands) -> None:
    """Add the commands."""
    (
        commands.add(
            "replay",
            (
                "have the core decide again what a journal tells, and show every difference",
                "ジャーナルの記録をコアで再実行し、決定とその理由、差異を表示する",
            ),
            replay,
        )
        .value(
            "place", "FILE", ("a journal file, or the directory", "ジャーナルのファイルまたはディレクトリ"), type=Path
        )
        .option(
            "--from",
            ("the first entry to show", "表示する最初の番号"),
            dest="first",
            metavar="SEQ",
            type=_seq,
            default=0,
        )
        .option("--to", ("the last one", "表示する最後の番号"), dest="last", metavar="SEQ", type=_seq)
        .switch(
            "-v",
            "--verbose",
            ("timers, and events that led to nothing, too", "タイマや、何も起きなかったイベントも表示する"),
        )
        .switch("--json", ("for programs: one JSON object a line", "プログラム向けに 1 行 1 件の JSON で出力する"))
    )
    (
        commands.add(
            "report",
            (
                "tell the whole story of one failover; without a number, list them",
                "1 回のフェイルオーバの報告書を作成する。番号を省略すると一覧を表示する",
            ),
            report,
        )
        .value("number", "FAILOVER", ("its number in the list", "一覧に表示される番号"), nargs="?", type=_seq)
        .switch("--last", ("the last one", "最後のフェイルオーバ"))
        .switch("--all", ("list what operators ordered, too", "操作による移動・停止も一覧に含める"))
        .option("-o", "--output", ("write it to a file", "ファイルに出力する"), metavar="FILE", type=Path)
        .option(
            "--journal",
            ("another journal than that of this node", "このノード以外のジャーナル"),
            metavar="DIRECTORY",
            type=Path,
            default=FOLDER,
        )
        .option(
            "--with",
            ("a journal of another node, put beside it", "併せて読み込む他ノードのジャーナル"),
            dest="others",
            metavar="DIRECTORY",
            type=Path,
            action="append",
            default=[],
        )
        .switch("--json", ("for programs: one JSON value", "プログラム向けに JSON で出力する"))
    )


def replay(session: Session, chosen: Namespace) -> int:
    """Show every decision with its causes. Exit code 1 when the core decides otherwise than it did."""
    from komainu.api import records  # here: what it imports costs `komainu status` too much

    speech = session.speech
    speech.learn(records.language(chosen.place))
    differences = 0
    for told in records.replay(chosen.place, chosen.first, chosen.last):
        if told["what"] == "summary":
            differences = told["differences"]
        if chosen.json:
            speech.out(json.dumps(told, ensure_ascii=False))
            continue
        for line in _lines(told, speech, verbose=chosen.verbose):
            speech.out(line)
    return FAILED if differences else DONE


def report(session: Session, chosen: Namespace) -> int:
    """List the failovers, or tell of one."""
    from komainu.api import records

    speech = session.speech
    if chosen.number is not None and chosen.last:
        speech.err(speech.said(ONE_OF_BOTH.said()))
        return WRONG_USAGE
    if chosen.number is None and not chosen.last:
        speech.learn(records.language(chosen.journal))
        found = [each for each in records.failovers(chosen.journal) if chosen.all or each["kind"] != "ordered"]
        text = json.dumps(found, ensure_ascii=False, indent=2) if chosen.json else "\n".join(_list(found, speech))
    else:
        story = records.report(chosen.journal, chosen.number, chosen.others)
        speech.learn(story["language"])
        text = (
            json.dumps(story, ensure_ascii=False, indent=2) if chosen.json else records.in_words(story, speech.language)
        )
    if chosen.output is None:
        speech.out(text.rstrip("\n"))
        return DONE
    try:
        chosen.output.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise NotWritten(NOT_WRITTEN.said(file=str(chosen.output), reason=error.strerror or str(error))) from error
    speech.out(speech.said(WRITTEN.said(file=str(chosen.output))))
    return DONE


def _seq(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ArgumentTypeError("a number of the journal")
    return int(text)


def _lines(told: Json, speech: Speech, *, verbose: bool) -> Iterator[str]:
    if told["what"] == "summary":
        yield ""
        yield _summary(told, speech)
    elif told["what"] == "remark":
        said = told["said"]
        yield speech.paint(
            f"{said['code']} {speech.said(said)}", "red" if told["difference"] else _LEVELS[said["level"]]
        )
    else:
        yield from _decision(told, speech, verbose=verbose)


def _decision(told: Json, speech: Speech, *, verbose: bool) -> Iterator[str]:
    actions = [action for action in told["actions"] if verbose or "text" in action]
    if not verbose and not actions and not told["alerts"] and not told["differences"]:
        return
    digest = f"  ✓ {told['digest']}" if verbose and told["digest"] and not told["differences"] else ""
    head = f"{told['seq']:>6}  {_time(told['at'])}"
    rules = f"  rules {told['rules']}" if verbose else ""
    yield f"{speech.paint(head, 'dim')}  {speech.said(told['text'])}{speech.paint(rules + digest, 'dim')}"
    for action in actions:
        words = speech.said(action.get("text")) or _plainly(action)
        yield f"{'':>8}→ {words}"
        because = action.get("because") or []
        chain = [said for index, said in enumerate(because) if said not in because[:index]]
        for depth, said in enumerate(chain):
            yield f"{'':>10}{'  ' * depth}{speech.paint('└ ', 'dim')}{speech.said(said)}"
    for alert in told["alerts"]:
        line = f"{alert['code']} {speech.said(alert)}"
        yield f"{'':>8}{speech.paint(line, _LEVELS[alert['level']])}"
    for said in told["differences"]:
        yield f"{'':>8}{speech.paint('✗ ' + said['code'] + ' ' + speech.said(said), 'red')}"


def _plainly(action: Json) -> str:
    """A timer, or an answer to a command."""
    hidden = ("action", "text", "because", "said", "cluster")
    return f"{action['action']} " + " ".join(f"{name}={value}" for name, value in action.items() if name not in hidden)


def _summary(told: Json, speech: Speech) -> str:
    counted = speech.pick(
        "{replayed} decisions from {snapshots} snapshots, {digests} digests compared, {left_out} left out: ",
        "決定 {replayed} 件を再実行 (スナップショット {snapshots} 件、ダイジェスト比較 {digests} 件、"
        "省略 {left_out} 件): ",
    ).format(**told)
    if told["differences"]:
        found = speech.pick("{differences} differences", "差異 {differences} 件").format(**told)
        return counted + speech.paint(found, "red")
    return counted + speech.paint(speech.pick("no difference", "差異なし"), "yellow" if told["left_out"] else "green")


def _list(found: list[Json], speech: Speech) -> Iterator[str]:
    from komainu.api import report_text

    if not found:
        yield speech.pick("The journal knows of no failover.", "フェイルオーバの記録はありません。")
        return
    rows = [
        (
            str(each["number"]),
            datetime.fromisoformat(each["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            group["group"],
            f"{group['from'] or '?'} → {group['to'] or '-'}",
            report_text.without_service(group, speech.language),
            report_text.kind_in_words(each["kind"], speech.language) + ": " + speech.said(each["text"]),
        )
        for each in found
        for group in each["groups"]
    ]
    head = tuple(
        speech.pick(*title)
        for title in (
            ("No.", "番号"), ("Noticed", "検出"), ("Group", "グループ"), ("From → to", "移動"),
            ("Without service", "サービス停止"), ("What", "内容"),
        )
    )  # fmt: skip
    widths = columns([head, *rows])
    yield speech.paint("  ".join(padded(cell, wide) for cell, wide in zip(head, widths, strict=True)).rstrip(), "dim")
    for row in rows:
        yield "  ".join(padded(cell, wide) for cell, wide in zip(row, widths, strict=True)).rstrip()


def _time(at: str) -> str:
    """The time of an entry in the reader's time zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%m-%d %H:%M:%S.%f")[:-3]
