"""The figures of a benchmark as the tables of its documents, in both languages. Pure, but for `main`.

    python -m komainu_lab.bench.document bench/result.json docs/en/benchmark.md docs/ja/benchmark.md

writes them anew into the documents, between the two marks. A test compares the documents with the file.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from komainu_lab.bench.faults import APPLICATION_KILL, FAULTS, LINK_CUT, MOVE, POWER_LOSS
from komainu_lab.bench.journal import UNTIL_DECIDED

Language = Literal["en", "ja"]
Figures = Mapping[str, Any]

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
EMPTY = "–"
WORDS: Mapping[str, tuple[str, str]] = {
    POWER_LOSS: ("Power loss", "電源断"),
    LINK_CUT: ("Link cut", "ネットワーク切断"),
    APPLICATION_KILL: ("Application killed", "アプリケーション強制終了"),
    MOVE: ("Planned move", "計画移動"),
    "gap_ms": ("whole gap", "中断全体"),
    "detection_ms": ("detection", "検出"),
    "after_ms": ("after detection", "検出後"),
    UNTIL_DECIDED: ("until decided", "決定まで"),
    "met": ("met", "達成"),
    "missed": ("missed", "未達"),
}
ON = (
    "Measured on {cpu}, {cores} cores, Linux {kernel}; Komainu {komainu}, corosync {corosync}, Pacemaker {pacemaker}, "
    "keepalived {keepalived}. {runs} runs of each fault. The machine's load average, the median of a contender's runs, "
    "was {least} to {most}.",
    "測定環境: {cpu}、{cores} コア、Linux {kernel}、Komainu {komainu}、corosync {corosync}、Pacemaker {pacemaker}、"
    "keepalived {keepalived}。各障害 {runs} 回。マシンのロードアベレージ (各対象の中央値) は {least}～{most} でした。",
)
UNIT = ("Milliseconds: median (least–greatest).", "単位はミリ秒。中央値 (最小–最大)。")
ASKED_WORDS = (
    "What the project asks of itself, judged by the medians:",
    "プロジェクトの目標と、中央値による判定:",
)
STAGES_WORDS = (
    "Where Komainu's time goes, after detection or command, by the journal of the node that takes over (medians, "
    "milliseconds):",
    "Komainu の検出後または指示後の時間の内訳。引き継いだノードのジャーナルによる (中央値、ミリ秒):",
)
ASKED = (("Asked of Komainu", "median", "greatest", "at most", ""), ("Komainu の目標", "中央値", "最大", "上限", ""))


def tables(told: Figures, language: Language) -> str:
    """On what it was measured, the figures, and what the project asks of itself."""
    which = 0 if language == "en" else 1
    loads = [each["load"] for each in told["contenders"] if each["load"] is not None]
    on = ON[which].format(
        **told["machine"],
        **{name: told["versions"][name] for name in ("komainu", "corosync", "pacemaker", "keepalived")},
        runs=told["runs"],
        least=min(loads),
        most=max(loads),
    )
    words = (on, UNIT[which], _measured(told, which), ASKED_WORDS[which], _asked(told, which))
    return "\n\n".join((*words, STAGES_WORDS[which], _stages(told, which)))


def _measured(told: Figures, which: int) -> str:
    contenders = told["contenders"]
    rows = [["", *(each["heading"] for each in contenders)]]
    for name, fault in FAULTS.items():
        for part in ("gap_ms", "detection_ms", "after_ms") if fault.loses_node else ("gap_ms",):
            label = f"{WORDS[name][which]}: {WORDS[part][which]}"
            rows.append([label, *(_cell(each["faults"].get(name, {}).get(part)) for each in contenders)])
    return _table(rows)


def _cell(found: Mapping[str, float] | None) -> str:
    return EMPTY if found is None else f"{found['median']:.0f} ({found['min']:.0f}–{found['max']:.0f})"


def _asked(told: Figures, which: int) -> str:
    rows = [list(ASKED[which])]
    for each in told["figures"]:
        form = "{:.2f} ×" if each["unit"] == "×" else "{:.0f} ms"
        worst = EMPTY if each["worst"] is None else form.format(each["worst"])
        verdict = WORDS["met" if each["met"] else "missed"][which]
        what = each["what"] if which == 0 else each["what_ja"]
        rows.append([what, form.format(each["value"]), worst, form.format(each["most"]), verdict])
    return _table(rows)


def _stages(told: Figures, which: int) -> str:
    found = {
        each["heading"]: {name: each["faults"].get(name, {}).get("stages", {}) for name in FAULTS}
        for each in told["contenders"]
    }
    telling = [heading for heading, faults in found.items() if any(faults.values())]
    rows = [["", *telling]]
    for name in FAULTS:
        for step in dict.fromkeys(step for heading in telling for step in found[heading][name]):
            cells = [found[heading][name].get(step) for heading in telling]
            words = WORDS.get(step, (step, step))[which]
            rows.append([f"{WORDS[name][which]}: {words}", *(EMPTY if ms is None else f"{ms:.1f}" for ms in cells)])
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    head, *rest = rows
    line = "| --- |" + " ---: |" * (len(head) - 1)
    return "\n".join((_row(head), line, *map(_row, rest)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def between(text: str, block: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """A document with this block between these marks. Raises ValueError when it has no marks."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"the document has no {marks[0]} and {marks[1]}")
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def main() -> None:
    """Write the tables into documents; the folder says the language."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for path in map(Path, sys.argv[2:]):
        language: Language = "ja" if path.parent.name == "ja" else "en"
        path.write_text(between(path.read_text(encoding="utf-8"), tables(told, language)), encoding="utf-8")


if __name__ == "__main__":
    main()
