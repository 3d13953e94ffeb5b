"""The strict part of YAML: what is refused, where, and that no text can do harm."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from komainu.config import yaml_text
from komainu.config.yaml_text import parse


def problems(text: str | bytes) -> list[tuple[int, int, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(each.line, each.column, each.said.code) for each in parse(raw).problems]


def plain(text: str) -> Any:
    document = parse(text.encode())
    assert document.problems == []
    return document.plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("190:20:30", "190:20:30"),
        ("2026-11-22", "2026-11-22"),
        ("10.0.110.100", "10.0.110.100"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("１２", "１２"),
        ("=", "="),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = plain(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_block_text_keeps_its_lines_and_tabs() -> None:
    assert plain("a: |\n  one\n  \ttwo\n") == {"a": "one\n\ttwo\n"}


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    document = parse("\ufeffa: 1\r\nb: [x,\r\n y]\r\n".encode())
    assert document.problems == []
    assert document.plain() == {"a": 1, "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, yaml_text.EMPTY),
        ("# only a comment\n", 1, 1, yaml_text.EMPTY),
        ("---\n...\n", 1, 1, yaml_text.EMPTY),
        (b"a: 1\nb: \xff\n", 2, 4, yaml_text.NOT_UTF8),
        ("a: 1\nb: \x00\n", 2, 4, yaml_text.CHARACTER),
        ('a: 1\nb: "\\0"\n', 2, 4, yaml_text.CHARACTER),
        ('a: 1\nb: "\\uD800"\n', 2, 4, yaml_text.CHARACTER),
        ('a: "\\e[31m"\n', 1, 4, yaml_text.CHARACTER),
        ("a: b\u2028c\n", 1, 5, yaml_text.CHARACTER),
        ("a:\n\tb: 1\n", 2, 1, yaml_text.TAB),
        ("a:\t1\n", 1, 3, yaml_text.TAB),
        ("a:\n  b: 1\n c: 2\n", 3, 2, yaml_text.INDENTATION),
        ("a: b: c\n", 1, 5, yaml_text.INDENTATION),
        ("a: 1\nb\nc: 2\n", 3, 1, yaml_text.INDENTATION),
        ("a: [1, 2\nb: 3\n", 2, 2, yaml_text.NOT_CLOSED),
        ('a: "x\n', 2, 1, yaml_text.NOT_CLOSED),
        ("a: @x\n", 1, 4, yaml_text.NOT_YAML),
        ('a: "\\UFFFFFFFF"\n', 1, 1, yaml_text.NOT_YAML),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", 1, 1, yaml_text.NOT_YAML),
        ("a: 1\n---\nb: 2\n", 2, 1, yaml_text.SEVERAL_DOCUMENTS),
        ("a: &x 1\n", 1, 4, yaml_text.ANCHOR),
        ("a: &x\n  b: 1\n", 1, 4, yaml_text.ANCHOR),
        ("a: *x\n", 1, 4, yaml_text.ALIAS),
        ("a: !!str 1\n", 1, 4, yaml_text.TAG),
        ("a: !!python/object/apply:os.system [id]\n", 1, 4, yaml_text.TAG),
        ("a: ! 1\n", 1, 4, yaml_text.TAG),
        ("<<: {b: 1}\n", 1, 1, yaml_text.MERGE),
        ("a: 1\nb: 2\na: 3\n", 3, 1, yaml_text.DUPLICATE_KEY),
        ("'': 1\n", 1, 1, yaml_text.BAD_KEY),
        ("? [a]\n: b\n", 1, 3, yaml_text.BAD_KEY),
        ("a: 010\n", 1, 4, yaml_text.LEADING_ZERO),
        ("a: 1" + "0" * 5000 + "\n", 1, 4, yaml_text.NUMBER_TOO_LARGE),
        ("a: 1e999\n", 1, 4, yaml_text.NUMBER_TOO_LARGE),
        ("[" * 10_000, 1, 33, yaml_text.TOO_DEEP),
        ("\n".join(" " * depth + "a:" for depth in range(1_000)), 33, 33, yaml_text.TOO_DEEP),
        ("- 1\n" * 50_001, 50_000, 3, yaml_text.TOO_MANY),
        ("#" * 1_048_577, 1, 1, yaml_text.TOO_LARGE),
        (b"a" * 10_000_000, 1, 1, yaml_text.TOO_LARGE),
    ],
    ids=lambda value: getattr(value, "code", None) or (repr(value[:20]) if isinstance(value, (str, bytes)) else None),
)
def test_what_is_not_plain_yaml_is_refused_where_it_stands(
    text: str | bytes, line: int, column: int, message: Any
) -> None:
    assert problems(text) == [(line, column, message.code)]


def test_every_message_of_this_file_is_tried_above() -> None:
    cases = test_what_is_not_plain_yaml_is_refused_where_it_stands.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {case[3].code for case in cases} == {message.code for message in yaml_text.MESSAGES}


def test_reading_goes_on_after_what_hides_nothing() -> None:
    text = "a: &x 1\nb: *x\nc: !t 2\nd: 007\na: 3\n<<: 4\ne: 5\n"
    document = parse(text.encode())
    codes = [each.said.code for each in document.problems]
    wanted = ("ANCHOR", "ALIAS", "TAG", "LEADING_ZERO", "DUPLICATE_KEY", "MERGE")
    assert codes == [getattr(yaml_text, name).code for name in wanted]
    assert document.plain() == {"a": 1, "b": None, "c": "2", "d": "007", "e": 5}
    assert [key for key in "abcde" if document.unreadable((key,))] == ["b", "c", "d"]


def test_an_alias_as_a_key_ends_the_reading() -> None:
    document = parse(b"*x : 1\nb: 2\n")
    assert document.root is None
    assert [each.said.code for each in document.problems] == [yaml_text.ALIAS.code]


def test_a_problem_inside_names_its_path() -> None:
    document = parse(b"a:\n  - b: 1\n  - c: 2\n    d: *x\n")
    assert [each.path for each in document.problems] == ["a[1].d"]


INDICATORS = ["a", "b: ", "- ", "? ", ": ", "[", "]", "{", "}", ",", "&x ", "*x ", "!t ", "!!int ", "<<: ", "'", '"']
OTHERS = [
    "\n",
    "\n  ",
    "\n    ",
    "|\n",
    ">\n",
    "#",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "\\x",
    "\t",
    "1",
    "0x",
    "1e9",
    "~",
]
FRAGMENTS = st.sampled_from([*INDICATORS, *OTHERS, "\0", "狛", "\u2028"])


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_no_text_made_of_yaml_pieces_crashes_the_reading(text: str) -> None:
    document = parse(text.encode())
    assert document.root is not None or document.problems


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(raw: bytes) -> None:
    document = parse(raw)
    assert document.root is not None or document.problems
