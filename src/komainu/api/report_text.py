"""The story of one interruption as a Markdown document, in the reader's language. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from komainu.model.message import Language

Json = Mapping[str, Any]

_KINDS = {
    "failover": ("Failover", "フェイルオーバ"),
    "restart": ("Recovery on the same node", "同一ノードでの復旧"),
    "stopped": ("Interruption, ended by an operator's stop", "停止操作で終わった中断"),
    "unfinished": ("Interruption that is not over", "継続中の中断"),
    "ordered": ("Ordered by an operator", "操作による移動・停止"),
}
_FOUND_BY = {
    "beat": (
        "between the last beat that was heard of the lost node and the loss as it was delivered",
        "通信不能になったノードから最後に受信したビートから、離脱が通知されるまで",
    ),
    "silence": (
        "the daemon was silent first; what it ran may have gone on, so this is the most it can be",
        "先にデーモンが応答しなくなりました。動作していたものは継続していた可能性があり、上限値です",
    ),
    "check": (
        "the resource was well at the check before; the death of a process is seen at once",
        "直前の確認では正常でした。プロセスの終了は即時に検出されます",
    ),
    "monitor": ("the monitor was normal at the check before", "直前の監視では正常でした"),
    "order": ("it was ordered", "操作によるものです"),
    "unknown": ("the journal does not tell", "ジャーナルからは分かりません"),
}
_RESULTS = {
    "succeeded": ("succeeded", "成功"),
    "failed": ("**failed**", "**失敗**"),
    "unknown": ("**unknown**", "**不明**"),
    None: ("no outcome", "結果なし"),
}
_WHATS = {"event": "", "action": "→ ", "alert": "! ", "change": "= "}


LONG_MS = 10_000
"From here on a length is told in seconds."


def kind_in_words(kind: str, language: Language) -> str:
    """The kind of an interruption."""
    return _KINDS[kind][language == "ja"]


def span(least: int | None, most: int | None, language: Language) -> str:
    """A length of which only bounds are known."""
    if least is None:
        return "-"
    if most is None:
        return ("at least {}", "{} 以上")[language == "ja"].format(_ms(least))
    if least == most:
        return _ms(least)
    if not least:
        return ("at most {}", "最大 {}")[language == "ja"].format(_ms(most, up=True))
    return f"{least}–{most} ms" if most < LONG_MS else f"{_ms(least)}–{_ms(most, up=True)}"


def without_service(group: Json, language: Language) -> str:
    """For how long nobody was served. What was before a check found the error is told where detection is."""
    length = group["without_service_ms"]
    most = None if length["by"] in ("check", "monitor") else length["most"]
    return span(length["least"], most, language)


def render(report: Json, language: Language) -> str:
    """The whole document."""
    return "\n".join(_Pen(report, language).lines()).rstrip() + "\n"


class _Pen:
    def __init__(self, report: Json, language: Language) -> None:
        self.report = report
        self.language = language

    def pick(self, en: str, ja: str) -> str:
        return ja if self.language == "ja" else en

    def said(self, said: Json | None) -> str:
        return str(said[self.language]) if said else ""

    def lines(self) -> Iterator[str]:
        groups = ", ".join(
            f"{group['group']} ({group['from'] or '?'} → {group['to'] or '-'})" for group in self.report["groups"]
        )
        yield f"# {kind_in_words(self.report['kind'], self.language)}: {groups}"
        yield ""
        yield from self.facts()
        for title, part in (
            (("What happened", "概要"), self.summary()),
            (("How long", "所要時間"), self.durations()),
            (("Why", "原因の連鎖"), self.why()),
            (("What was done", "実行した動作"), self.actions()),
            (("What was not recovered", "復旧していないもの"), self.not_recovered()),
            (("Alerts", "アラート"), self.alerts()),
            (("In its order", "時系列"), self.timeline()),
            (("Whose view this is", "この報告の範囲"), self.nodes()),
        ):
            yield from ("", f"## {self.pick(*title)}", "")
            yield from part

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
        yield "| " + " | ".join(head) + " |"
        yield "| " + " | ".join("---" for _ in head) + " |"
        for row in rows:
            yield "| " + " | ".join(map(_cell, row)) + " |"

    def facts(self) -> Iterator[str]:
        report = self.report
        local = datetime.fromisoformat(report["at"]).astimezone()
        rows = [
            (self.pick("Cluster", "クラスタ"), str(report["cluster"])),
            (self.pick("Number", "番号"), f"{report['number']} ({report['node']})"),
            (self.pick("Noticed", "検出時刻"), f"{report['at']} ({local.strftime('%Y-%m-%d %H:%M:%S %z')})"),
            (self.pick("Configuration", "構成情報の版"), str(report["configuration"] or "?")),
            (self.pick("Arbitration", "アービトレーション"), str(report["arbitration"] or "?")),
            (self.pick("Written by Komainu", "作成した Komainu"), str(report["release"])),
        ]
        yield from self.table((" ", " "), rows)

    def summary(self) -> Iterator[str]:
        cause = self.report["cause"]
        yield self.said(cause["summary"])
        if cause["said"]:
            yield from ("", f"> {self.said(cause['said'])}")
        if cause["detail"].strip():
            yield from ("", "```", cause["detail"].strip(), "```")
        yield ""
        for group in self.report["groups"]:
            yield f"- {self.of_group(group)}"

    def of_group(self, group: Json) -> str:
        name, to, came_from = group["group"], group["to"], group["from"] or "?"
        if group["online_at"] is None:
            word = self.pick("stopped by an operator", "操作により停止") if group["stopped"] else group["word"]
            return self.pick(
                f"{name} was online on {came_from} and is not online again: {word}.",
                f"{name} は {came_from} で動作していましたが、復旧していません: {word}。",
            )
        length = without_service(group, self.language)
        if to == group["from"]:
            return self.pick(
                f"{name} is online again on {to} since {group['online_at']}: clients were without service for "
                f"{length}.",
                f"{name} は {to} で {group['online_at']} に復旧しました。サービス停止時間は {length} です。",
            )
        return self.pick(
            f"{name} was online on {came_from}, and is on {to} since {group['online_at']}: clients were without "
            f"service for {length}.",
            f"{name} は {came_from} から {to} へ移り、{group['online_at']} に復旧しました。サービス停止時間は "
            f"{length} です。",
        )

    def durations(self) -> Iterator[str]:
        found, times = self.report["durations"]["detection"], self.report["durations"]
        rows = [
            (
                self.pick("Until it was noticed", "検出まで"),
                span(found["least_ms"], found["most_ms"], self.language),
                self.pick(*_FOUND_BY[found["by"]]),
            ),
            (
                self.pick("Until the first action", "最初の動作まで"),
                _ms(times["decision_ms"]),
                self.pick(
                    "decision, and waiting for proofs or for other groups", "判断、および証拠や他グループを待った時間"
                ),
            ),
            (
                self.pick("Until everything was online", "すべて復旧するまで"),
                _ms(times["actions_ms"]),
                self.pick("the actions below", "下記の動作"),
            ),
        ]
        yield from self.table((self.pick("Stage", "段階"), self.pick("Time", "時間"), " "), rows)
        yield ""
        lengths = [(group["group"], without_service(group, self.language)) for group in self.report["groups"]]
        yield from self.table(
            (self.pick("Group", "グループ"), self.pick("Without service", "サービス停止時間")), lengths
        )

    def why(self) -> Iterator[str]:
        if not self.report["because"]:
            yield self.pick("Nothing was started.", "起動した動作はありません。")
        for depth, said in enumerate(self.report["because"]):
            yield "  " * depth + f"- {self.said(said)}"

    def actions(self) -> Iterator[str]:
        if not self.report["actions"]:
            yield self.pick("Nothing.", "ありません。")
            return
        head = ("+ms", self.pick("Node", "ノード"), self.pick("Action", "動作"), self.pick("Result", "結果"), "ms")
        rows = [
            (
                str(act["after_ms"]),
                act["node"],
                self.said(act["text"]),
                self.pick(*_RESULTS[act["result"]])
                + (f": {self.said(act['said'])} {act['detail'].strip()}".rstrip() if act["said"] else ""),
                "-" if act["took_ms"] is None else str(act["took_ms"]),
            )
            for act in self.report["actions"]
        ]
        yield from self.table(head, rows)

    def not_recovered(self) -> Iterator[str]:
        left = self.report["not_recovered"]
        told = [f"- {each['group']}: {each['word']}" for each in left["groups"]]
        told += [f"- {each['node']}: {each['word']}" for each in left["nodes"]]
        told += [f"- {self.pick('not done', '未完了')}: {self.said(text)}" for text in left["actions"]]
        yield from told or [
            self.pick("Nothing is left: everything is online again.", "ありません。すべて復旧しています。")
        ]

    def alerts(self) -> Iterator[str]:
        if not self.report["alerts"]:
            yield self.pick("None.", "ありません。")
            return
        head = ("+ms", self.pick("Code", "コード"), self.pick("Level", "種別"), self.pick("Alert", "内容"))
        rows = [
            (str(each["after_ms"]), each["code"], each["level"], f"{self.said(each)} {each['detail'].strip()}".rstrip())
            for each in self.report["alerts"]
        ]
        yield from self.table(head, rows)

    def timeline(self) -> Iterator[str]:
        head = ("+ms", self.pick("Recorded by", "記録"), self.pick("Node", "ノード"), " ")
        rows = [
            (str(item["after_ms"]), item["recorded_by"], item["node"], _WHATS[item["what"]] + self.item(item))
            for item in self.report["timeline"]
        ]
        yield from self.table(head, rows)

    def item(self, item: Json) -> str:
        if item["what"] == "change":
            change = item["change"]
            before = f"{change['before']} → " if change["before"] not in ("", change["now"]) else ""
            return f"{change['name']}: {before}{change['now']}"
        if item["what"] == "alert":
            return f"{item['text']['code']} {self.said(item['text'])}"
        return self.said(item["text"])

    def nodes(self) -> Iterator[str]:
        number = self.report["number"]
        for each in self.report["nodes"]:
            node, ahead = each["node"], each["clock_ahead_ms"]
            if each["journal"] == "own":
                yield f"- {node}: " + self.pick("this is its journal.", "このノードのジャーナルです。")
            elif each["journal"] == "read":
                clock = self.pick("its clock could not be compared", "時計のずれは不明です")
                if ahead is not None:
                    clock = self.pick(f"its clock is {ahead} ms ahead", f"時計は {ahead} ms 進んでいます")
                yield f"- {node}: " + self.pick(
                    f"its journal was read, too; {clock}.", f"ジャーナルを読み込みました。{clock}。"
                )
            else:
                yield f"- {node}: " + self.pick(
                    f"its journal was not read. Copy /var/lib/komainu/journal of {node} here, and add it: `komainu "
                    f"report {number} --with DIRECTORY`.",
                    f"ジャーナルを読み込んでいません。{node} の /var/lib/komainu/journal をコピーし、"
                    f"`komainu report {number} --with ディレクトリ` で追加してください。",
                )
        for first, last in self.report["missing"]:
            yield "- " + self.pick(
                f"Entries {first} to {last} are missing from the journal.", f"記録 {first}〜{last} が欠落しています。"
            )


def _ms(value: int | None, *, up: bool = False) -> str:
    """A length; a long one in tenths of a second, of which the last may be rounded up."""
    if value is None:
        return "-"
    if value < LONG_MS:
        return f"{value} ms"
    tenths = (value + 99 if up else value) // 100
    return f"{tenths // 10}.{tenths % 10} s"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
