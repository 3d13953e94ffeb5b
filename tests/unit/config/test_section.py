"""What every section of the file has in common."""

import pytest
from pydantic import Field, ValidationError

from komainu.config.section import Section, form_of, left_out


class Small(Section):
    """A section of one key."""

    key: int = Field(default_factory=left_out, ge=1)
    "The key."


def test_a_key_may_be_left_out_but_not_be_empty() -> None:
    assert Small.model_validate_json("{}").key is None
    with pytest.raises(ValidationError, match="valid integer"):
        Small.model_validate_json('{"key": null}')
    assert "default" not in Small.model_json_schema()["properties"]["key"]


def test_a_key_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small.model_validate_json('{"kez": 1}')


def test_a_value_is_a_section_or_else_a_word() -> None:
    assert [form_of(value) for value in ({}, Small(), "x", 5, None, [])] == [*["section"] * 2, *["word"] * 4]
