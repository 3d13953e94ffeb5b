"""The generated parts of the documents are those of this program."""

from pathlib import Path
from types import ModuleType

import pytest

from komainu.model.message import Language, Message
from komainu.types.aws.messages import InternalKind
from komainu_lab import docs
from komainu_lab.docs import LANGUAGES, PARTS, NoPlace, NotOneMeaning, Part

pytestmark = pytest.mark.sockets
"Every module is imported, and the SDK's HTTP library opens a socket while it is: to see whether IPv6 is there."

PART = Part("messages.md", "<!-- begin -->\n", "<!-- end -->\n", lambda language: "told\n")
ASKED = Message("KM7101", "Is {node} | lost?\nNo `<` or <.", "{node} | です。", "warning")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.begin[5:18])
def test_documents_are_up_to_date(part: Part, language: Language) -> None:
    text = (docs.DOCS / language / part.document).read_text(encoding="utf-8")
    assert part.placed(text, language) == text, "run: make docs"


def test_every_declared_message_is_found_also_the_rows_of_tables() -> None:
    found = docs.declared()
    assert {"KM1001", "KM3101", "KM7401", "KM7101", "KM6101", "KM4001", "KM6111", "KM6026"} <= found.keys()
    assert list(found) == sorted(found)


def test_a_message_has_the_same_placeholders_in_both_languages() -> None:
    def placeholders(text: str) -> list[str]:
        return sorted({piece.partition("}")[0] for piece in text.split("{")[1:]})

    broken = [code for code, each in docs.declared().items() if placeholders(each.en) != placeholders(each.ja)]
    assert not broken


def test_every_status_of_an_internal_error_is_explained() -> None:
    for language in LANGUAGES:
        lines = (docs.DOCS / language / "messages.md").read_text(encoding="utf-8").splitlines()
        explained = [line.split("|")[1].strip() for line in lines if line.startswith("| ") and line[2].isdigit()]
        assert all(str(int(kind)) in explained for kind in InternalKind)


def test_one_code_with_two_texts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = list(docs._modules())
    another = ModuleType("another")
    vars(another)["TEXT"] = Message("KM7101", "Something else.", "別のもの。")
    monkeypatch.setattr(docs, "_modules", lambda: iter([*modules, another]))
    with pytest.raises(NotOneMeaning, match="KM7101"):
        docs.declared()


def test_a_row_survives_signs_that_mean_something_in_a_table() -> None:
    row = docs.messages_page({"KM7101": ASKED}, "en").splitlines()[-1]
    assert row == "| KM7101 | core | warning | Is {node} \\| lost?<br>No `<` or &lt;. |"


def test_the_japanese_page_has_the_english_text_beside_it() -> None:
    row = docs.messages_page({"KM7101": ASKED}, "ja").splitlines()[-1]
    assert row.startswith("| KM7101 | core | 警告 | {node} \\| です。 | Is {node}")


def test_a_message_without_a_section_is_refused() -> None:
    with pytest.raises(NoPlace, match="KM99"):
        docs.messages_page({"KM9901": Message("KM9901", "?", "?")}, "en")


def test_what_is_left_out_has_no_section() -> None:
    assert not docs.LEFT_OUT.keys() & docs.SECTIONS.keys()
    assert docs.messages_page({"KM3001": Message("KM3001", "title", "題")}, "en") == "\n"


@pytest.mark.parametrize("text", ["", "<!-- begin -->\n", "<!-- end -->\n<!-- begin -->\n"])
def test_a_document_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(NoPlace):
        PART.placed(text, "en")


def test_what_is_written_by_hand_stays() -> None:
    placed = PART.placed("# By hand\n<!-- begin -->\noutdated\n<!-- end -->\nAnd after.\n", "en")
    assert placed.startswith("# By hand\n<!-- begin -->\n\ntold\n")
    assert placed.endswith("\n<!-- end -->\nAnd after.\n")
    assert "outdated" not in placed
    assert PART.placed(placed, "en") == placed


def test_writing_twice_changes_nothing_more(tmp_path: Path) -> None:
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        for document in {part.document for part in PARTS}:
            marks = "".join(part.begin + part.end for part in PARTS if part.document == document)
            (tmp_path / language / document).write_text(marks, encoding="utf-8")
    assert sorted(path.name for path in docs.write(tmp_path)) == ["configuration.md"] * 2 + ["messages.md"] * 2
    assert docs.write(tmp_path) == []
