"""The law of commands: whoever names a command to type names one that exists, by its name and options of today.

What stands between backticks and begins with `komainu` is taken as typed. Like source_laws, this touches no file.
"""

import ast
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

from komainu.cli.main import parser
from komainu.cli.session import Parser
from komainu.cli.speech import Speech

SPAN = re.compile(r"(?<!`)`(komainu(?:\s[^`]*)?)`(?!`)")
FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^(?:[#$] |sudo )?(komainu(?: .*)?)$", re.MULTILINE)
UNFINISHED = "the following arguments are required"
"argparse's words: a command may be named without its values."
UNRECOGNIZED = "unrecognized arguments"
OPTIONS_ONLY = re.compile(f"{UNFINISHED}: --[\\w-]+(, --[\\w-]+)*$")
MOST_VALUES = 3


class Wrong(Exception):
    """The grammar refuses it."""


class _Strict(Parser):
    def error(self, message: str) -> NoReturn:
        raise Wrong(message)


def unknown(texts: Mapping[Path, str]) -> Iterator[str]:
    """Commands that are named and cannot be given."""
    for path, text in texts.items():
        for command in commands(path, text):
            for form in forms(command):
                trouble = refusal(form)
                if trouble:
                    yield f"{path}: `{command}`: {trouble}"


def commands(path: Path, text: str) -> Iterator[str]:
    """What the text tells somebody to type: in a document also the lines of a shell, in a source only its strings."""
    if path.suffix == ".md":
        yield from (" ".join(found.split()) for found in SPAN.findall(FENCE.sub("", text)))
        for block in SHELL.findall(text):
            yield from LINE.findall(block)
        return
    for string in _strings(ast.parse(text, str(path))):
        yield from (" ".join(found.split()) for found in SPAN.findall(string))


def _strings(tree: ast.AST) -> Iterator[str]:
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{it}" for each in node.values)


def forms(command: str) -> Iterator[list[str]]:
    """What can be typed for it: `[X]` may be there, of `a|b` it is one, a value stands for `{x}` and for `NAME`."""
    alternatives = re.sub(r"\[[^]]*\]", lambda optional: optional.group().replace(" | ", "|"), command)
    typed = re.split(r" [|#>;] ?| && | \.\.\.", alternatives)[0]
    words = [word.strip("[].…") for word in shlex.split(typed)[1:]]
    choices: list[list[str]] = [[]]
    for word in filter(None, words):
        choices = [[*before, _value(each)] for before in choices for each in word.split("|")]
    yield from choices


def _value(word: str) -> str:
    # "1" is a name as well as a number.
    return "1" if re.search(r"\{\w+\}", word) or re.fullmatch(r"[A-Z]+", word) else word


def refusal(words: list[str]) -> str:
    """Why the grammar does not take them, whatever values are still missing; empty when it does."""
    trouble = ""
    for missing in range(MOST_VALUES):
        trouble = _trouble([*words, *(["1"] * missing)])
        if UNFINISHED not in trouble:
            return trouble
        if trouble.endswith(": COMMAND"):
            return ""  # it names all that is below a word
        if OPTIONS_ONLY.search(trouble):
            # A command whose values all have names: what is wrong besides is told only when none of them is missing.
            named = [part for option in re.findall(r"--[\w-]+", trouble) for part in (option, "1")]
            trouble = _trouble([*words, *named])
            return trouble if UNRECOGNIZED in trouble else ""
    return trouble


def _trouble(words: list[str]) -> str:
    try:
        _grammar().parse_args(words)
    except Wrong as wrong:
        return str(wrong)
    except SystemExit:
        pass  # --help and --version end by themselves
    return ""


@cache
def _grammar() -> ArgumentParser:
    return _strict(parser(Speech("en", coloured=False)))


def _strict(grammar: ArgumentParser) -> ArgumentParser:
    grammar.__class__ = _Strict
    for action in grammar._actions:
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                _strict(below)
    return grammar
