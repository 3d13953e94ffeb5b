"""The JSON Schema of `cluster.yaml` (draft 2020-12), with the parameters of every resource type (design law 12).

Editors complete and check a file by it. It says less than the reader: what several values must be to each other is
for `komainu.config.rules` and for the types' own validators to say.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel

from komainu.config.problem import Path
from komainu.config.shape import ClusterFile
from komainu.ports import ResourceType

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema(types: Iterable[ResourceType]) -> Schema:
    """The schema of the file, in which `params` and `per_node` depend on `type`."""
    whole: Schema = {"$schema": DIALECT, **deepcopy(of_model(ClusterFile))}
    definitions: dict[str, Schema] = whole["$defs"]
    resource = definitions["ResourceEntry"]
    names: list[str] = []
    cases: list[Schema] = []
    for declared in types:
        names.append(declared.name)
        own = _parameters(declared)
        definitions.update(own.pop("$defs", {}))
        definitions[f"{declared.name}.params"] = own
        reference = {"$ref": f"#/$defs/{declared.name}.params"}
        then = {"params": reference, "per_node": {"additionalProperties": reference}}
        condition = {"properties": {"type": {"const": declared.name}}, "required": ["type"]}
        cases.append({"if": condition, "then": {"properties": then}})
    resource["properties"]["type"] = {
        "description": resource["properties"]["type"]["description"],
        "description_ja": resource["properties"]["type"]["description_ja"],
        "enum": names,
    }
    if cases:
        resource["allOf"] = cases
    return whole


def parameters(declared: ResourceType) -> Schema:
    """The schema of a type's parameters as a whole, as they hold on one node."""
    return of_model(declared.params)


@cache
def of_model(model: type[BaseModel]) -> Schema:
    """A model's own schema, computed once. It belongs to all callers: copy it before you change it."""
    return model.model_json_schema()


def keys_at(whole: Schema, path: Path) -> tuple[str, ...]:
    """The keys that may stand in the section at that path of a schema; empty when any may."""
    found: dict[str, None] = {}
    for section in _sections(whole, {"$ref": "#"}):
        for place in _descend(whole, section, path):
            found.update(dict.fromkeys(place.get("properties", {})))
    return tuple(found)


def _parameters(declared: ResourceType) -> Schema:
    """As `parameters`, with nested definitions under the type's name, and nothing required.

    A parameter may stand in `params` or in `per_node`: only both together must be complete.
    """
    prefix = f"#/$defs/{declared.name}."
    own: Schema = _renamed(parameters(declared), prefix)
    own["$defs"] = {f"{declared.name}.{name}": part for name, part in own.get("$defs", {}).items()}
    own.pop("required", None)
    own["title"] = declared.title.en
    own["description"] = declared.description.en
    own["description_ja"] = declared.description.ja
    return own


def _renamed(part: Any, prefix: str) -> Any:
    if isinstance(part, list):
        return [_renamed(item, prefix) for item in part]
    if not isinstance(part, dict):
        return part
    changed = {key: _renamed(value, prefix) for key, value in part.items()}
    reference = part.get("$ref")
    if isinstance(reference, str):
        changed["$ref"] = reference.replace("#/$defs/", prefix)
    return changed


def _sections(whole: Schema, part: Schema) -> Iterable[Schema]:
    """A part of the schema with references followed and alternatives laid side by side."""
    reference = part.get("$ref")
    if isinstance(reference, str):
        target = whole if reference == "#" else whole.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        yield from _sections(whole, {key: value for key, value in target.items() if key != "$ref"})
        return
    yield part
    for alternative in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from _sections(whole, alternative)


def _descend(whole: Schema, section: Schema, path: Path) -> Iterable[Schema]:
    if not path:
        yield section
        return
    step, rest = path[0], path[1:]
    properties: Mapping[str, Schema] = section.get("properties", {})
    following = properties.get(step) if isinstance(step, str) else section.get("items")
    if following is None:
        following = section.get("additionalProperties") or section.get("items")
    if isinstance(following, dict):
        for place in _sections(whole, following):
            yield from _descend(whole, place, rest)
