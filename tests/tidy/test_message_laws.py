"""A code is declared once, and whoever names a code names one that exists."""

from pathlib import Path

import pytest

from komainu_lab import docs
from tests.tidy import message_laws, tree


def sources() -> dict[Path, str]:
    return {path: tree.read(path) for path in tree.product_files()}


def test_no_code_is_declared_twice() -> None:
    found = sources()
    assert not (broken := list(message_laws.declared_twice(found))), "\n".join(broken)
    assert not (broken := list(message_laws.frame_taken(found))), "\n".join(broken)


def test_every_declaration_is_on_the_page_of_messages_or_left_out_for_a_reason() -> None:
    declared = [
        code
        for path, text in sources().items()
        for kind, code, _ in message_laws.declarations(path, text)
        if kind == "Message"
    ]
    known = docs.declared()
    lost = [code for code in declared if code not in known and code[:4] not in docs.LEFT_OUT]
    assert not lost, f"declared where no one finds them (not a constant of a module): {lost}"


def test_whoever_names_a_code_names_one_that_is_declared() -> None:
    texts = {
        path: tree.read(path)
        for path in tree.files()
        if path.suffix == ".md"
        or path.parts[0] == "lab"
        or path.parts[:2] in (("tests", "lab"), ("tests", "scenarios"))
    }
    known = docs.declared().keys()
    assert not (broken := list(message_laws.cited(texts, known))), "\n".join(broken)


# --- Planted violations ------------------------------------------------------------------------------------------

ONE = 'A = Message("KM9001", "a", "a")\n'


@pytest.mark.parametrize(
    "other",
    ['B = Message("KM9001", "b", "b")\n', 'B = message.Message("KM9001", "a", "a")\n'],
)
def test_a_code_that_is_declared_twice_is_found(other: str) -> None:
    planted = {Path("a.py"): ONE, Path("b.py"): other}
    assert list(message_laws.declared_twice(planted)) == ["b.py:1: KM9001 is declared at a.py:1 already"]
    assert list(message_laws.declared_twice({Path("a.py"): ONE + other}))
    assert not list(message_laws.declared_twice({Path("a.py"): ONE}))


def test_two_frames_or_reasons_of_one_code_are_found() -> None:
    assert list(message_laws.declared_twice({Path("a.py"): 'A = Frame("KM90", "", "")\nB = Frame("KM90", "", "")\n'}))
    assert list(
        message_laws.declared_twice({Path("a.py"): 'A = Reason("01", 5, "", "")\nB = Reason("01", 6, "", "")\n'})
    )


def test_a_message_under_the_beginning_of_a_frame_is_found() -> None:
    assert list(message_laws.frame_taken({Path("a.py"): ONE + 'F = Frame("KM90", "", "")\n'}))
    assert not list(message_laws.frame_taken({Path("a.py"): ONE + 'F = Frame("KM91", "", "")\n'}))


def test_a_code_that_nobody_declares_is_found() -> None:
    texts = {Path("x.md"): "First.\n\nIt says KM9001 or KM9002.\n"}
    assert list(message_laws.cited(texts, ["KM9001"])) == ["x.md:3: nobody declares KM9002"]
