"""The figures of `make bench-agents` as a table of the documents, in both languages. Pure, but for `main`.

python -m komainu_lab.bench.agents_document bench/agents.json docs/en/benchmark.md docs/ja/benchmark.md
"""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from komainu_lab.bench.agents import AGENT_NAME, KOMAINU, START, TAKEOVER
from komainu_lab.bench.document import Language, between

MARKS = ("<!-- agents: begin -->", "<!-- agents: end -->")
STEPS = {START: ("start", "起動"), TAKEOVER: ("takeover", "引き継ぎ")}
PARTS = {
    "routes_ms": ("last route written, ms", "最後のルートの書き換えまで (ms)"),
    "whole_ms": ("success reported, ms", "成功の報告まで (ms)"),
    "calls": ("calls to the API", "API の呼び出し回数"),
}
RATIO = ("ratio", "比")
ON = (
    "Measured on {cpu}, {cores} cores, Linux {kernel}; resource-agents {agents}, awscli {cli}. {runs} starts and "
    "takeovers each, {tables} route tables. Load average {load[0]} at the start, {load[1]} at the end. "
    "Median (least–greatest).",
    "測定環境: {cpu}、{cores} コア、Linux {kernel}。resource-agents {agents}、awscli {cli}。起動と引き継ぎ "
    "各 {runs} 回、ルートテーブル {tables} 個。ロードアベレージは開始時 {load[0]}、終了時 {load[1]}。"
    "中央値 (最小–最大)。",
)


def tables(told: Mapping[str, Any], language: Language) -> str:
    """On what it was measured, and the figures."""
    which = 0 if language == "en" else 1
    versions = told["versions"]
    on = ON[which].format(
        **told["machine"],
        agents=versions["resource-agents"],
        cli=versions["awscli"],
        runs=told["runs"],
        tables=told["tables"],
        load=told["load"],
    )
    lines = [f"|  | {KOMAINU} | {AGENT_NAME} | {RATIO[which]} |", "| --- | ---: | ---: | ---: |"]
    for step, names in STEPS.items():
        for part, words in PARTS.items():
            cells = [_spread([one[part] for one in told["tries"][who][step]]) for who in (KOMAINU, AGENT_NAME)]
            times = told["ratio"][step].get(part)
            last = "–" if times is None else f"{times:.0f}"
            lines.append(f"| {names[which]}: {words[which]} | {' | '.join(cells)} | {last} |")
    return "\n\n".join((on, "\n".join(lines)))


def _spread(values: list[float]) -> str:
    if min(values) == max(values):
        return f"{values[0]:.0f}"
    return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"


def main() -> None:
    """Write the table into documents; the folder says the language."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for path in map(Path, sys.argv[2:]):
        language: Language = "ja" if path.parent.name == "ja" else "en"
        path.write_text(between(path.read_text(encoding="utf-8"), tables(told, language), MARKS), encoding="utf-8")


if __name__ == "__main__":
    main()
