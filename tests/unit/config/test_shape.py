"""The sections of the file and the model's configuration belong together."""

import pytest
from pydantic import BaseModel

from komainu.config import shape
from komainu.model import config as model

PAIRS = [
    (shape.ClusterSection, model.Cluster, {"preset", "np"}),
    (shape.NodeEntry, model.Node, set()),
    (shape.GroupEntry, model.Group, set()),
    (shape.ResourceEntry, model.Resource, set()),
    (shape.AwsSection, model.Aws, set()),
]


@pytest.mark.parametrize(("section", "noun", "only_in_file"), PAIRS)
def test_every_key_of_the_file_is_one_of_the_model(
    section: type[BaseModel], noun: type[BaseModel], only_in_file: set[str]
) -> None:
    assert set(section.model_fields) - only_in_file <= set(noun.model_fields)


@pytest.mark.parametrize(("section", "noun", "only_in_file"), PAIRS)
def test_bounds_and_defaults_of_the_file_are_those_of_the_model(
    section: type[BaseModel], noun: type[BaseModel], only_in_file: set[str]
) -> None:
    for key, field in section.model_fields.items():
        if key in only_in_file or key in ("arbitration", "resources", "aws", "recovery", "nodes", "id"):
            continue
        wanted = noun.model_fields[key]
        bounds = {str(each) for each in wanted.metadata}
        if key != "calls_per_minute":  # its bounds have reasons, which a rule gives (config/rules/calls.py)
            assert bounds <= {str(each) for each in field.metadata}, key
        if not wanted.is_required() and field.default_factory is None:
            assert field.default == wanted.default, key


def test_bounds_that_a_rule_gives_stand_in_the_schema_as_well() -> None:
    of_file = shape.AwsSection.model_json_schema()["properties"]["calls_per_minute"]
    of_model = model.Aws.model_json_schema()["properties"]["calls_per_minute"]
    for key in ("minimum", "maximum", "default"):
        assert of_file[key] == of_model[key]


SECTIONS = [shape.ClusterFile, model.Recovery, *(pair[0] for pair in PAIRS)]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_explained_in_both_languages(section: type[BaseModel]) -> None:
    schema = section.model_json_schema()
    for key, field in schema["properties"].items():
        definition = field.get("$ref", "").removeprefix("#/$defs/")
        assert field.get("description") or schema["$defs"][definition]["description"], key
        assert field.get("description_ja"), key
