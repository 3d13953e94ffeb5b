"""Whoever names a command of ours names one that can be given."""

from pathlib import Path

import pytest

from komainu_lab import docs
from tests.tidy import command_laws, tree


def documents() -> dict[Path, str]:
    return {path: tree.read(path) for path in tree.files() if path.suffix == ".md"}


def test_every_command_in_a_message_can_be_given() -> None:
    told = {Path(f"{code}.md"): f"{message.en}\n{message.ja}" for code, message in docs.declared().items()}
    assert sum(len(list(command_laws.commands(path, text))) for path, text in told.items()) > 50
    assert not (broken := list(command_laws.unknown(told))), "\n".join(broken)


def test_every_command_in_a_source_can_be_given() -> None:
    told = {path: tree.read(path) for path in tree.product_files()}
    assert not (broken := list(command_laws.unknown(told))), "\n".join(broken)


def test_every_command_in_a_document_can_be_given() -> None:
    assert not (broken := list(command_laws.unknown(documents()))), "\n".join(broken)


# --- Planted violations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Run `komainu grup list`.",
        "Run `komainu node confirm {node}`.",
        "Run `komainu config show {version} --yml`.",
        "`komainu maintenance on|of`",
        "It is `komainu group\nmvoe`.",
        "```sh\n# komainu group move web --fast\n```\n",
        "`komainu report [FAILOVER | --lst]`",
        "`komainu witness 7641`, `komainu witness --lissten :1`",
    ],
)
def test_a_command_that_is_not_there_is_found(text: str) -> None:
    assert list(command_laws.unknown({Path("a.md"): text}))


@pytest.mark.parametrize(
    "text",
    [
        "`komainu` and `komainud` and `komainu-lab nothing`",
        "`komainu group` is for groups; `komainu group move` moves one to `NODE`.",
        "`komainu node confirm-gone {node}`, `komainu config show VERSION`",
        "`komainu maintenance on|off`, `komainu what-if ... --config FILE`, `komainu events -f | head`",
        "`komainu witness`, `komainu witness --listen ADDRESS:1`",
        "```\nkomainu is the word of this line\n```\n",
    ],
)
def test_a_command_that_can_be_given_is_let_through(text: str) -> None:
    assert not list(command_laws.unknown({Path("a.md"): text}))


def test_in_a_source_its_strings_count() -> None:
    source = 'A = "run `komainu " "grup`"\nB = f"run `komainu group mvoe {group}`"\n# `komainu nothing`\n'
    assert len(list(command_laws.unknown({Path("a.py"): source}))) == 2
