"""The shape of monitors, exclusions and notifications."""

import pytest
from pydantic import BaseModel, ValidationError

from komainu.config import shape_beside as shape
from komainu.model import config as model
from komainu.model.message import Refused

PAIRS = [
    (shape.MonitorEntry, model.Monitor),
    (shape.MonitorRecoverySection, model.MonitorRecovery),
    (shape.ExclusionEntry, model.Exclusion),
    (shape.NotificationEntry, model.Notification),
]
OTHERWISE = ("groups", "kind", "target", "recovery", "watches", "reset_after_ms", "restarts", "failovers", "params")
"""Judged in other ways than by the same bound: by a rule, by what is declared, by another form."""


@pytest.mark.parametrize(("section", "noun"), PAIRS)
def test_the_file_has_the_keys_of_the_model(section: type[BaseModel], noun: type[BaseModel]) -> None:
    assert list(section.model_fields) == [key for key in noun.model_fields if key in section.model_fields]
    assert set(section.model_fields) == set(noun.model_fields)


@pytest.mark.parametrize(("section", "noun"), PAIRS)
def test_bounds_and_defaults_are_those_of_the_model(section: type[BaseModel], noun: type[BaseModel]) -> None:
    for key, field in section.model_fields.items():
        wanted = noun.model_fields[key]
        if key in OTHERWISE:
            continue
        assert {str(each) for each in wanted.metadata} <= {str(each) for each in field.metadata}, key
        if not wanted.is_required() and field.default_factory is None:
            assert field.default == wanted.default, key


@pytest.mark.parametrize("section", [*(pair[0] for pair in PAIRS), shape.TargetSection])
def test_every_key_is_explained_in_both_languages(section: type[BaseModel]) -> None:
    for key, field in section.model_json_schema()["properties"].items():
        assert field.get("description"), key
        assert field.get("description_ja"), key


@pytest.mark.parametrize(
    "target", ['"local-server"', '"all-groups"', '{"group": "g"}', '{"group": "g", "resource": "r"}']
)
def test_a_target_is_a_word_or_a_section(target: str) -> None:
    shape.MonitorRecoverySection.model_validate_json(f'{{"target": {target}}}', strict=True)


@pytest.mark.parametrize("target", ['"always"', '{"resource": "r"}', "{}", "[]", "null", "5"])
def test_anything_else_is_no_target(target: str) -> None:
    with pytest.raises(ValidationError):
        shape.MonitorRecoverySection.model_validate_json(f'{{"target": {target}}}', strict=True)


def test_a_group_alone_avoids_nobody() -> None:
    with pytest.raises(ValidationError) as refused:
        shape.ExclusionEntry.model_validate({"name": "x", "kind": "normal", "groups": ("a",)})
    error = refused.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Refused)
    assert error.said == shape.ALONE.said()
