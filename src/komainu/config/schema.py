"""The JSON Schema of `cluster.yaml` (draft 2020-12), with the parameters of every resource type (design law 12).

Editors complete and check a file by it. It says less than the reader: what several values must be to each other is
for `komainu.config.rules` and for the types' own validators to say.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel

from komainu.config.declared import Declared, Kind
from komainu.config.problem import Path
from komainu.config.shape import ClusterFile
from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema(
    types: Iterable[ResourceType],
    monitors: Iterable[MonitorType] = (),
    notifiers: Iterable[NotifierType] = (),
    leases: Iterable[LeaseType] = (),
    fences: Iterable[FenceType] = (),
) -> Schema:
    """The schema of the file, in which `params` and `per_node` depend on `type`, or on `kind`."""
    whole: Schema = {"$schema": DIALECT, **deepcopy(of_model(ClusterFile))}
    _cases(whole, "ResourceEntry", "type", types, "")
    _cases(whole, "MonitorEntry", "type", monitors, "monitor.")
    _cases(whole, "NotificationEntry", "kind", notifiers, "notification.")
    _cases(whole, "LeaseSection", "type", leases, "lease.")
    _cases(whole, "FenceSection", "type", fences, "fence.")
    return whole


def of_declared(declared: Declared) -> Schema:
    """As `schema`, of all that is declared."""
    return schema(
        declared.resources.values(),
        declared.monitors.values(),
        declared.notifiers.values(),
        declared.leases.values(),
        declared.fences.values(),
    )


def parameters(kind: Kind) -> Schema:
    """The schema of a type's parameters as a whole, as they hold on one node."""
    return of_model(kind.params)


def _cases(whole: Schema, entry: str, word: str, kinds: Iterable[Kind], prefix: str) -> None:
    """Make the parameters in one kind of section depend on the word that names the declaration."""
    section = whole["$defs"][entry]
    names: list[str] = []
    cases: list[Schema] = []
    for kind in kinds:
        names.append(kind.name)
        own = _parameters(kind, prefix + kind.name)
        if "per_node" in section["properties"]:
            # A parameter may stand in `params` or in `per_node`: only both together must be complete.
            own.pop("required", None)
        whole["$defs"].update(own.pop("$defs", {}))
        whole["$defs"][f"{prefix}{kind.name}.params"] = own
        reference = {"$ref": f"#/$defs/{prefix}{kind.name}.params"}
        then: Schema = {"params": reference}
        if "per_node" in section["properties"]:
            then["per_node"] = {"additionalProperties": reference}
        condition = {"properties": {word: {"const": kind.name}}, "required": [word]}
        cases.append({"if": condition, "then": {"properties": then}})
    described = section["properties"][word]
    section["properties"][word] = {key: described[key] for key in ("description", "description_ja")} | {"enum": names}
    if cases:
        section["allOf"] = cases


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


def _parameters(kind: Kind, name: str) -> Schema:
    """The parameters of a type, with nested definitions under its name."""
    own: Schema = _renamed(of_model(kind.params), f"#/$defs/{name}.")
    own["$defs"] = {f"{name}.{inner}": part for inner, part in own.get("$defs", {}).items()}
    own["title"] = kind.title.en
    own["description"] = kind.description.en
    own["description_ja"] = kind.description.ja
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
