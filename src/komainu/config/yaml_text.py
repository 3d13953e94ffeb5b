"""The text of a configuration file, read into a tree.

A strict part of YAML 1.2, chosen so that a file means what it looks like: no anchors, aliases, tags, merge keys,
second documents or repeated keys; `yes`, `no`, `on` and `off` are words; a number may not start with zero. PyYAML
tokenises; the tree is built here from its events without recursion, so that no input can exhaust the stack.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from komainu.config.problem import Path, Problem, path_text, shown
from komainu.config.yaml_tree import Document, Key, Mapping, Node, Scalar, Sequence
from komainu.model.message import Message, Said

MAX_BYTES = 1_048_576
"""A larger file is refused unread. Who reads a file for `parse` need not read more than one byte beyond this."""

MAX_DEPTH = 32
MAX_VALUES = 50_000
_MAX_DIGITS = 18

TOO_LARGE = Message(
    "KM1001",
    "The file is larger than {limit} bytes, so it was not read. A cluster's configuration has a few kilobytes: "
    "check that this is the right file.",
    "ファイルが {limit} バイトを超えているため読み込みませんでした。クラスタの構成は通常数キロバイトです。"
    "正しいファイルを指定しているか確認してください。",
    "error",
)
NOT_UTF8 = Message(
    "KM1002",
    "The byte at offset {offset} is not UTF-8. Save the file in UTF-8.",
    "先頭から {offset} バイト目が UTF-8 ではありません。ファイルを UTF-8 で保存し直してください。",
    "error",
)
EMPTY = Message(
    "KM1003",
    "The file holds no configuration. It needs at least the sections `cluster` and `nodes`.",
    "ファイルに構成が書かれていません。少なくとも `cluster` と `nodes` の節が必要です。",
    "error",
)
CHARACTER = Message(
    "KM1004",
    "The character U+{codepoint} is not allowed here: control characters cannot be shown and reach programs "
    "unnoticed. Remove it.",
    "文字 U+{codepoint} は使用できません。制御文字は画面に現れないままプログラムに渡ってしまいます。削除してください。",
    "error",
)
TAB = Message(
    "KM1005",
    "There is a tab between the values. YAML indents with spaces only: replace the tab by spaces.",
    "値の間にタブがあります。YAML の字下げに使えるのは空白だけです。タブを空白に置き換えてください。",
    "error",
)
INDENTATION = Message(
    "KM1006",
    "The structure breaks off here ({reason}). Lines of the same list or section must start in the same column, and "
    "a text with `: ` in it needs quotes: compare this line with the lines above.",
    "ここで構造が崩れています（{reason}）。同じ一覧や節の行は同じ桁から始め、`: ` を含む文字列は引用符で囲んで"
    "ください。この行を上の行と見比べてください。",
    "error",
)
NOT_CLOSED = Message(
    "KM1007",
    "Something that was opened on line {opened} is not closed ({reason}). Add the missing quote, bracket or comma.",
    "{opened} 行目で開いた引用符または括弧が閉じていません（{reason}）。足りない引用符、括弧、コンマを補ってください。",
    "error",
)
NOT_YAML = Message(
    "KM1008",
    "This is not YAML: {reason}. If it is meant as text, put it in quotes.",
    "YAML として読めません: {reason}。文字列のつもりであれば引用符で囲んでください。",
    "error",
)
SEVERAL_DOCUMENTS = Message(
    "KM1009",
    "A second document starts here. One file describes one cluster: remove this line, or keep the rest in a file of "
    "its own.",
    "ここから 2 つ目の文書が始まっています。1 つのファイルには 1 つのクラスタだけを書きます。この行を削除するか、"
    "以降を別のファイルに分けてください。",
    "error",
)
ANCHOR = Message(
    "KM1010",
    "The anchor `&{name}` is refused: every value stands where it is used, so that the file reads the same to "
    "everybody. Remove the anchor.",
    "アンカー `&{name}` は使用できません。だれが読んでも同じ意味になるよう、値は使う場所に直接書きます。"
    "アンカーを削除してください。",
    "error",
)
ALIAS = Message(
    "KM1011",
    "The alias `*{name}` is refused: write the value itself here.",
    "エイリアス `*{name}` は使用できません。値そのものをここに書いてください。",
    "error",
)
TAG = Message(
    "KM1012",
    "The tag {tag} is refused: the configuration says by itself of what kind a value is. Remove the tag.",
    "タグ {tag} は使用できません。値の種類は項目ごとに決まっています。タグを削除してください。",
    "error",
)
MERGE = Message(
    "KM1013",
    "The merge key `<<` is refused: write the values themselves here.",
    "マージキー `<<` は使用できません。値そのものをここに書いてください。",
    "error",
)
DUPLICATE_KEY = Message(
    "KM1014",
    "The key {key} was given on line {first} already. Which of the two is meant cannot be known: remove one.",
    "キー {key} はすでに {first} 行目にあります。どちらが正しいのか判断できません。片方を削除してください。",
    "error",
)
BAD_KEY = Message(
    "KM1015",
    "A key must be one word before a colon. Write `name: value`.",
    "キーはコロンの前の 1 語でなければなりません。`名前: 値` の形で書いてください。",
    "error",
)
TOO_DEEP = Message(
    "KM1016",
    "The values are nested more than {limit} levels deep. No part of a configuration is: check this place.",
    "値の入れ子が {limit} 段を超えています。構成にそれほど深い箇所はありません。この場所を確認してください。",
    "error",
)
TOO_MANY = Message(
    "KM1017",
    "The file holds more than {limit} values. No cluster needs that many: check that this is the right file.",
    "ファイルに {limit} 個を超える値があります。それほど大きなクラスタ構成はありません。正しいファイルを指定して"
    "いるか確認してください。",
    "error",
)
LEADING_ZERO = Message(
    "KM1018",
    "{text} is 8-based to some readers and 10-based to others. Write the number without the leading zero, or put it "
    "in quotes if it is a text.",
    "{text} は 8 進数とも 10 進数とも解釈されます。数値なら先頭の 0 を取り、文字列なら引用符で囲んでください。",
    "error",
)
NUMBER_TOO_LARGE = Message(
    "KM1019",
    "{text} is larger than any number a configuration needs. Put it in quotes if it is a text.",
    "{text} は構成で使う数値としては大きすぎます。文字列なら引用符で囲んでください。",
    "error",
)
MESSAGES = (
    *(TOO_LARGE, NOT_UTF8, EMPTY, CHARACTER, TAB, INDENTATION, NOT_CLOSED, NOT_YAML, SEVERAL_DOCUMENTS, ANCHOR, ALIAS),
    *(TAG, MERGE, DUPLICATE_KEY, BAD_KEY, TOO_DEEP, TOO_MANY, LEADING_ZERO, NUMBER_TOO_LARGE),
)


def parse(raw: bytes) -> Document:
    """Read a text. Every problem that does not hide what follows it is reported; nothing is raised."""
    if len(raw) > MAX_BYTES:
        return Document(None, [Problem(1, 1, "", TOO_LARGE.said(limit=MAX_BYTES))])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        return Document(None, [Problem(line, column, "", NOT_UTF8.said(offset=error.start))])
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        index = hidden.start()
        line, column = text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
        return Document(None, [Problem(line, column, "", CHARACTER.said(codepoint=_codepoint(hidden)))])
    return _Builder().build(text)


class _StopReading(Exception):
    """The rest of the text cannot be understood; the reason is among the problems."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: Sequence | Mapping
    key: Key | None = None
    "The key that waits for its value."
    dropped: bool = False
    "True when that value belongs to a refused key and is not kept."


class _Builder:
    """Makes the tree from the parser's events."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.documents = 0
        self.values = 0

    def build(self, text: str) -> Document:
        """The tree of the text; without a root when a problem hides the rest."""
        complete = True
        try:
            for event in yaml.parse(text, Loader=yaml.BaseLoader):
                self._take(event)
        except _StopReading:
            complete = False
        except yaml.MarkedYAMLError as error:
            self._say(*_place(error.problem_mark or error.context_mark), _syntax(error))
            complete = False
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # PyYAML lets these through for escapes and directives with absurd numbers.
            self.problems.append(Problem(1, 1, "", NOT_YAML.said(reason=shown(str(error)))))
            complete = False
        if complete and _is_nothing(self.root) and not self.problems:
            self.problems.append(Problem(1, 1, "", EMPTY.said()))
            complete = False
        return Document(self.root if complete else None, self.problems)

    def _say(self, line: int, column: int, said: Said) -> None:
        self.problems.append(Problem(line, column, path_text(self._path()), said))

    def _path(self) -> Path:
        steps: list[str | int] = []
        for level in self.open:
            if isinstance(level.node, Sequence):
                steps.append(len(level.node.items))
            elif level.key is not None:
                steps.append(level.key.name)
        return tuple(steps)

    def _take(self, event: yaml.Event) -> None:
        line, column = _place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(line, column, SEVERAL_DOCUMENTS.said())
        elif isinstance(event, yaml.AliasEvent):
            self._say(line, column, ALIAS.said(name=_name(event.anchor)))
            if self._wants_key():
                # The name of the key is unknown, so what follows it says nothing.
                raise _StopReading
            self._put(Scalar(line, column, None, readable=False))
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line, column)
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._properties(event.anchor, event.tag, line, column)
            self._enter(Sequence(line, column) if isinstance(event, yaml.SequenceStartEvent) else Mapping(line, column))
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self._put(self.open.pop().node)

    def _stop(self, line: int, column: int, said: Said) -> None:
        self._say(line, column, said)
        raise _StopReading

    def _properties(self, anchor: str | None, tag: str | None, line: int, column: int) -> None:
        if anchor is not None:
            self._say(line, column, ANCHOR.said(name=_name(anchor)))
        if tag is not None:
            self._say(line, column, TAG.said(tag=shown(tag)))

    def _enter(self, node: Sequence | Mapping) -> None:
        if self._wants_key():
            self._stop(node.line, node.column, BAD_KEY.said())
        self._count(node.line, node.column)
        if len(self.open) >= MAX_DEPTH:
            self._stop(node.line, node.column, TOO_DEEP.said(limit=MAX_DEPTH))
        self.open.append(_Open(node))

    def _count(self, line: int, column: int) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            self._stop(line, column, TOO_MANY.said(limit=MAX_VALUES))

    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].node, Mapping) and self.open[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent, line: int, column: int) -> None:
        self._properties(event.anchor, event.tag, line, column)
        self._count(line, column)
        text, readable = event.value, event.tag is None
        hidden = _HIDDEN.search(text)
        if hidden is not None:
            self._say(line, column, CHARACTER.said(codepoint=_codepoint(hidden)))
            text, readable = _HIDDEN.sub("", text), False
        plain = readable and event.implicit[0]
        if self._wants_key():
            self._key(text, plain, line, column)
        elif plain:
            self._put(self._resolve(text, line, column))
        else:
            self._put(Scalar(line, column, text, readable))

    def _key(self, text: str, plain: bool, line: int, column: int) -> None:
        level = self.open[-1]
        assert isinstance(level.node, Mapping)
        level.dropped = True
        if plain and text == "<<":
            self._say(line, column, MERGE.said())
        elif not text.strip():
            self._say(line, column, BAD_KEY.said())
        elif text in level.node.keys:
            self._say(line, column, DUPLICATE_KEY.said(key=shown(text), first=level.node.keys[text].line))
        else:
            level.dropped = False
        level.key = Key(line, column, text)

    def _put(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        level = self.open[-1]
        if isinstance(level.node, Sequence):
            level.node.items.append(node)
            return
        assert level.key is not None
        if not level.dropped:
            level.node.keys[level.key.name] = level.key
            level.node.values[level.key.name] = node
        level.key, level.dropped = None, False

    def _resolve(self, text: str, line: int, column: int) -> Scalar:
        """A plain scalar by YAML 1.2's core schema, without its numbers that start with zero."""
        if text in _NOTHING:
            return Scalar(line, column, None)
        if text in _TRUTH:
            return Scalar(line, column, _TRUTH[text])
        if _LEADING_ZERO.fullmatch(text):
            self._say(line, column, LEADING_ZERO.said(text=shown(text)))
            return Scalar(line, column, text, readable=False)
        if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return Scalar(line, column, int(text, 0))
        if _FRACTION.fullmatch(text) and math.isfinite(number := float(text)):
            return Scalar(line, column, number)
        if _INTEGER.fullmatch(text) or _FRACTION.fullmatch(text):
            self._say(line, column, NUMBER_TOO_LARGE.said(text=shown(text)))
            return Scalar(line, column, text, readable=False)
        return Scalar(line, column, text)


_NOTHING = ("", "~", "null", "Null", "NULL")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0o[0-7]+|0x[0-9a-fA-F]+)", re.ASCII)
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", re.ASCII)


_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that no editor shows, or that count as an end of line for some readers only."""


def _codepoint(found: re.Match[str]) -> str:
    return f"{ord(found.group()):04X}"


def _place(mark: Any) -> tuple[int, int]:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _name(anchor: str | None) -> str:
    return shown(anchor or "").strip('"')


def _is_nothing(root: Node | None) -> bool:
    return root is None or (isinstance(root, Scalar) and root.value is None and root.readable)


def _syntax(error: yaml.MarkedYAMLError) -> Said:
    reason = error.problem or "unknown"
    if "'\\t'" in reason:
        return TAB.said()
    opened = error.context_mark.line + 1 if error.context_mark is not None else 1
    unclosed = "unexpected end of stream" in reason or "'<stream end>'" in reason
    if unclosed or "expected ',' or" in reason:
        return NOT_CLOSED.said(opened=opened, reason=reason)
    if reason.startswith(("mapping values are not allowed", "expected <block end>", "could not find expected ':'")):
        return INDENTATION.said(reason=reason)
    return NOT_YAML.said(reason=reason)
