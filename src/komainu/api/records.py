"""What the journals of nodes tell, read from their files: no daemon is asked, and none is kept from its work."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from komainu.agent.records import journal, post_mortem
from komainu.agent.records.interruptions import interruptions
from komainu.agent.records.replay import Decision, Remark, Replay
from komainu.api import report_text
from komainu.model.message import Language, Message, Said

NOT_READ = Message(
    "KM6601",
    "{place} cannot be read ({reason}). Give the directory or a file of a journal; root alone may read that of this "
    "node.",
    "{place} を読み込めません ({reason})。ジャーナルのディレクトリまたはファイルを指定してください。このノードの"
    "ジャーナルを読めるのは root だけです。",
    "error",
)
EMPTY = Message(
    "KM6602",
    "{place} holds no journal: there is no file journal*.jsonl with entries in it. The journal of a node is in "
    "/var/lib/komainu/journal.",
    "{place} にジャーナルがありません。記録のある journal*.jsonl が見つかりません。ノードのジャーナルは "
    "/var/lib/komainu/journal にあります。",
    "error",
)
NO_SUCH = Message(
    "KM6603",
    "This journal knows nothing of an interruption {number}. `komainu report` lists those it knows; numbers are those "
    "of one node's journal, and older entries are gone.",
    "このジャーナルに中断 {number} はありません。一覧は `komainu report` で表示できます。番号はノードごとのものです。"
    "古い記録は削除されています。",
    "error",
)
NONE = Message(
    "KM6604",
    "This journal knows of no failover. `komainu report --all` lists what operators ordered, too.",
    "このジャーナルにフェイルオーバの記録はありません。操作による移動・停止は `komainu report --all` で表示できます。",
)
SAME_NODE = Message(
    "KM6605",
    "{place} is a journal of {node} as well. Give those of other nodes with --with.",
    "{place} も {node} のジャーナルです。--with には他のノードのジャーナルを指定してください。",
    "error",
)

Json = dict[str, Any]


class RecordsTrouble(Exception):
    """It cannot be told; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def replay(place: Path, first: int = 0, last: int | None = None) -> Iterator[Json]:
    """Each decision (`what` is `decision`) and remark (`remark`) of a replay, and in the end one `summary`.

    Raises RecordsTrouble.
    """
    what = Replay(first, last)
    found = False
    for told in what.run(_read(place)):
        found = True
        if isinstance(told, Decision):
            lists = {"actions": list(told.actions), "alerts": list(told.alerts)}
            differences = [said.as_json() for said in told.differences]
            yield {"what": "decision", **_fields(told), **lists, "differences": differences}
        else:
            yield {"what": "remark", **_remark(told)}
    if not found and not what.tally.snapshots and not what.tally.entries:
        raise RecordsTrouble(EMPTY.said(place=str(place)))
    yield {"what": "summary", **_fields(what.tally)}


def language(place: Path) -> str:
    """The language chosen for the cluster whose journal it is; empty when it does not tell. Raises RecordsTrouble."""
    for line in _read(place):
        if line.body is not None and line.body.get("state"):
            return str(post_mortem.cluster([line.body], line.body["seq"] + 1).get("language", ""))
    return ""


def failovers(place: Path) -> list[Json]:
    """Every interruption that the journal knows of, the oldest first. Raises RecordsTrouble."""
    lines = _lines(place)
    return [post_mortem.brief(whole, lines) for whole in interruptions(lines)]


def report(place: Path, number: int | None, others: Sequence[Path] = ()) -> Json:
    """The whole story of one interruption; `number` None: of the last that nobody ordered. Raises RecordsTrouble.

    `others`: journals of other nodes, whose view is put beside it.
    """
    lines = _lines(place)
    found = interruptions(lines)
    if number is None:
        found = [whole for whole in found if whole.kind != "ordered"][-1:]
    else:
        found = [whole for whole in found if whole.number == number]
    if not found:
        raise RecordsTrouble(NONE.said() if number is None else NO_SUCH.said(number=number))
    beside: dict[str, list[Json]] = {}
    for other in others:
        theirs = _lines(other)
        node = str(theirs[-1].get("node", other.name))
        if node == found[0].began.get("node"):
            raise RecordsTrouble(SAME_NODE.said(place=str(other), node=node))
        beside.setdefault(node, []).extend(theirs)
    return post_mortem.tell(found[0], lines, beside)


def in_words(story: Json, reader: Language) -> str:
    """The story as a Markdown document."""
    return report_text.render(story, reader)


def _lines(place: Path) -> list[Json]:
    lines = [line.body for line in _read(place) if line.body is not None]
    if not lines:
        raise RecordsTrouble(EMPTY.said(place=str(place)))
    return lines


def _read(place: Path) -> Iterator[journal.Read]:
    try:
        yield from journal.read(place)
    except OSError as error:
        raise RecordsTrouble(NOT_READ.said(place=str(place), reason=error.strerror or str(error))) from error


def _fields(told: Any) -> Json:
    return {field.name: getattr(told, field.name) for field in dataclasses.fields(told)}


def _remark(remark: Remark) -> Json:
    return {**_fields(remark), "said": remark.said.as_json()}
