"""The figures of `make bench-rights` as tables of the documents, in both languages. Pure, but for `main`.

python -m komainu_lab.bench.rights_document bench/rights.json docs/en/benchmark.md docs/ja/benchmark.md
"""

import json
import statistics
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from komainu_lab.bench.document import EMPTY, WORDS, Language, between
from komainu_lab.bench.journal import UNTIL_DECIDED
from komainu_lab.bench.rights import ENDED, FENCED, READ, TOLD, WON, WRITE

Figures = Mapping[str, Any]

MARKS = ("<!-- rights: begin -->", "<!-- rights: end -->")
HEADINGS: Mapping[str, tuple[str, str]] = {
    "lease": ("Exclusive group, lease", "排他グループ、lease"),
    "lease-fence": ("Exclusive group, lease and fence", "排他グループ、lease と fence"),
    "vip-none": ("VIP only, none", "VIP のみ、none"),
    "vip-lease": ("VIP only, lease", "VIP のみ、lease"),
}
STEPS: Mapping[str, tuple[str, str]] = {
    TOLD[WON]: ("the vote is won", "投票権の獲得"),
    TOLD[ENDED]: ("the lost node's right has ended", "通信不能ノードの権利の終了"),
    TOLD[FENCED]: ("the fence is confirmed", "強制停止の確認"),
    UNTIL_DECIDED: ("the start is decided", "起動の決定"),
}
SINCE = ("since detection: ", "検出から: ")
TOOK = ("{} takes", "{} の所要時間")
REQUESTS = {
    READ: ("requests to the store: reads", "投票先への要求: 読み取り"),
    WRITE: ("requests to the store: writes", "投票先への要求: 書き込み"),
}
ON = (
    "Measured on {cpu}, {cores} cores, Linux {kernel}; {runs} power losses each. Milliseconds: median "
    "(least–greatest); requests: the most of a run, from the detection to the first answer.",
    "測定環境: {cpu}、{cores} コア、Linux {kernel}。電源断 各 {runs} 回。単位はミリ秒で、中央値 (最小–最大)。要求の数は"
    "検出から最初の応答までで、各回のうち最大のもの。",
)
QUIET = (
    "Requests to the store, of both nodes together: {minutes:g} minutes of rest: {rest}. {alone:.0f} s with the "
    "interconnect cut: {cut}. After the heal: {after}.",
    "投票先への要求 (両ノードの合計): 平常時 {minutes:g} 分間は {rest}。インタコネクト切断中の {alone:.0f} 秒間は "
    "{cut}。復旧後は {after}。",
)
COUNTED = ("{reads} reads and {writes} writes", "読み取り {reads} 回、書き込み {writes} 回")
NONE = ("none", "0 回")


def tables(told: Figures, language: Language) -> str:
    """On what it was measured, the figures, and what a cluster asks that is left alone."""
    which = 0 if language == "en" else 1
    known = told["contenders"]
    runs = [each["runs"] for each in known]
    on = ON[which].format(**told["machine"], runs=max(len(each) for each in runs))
    rows = [["", *(HEADINGS[each["name"]][which] for each in known)]]
    for part in ("gap_ms", "detection_ms", "after_ms"):
        rows.append([WORDS[part][which], *(_spread(run[part] for run in each) for each in runs)])
    steps = dict.fromkeys(step for each in runs for run in each for step in run["stages"])
    for step in (*STEPS, *(step for step in steps if step not in STEPS)):
        words = SINCE[which] + STEPS[step][which] if step in STEPS else TOOK[which].format(step)
        rows.append([words, *(_spread(run["stages"].get(step) for run in each) for each in runs)])
    for action, words_of in REQUESTS.items():
        most = [max((each.get(action, 0) for each in contender["requests"]), default=None) for contender in known]
        rows.append([words_of[which], *(EMPTY if each is None else str(each) for each in most)])
    calm = told["quiet"]
    rest = QUIET[which].format(
        minutes=calm["minutes"],
        alone=calm["alone_s"],
        **{name: _counted(calm[part], which) for name, part in (("rest", "requests"), ("cut", "alone"))},
        after=_counted(calm["together"], which),
    )
    return "\n\n".join((on, _table(rows), rest))


def _spread(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.0f} ({min(known):.0f}–{max(known):.0f})" if known else EMPTY


def _counted(requests: Mapping[str, int], which: int) -> str:
    if not any(requests.values()):
        return NONE[which]
    return COUNTED[which].format(reads=requests.get(READ, 0), writes=requests.get(WRITE, 0))


def _table(rows: list[list[str]]) -> str:
    head, *rest = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join((head, "| --- |" + " ---: |" * (len(rows[0]) - 1), *rest))


def main() -> None:
    """Write the tables into documents; the folder says the language."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for path in map(Path, sys.argv[2:]):
        language: Language = "ja" if path.parent.name == "ja" else "en"
        text = between(path.read_text(encoding="utf-8"), tables(told, language), MARKS)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
