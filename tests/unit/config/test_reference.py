"""The reference in the documentation is made from the declarations, and is up to date.

    KOMAINU_REWRITE_DOCS=1 .venv/bin/pytest tests/unit/config/test_reference.py

writes it anew; read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest
from pydantic import BaseModel

from komainu.catalogue import FENCES, LEASES, MONITORS, NOTIFICATIONS, TYPES
from komainu.config.reference import MESSAGES, reference
from komainu.model.message import Language
from komainu.model.traits import Traits
from tests.unit.config.sample import APP, EVERY, FLOAT, MOVE, PLUG, URN, resource_type

DOCS = Path(__file__).parents[3] / "docs"
BEGIN = "<!-- The reference begins: made from the program, not to be edited -->\n"
END = "<!-- The reference ends -->\n"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_documents_hold_the_reference_of_this_program(language: Language) -> None:
    path = DOCS / language / "configuration.md"
    text = path.read_text()
    before, found, rest = text.partition(BEGIN)
    inside, ended, after = rest.partition(END)
    assert found, "the mark of the beginning is missing"
    assert ended, "the mark of the end is missing"
    wanted = f"\n{reference(TYPES, language, MONITORS, NOTIFICATIONS, LEASES, FENCES)}\n"
    if os.environ.get("KOMAINU_REWRITE_DOCS") == "1":
        path.write_text(before + BEGIN + wanted + END + after)
        inside = wanted
    assert inside == wanted


@pytest.mark.parametrize(
    "row",
    [
        "| `text` | text | required | A text field. |",
        "| `whole` | whole number > 0, < 10 | required | A whole field. |",
        "| `fraction` | number ≤ 1 | `0.5` | A fraction field. |",
        "| `truth` | `true` or `false` | `false` | A truth field. |",
        "| `choice` | `one`, `two` | `one` | A choice field. |",
        "| `colour` | `red`, `blue` | `red` | A colour field. |",
        "| `words` | list: text | `[a]` | A list field. |",
        "| `by_key` | keys with values: text | - | A field of keys. |",
        "| `address` | IP address | - | An address field. |",
        "| `either` | whole number or list: whole number | `1` | A field of two forms. |",
        "| `limits` | section | - | A section field. |",
        "| `limits.most` | whole number ≥ 1 | `3` | The most there may be. |",
        "| `many` | list: section | - | A field of sections. |",
        "| `many[].most` | whole number ≥ 1 | `3` | The most there may be. |",
        "| `peer` | IP address | - | A peer field. |",
        "| `file` | text | - | A file field. |",
    ],
)
def test_every_kind_of_field_has_its_row(row: str) -> None:
    assert row in reference([EVERY], "en").splitlines()


def test_the_japanese_reference_is_japanese() -> None:
    text = reference([EVERY], "ja")
    assert "| `whole` | 整数 > 0, < 10 | 必須 | 整数の項目。 |" in text.splitlines()
    assert "| `limits.most` | 整数 ≥ 1 | `3` | 上限。 |" in text.splitlines()
    for message in MESSAGES:
        plain = message.en.split("{")[0].strip()
        if len(plain) > 4 and "`" not in plain:
            assert plain not in text


def test_the_facts_of_a_type_are_there() -> None:
    text = reference([MOVE, FLOAT, APP], "en")
    assert "### `move`: the move" in text
    assert "| `port` | `^port-[0-9]+$` | required on every node | The node's port. |" in text
    move, fixed, app = (text.index(f"### `{each.name}`") for each in (MOVE, FLOAT, APP))
    assert "- Exclusive: no" in text[move:fixed]
    assert "- Environment: `aws`\n" in text[move:fixed]
    assert "- Exclusive: yes\n" in text[fixed:app]
    assert "- Exclusive: yes, unless `exclusive: false`" in text[app:]
    assert "`start_timeout_ms` 7000" in text[app:]


def test_the_arbitration_has_a_table_and_its_types_have_theirs() -> None:
    text = reference([], "en", leases=[URN], fences=[PLUG])
    table = text[text.index("### `cluster.arbitration`") : text.index("### `nodes[]`")]
    assert "| `lease.type` | name | required | The type of the store. |" in table
    assert "| `fence.timeout_ms` | whole number ≥ 1 | `180000` |" in table
    lease, fence = text.index("### `urn`: the urn"), text.index("### `plug`: the plug")
    assert "| `place` | text | required | The place. |" in text[lease:fence]
    assert "| `socket` | text | required on every node | The socket. |" in text[fence:]
    assert "| `hard` | `true` or `false` | `true` | Whether it is pulled hard. |" in text[fence:]


class Endless(BaseModel):
    inner: "Endless | None" = None
    "Itself."


def test_a_parameter_that_contains_itself_has_an_end() -> None:
    text = reference([resource_type("endless", Endless, Traits(exclusive=False))], "en")
    assert text.count("inner.inner") < 40
