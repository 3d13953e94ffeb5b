"""A description in Japanese stands in the schema beside the English one."""

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.described import ja


class Keys(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    address: str = Field(json_schema_extra=ja("アドレス。", minLength=1))
    "The address."


def test_both_languages_are_in_the_schema_with_what_else_was_said() -> None:
    described = Keys.model_json_schema()["properties"]["address"]
    assert described["description"] == "The address."
    assert described["description_ja"] == "アドレス。"
    assert described["minLength"] == 1
