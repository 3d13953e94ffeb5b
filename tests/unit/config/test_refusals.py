"""What pydantic refuses, in the administrator's words, for every kind of field that a type may have."""

import json
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from komainu.config import refusals
from komainu.config.problem import Finding, Path
from komainu.config.schema import keys_at
from komainu.model.message import Message
from tests.unit.config.sample import Every

RIGHT: dict[str, Any] = {"text": "abc", "whole": 1}


def findings(values: dict[str, Any], model: type[BaseModel] = Every) -> list[Finding]:
    try:
        model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        return refusals.findings(error, values, partial(keys_at, model.model_json_schema()))
    return []


def test_right_values_are_not_refused() -> None:
    assert findings(RIGHT) == []


@pytest.mark.parametrize(
    ("key", "value", "path", "message", "part"),
    [
        ("text", 5, ("text",), refusals.NOT_TEXT, "5"),
        ("text", None, ("text",), refusals.NO_VALUE, ""),
        ("text", "a", ("text",), refusals.TOO_SHORT, "2"),
        ("text", "abcdef", ("text",), refusals.TOO_LONG, "5"),
        ("text", "bad", ("text",), refusals.OTHER, "bad is bad"),
        ("whole", "5", ("whole",), refusals.NOT_WHOLE, '"5"'),
        ("whole", 5.0, ("whole",), refusals.NOT_WHOLE, "5.0"),
        ("whole", True, ("whole",), refusals.NOT_WHOLE, "true"),
        ("whole", 0, ("whole",), refusals.NOT_ABOVE, "0"),
        ("whole", 10, ("whole",), refusals.NOT_BELOW, "10"),
        ("fraction", "x", ("fraction",), refusals.NOT_NUMBER, '"x"'),
        ("fraction", 2, ("fraction",), refusals.ABOVE, "1"),
        ("truth", "yes", ("truth",), refusals.NOT_TRUTH, '"yes"'),
        ("choice", "three", ("choice",), refusals.NOT_CHOICE, "`one`, `two`"),
        ("colour", "green", ("colour",), refusals.NOT_CHOICE, "`red`, `blue`"),
        ("words", "a", ("words",), refusals.NOT_LIST, '"a"'),
        ("words", ["a", 1], ("words", 1), refusals.NOT_TEXT, "1"),
        ("words", ["a", "b", "c"], ("words",), refusals.TOO_LONG, "2"),
        ("by_key", [1], ("by_key",), refusals.NOT_SECTION, "[1]"),
        ("by_key", {"k": 1}, ("by_key", "k"), refusals.NOT_TEXT, "1"),
        ("address", "10.0.0.300", ("address",), refusals.NOT_ADDRESS, "10.0.0.300"),
        ("address", "10.0.0.0/16", ("address",), refusals.NOT_ADDRESS, "/16"),
        ("peer", "host", ("peer",), refusals.NOT_ADDRESS, "host"),
        ("either", "x", ("either",), refusals.NO_FORM, "valid integer"),
        ("either", ["x"], ("either",), refusals.NO_FORM, "x"),
        ("either", {"int": 5}, ("either",), refusals.NO_FORM, "5"),
        ("limits", 5, ("limits",), refusals.NOT_SECTION, "5"),
        ("limits", {"most": 0}, ("limits", "most"), refusals.BELOW, "1"),
        ("limits", {"mots": 1}, ("limits", "mots"), refusals.MISSPELT_KEY, "`most`"),
        ("limits", {"zzz": 1}, ("limits", "zzz"), refusals.UNKNOWN_KEY, "most"),
        ("many", [{"mots": 1}], ("many", 0, "mots"), refusals.MISSPELT_KEY, "`most`"),
        ("file", 5, ("file",), refusals.NOT_TEXT, "5"),
    ],
)
def test_each_kind_of_field_says_what_it_wanted(key: str, value: Any, path: Path, message: Message, part: str) -> None:
    found = findings({**RIGHT, key: value})
    assert [(each.path, each.said.code) for each in found] == [(path, message.code)]
    assert part in found[0].said.en
    assert part in found[0].said.ja


def test_a_missing_key_and_an_unknown_one() -> None:
    missing, unknown = findings({"text": "abc", "tex": 1})
    assert (missing.path, missing.said) == (("whole",), refusals.MISSING.said(key="whole"))
    assert (unknown.path, unknown.at_key, unknown.meant) == (("tex",), True, ("text",))


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    by_name: dict[Annotated[str, Field(pattern=refusals.NAME_PATTERN)], int] = {}
    code: str = Field(default="a", pattern="^a+$")
    one: Literal["a"] | Every | None = None
    short: tuple[int, ...] = Field(default=(1,), min_length=1)


def test_a_key_that_is_no_name_is_refused_at_the_key() -> None:
    (found,) = findings({"by_name": {"a b": 1}}, Named)
    assert (found.path, found.at_key, found.said.code) == (("by_name", "a b"), True, refusals.BAD_NAME.code)


def test_a_pattern_of_a_types_own_is_shown() -> None:
    (found,) = findings({"code": "b"}, Named)
    assert found.said == refusals.BAD_PATTERN.said(value='"b"', pattern="^a+$")


def test_too_few_items() -> None:
    (found,) = findings({"short": []}, Named)
    assert found.said.code == refusals.TOO_SHORT.code


def test_a_section_that_is_one_of_several_forms_is_refused_once_at_its_place() -> None:
    (found,) = findings({"one": {"text": "abc"}}, Named)
    assert (found.path, found.said.code) == (("one",), refusals.NO_FORM.code)
    assert "Field required" in found.said.en


class Together(BaseModel):
    first: int = 0

    def model_post_init(self, context: Any) -> None:
        if self.first == 3:
            raise ValueError("three is not possible")


def test_values_that_do_not_go_together_are_refused_for_the_whole_section() -> None:
    (found,) = findings({"first": 3}, Together)
    assert found == Finding((), refusals.TOGETHER.said(reason="three is not possible"))


def test_the_nearest_word() -> None:
    assert refusals.nearest("enviroment", ["environment", "name"]) == "environment"
    assert refusals.nearest("Name", ["environment", "name"]) == "name"
    assert refusals.nearest("zzz", ["environment", "name"]) is None
    assert refusals.nearest("name" * 1_000, ["name"]) is None


def test_a_summary_names_every_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Every.model_validate({"limits": {"most": 0}})
    assert refusals.summary(caught.value).count(";") == 2
