"""The JSON Schema agrees with the reader, and knows every type."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from komainu.catalogue import FENCES, LEASES, MONITORS as SHIPPED_MONITORS, NOTIFICATIONS, TYPES as SHIPPED
from komainu.config.arbitration import ArbitrationSection
from komainu.config.schema import keys_at, of_declared, parameters, schema
from komainu.model.config import Recovery
from tests.unit.config.sample import DECLARED, EVERY, GOOD, TYPES, changed, reading

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(of_declared(DECLARED))


def accepted(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.safe_load(text)))


def test_it_is_a_schema_of_its_dialect_and_pure_json() -> None:
    whole = schema(SHIPPED, SHIPPED_MONITORS, NOTIFICATIONS, LEASES, FENCES)
    jsonschema.Draft202012Validator.check_schema(whole)
    assert json.loads(json.dumps(whole)) == whole


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_follow_it(path: Path) -> None:
    whole = schema(SHIPPED, SHIPPED_MONITORS, NOTIFICATIONS, LEASES, FENCES)
    jsonschema.Draft202012Validator(whole).validate(yaml.safe_load(path.read_text()))


def test_the_right_file_follows_it() -> None:
    assert accepted(GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: sample", "name: my sample"),
        ("environment: aws", "enviroment: aws"),
        ("arbitration: operator", "arbitration: fence"),
        ("links: [10.0.110.100]", "links: 10.0.110.100"),
        ("type: app", "type: ap"),
        ("zone: a}", "zone: 5}"),
        ("zone: a}", "zone: a, more: 1}"),
        ("{port: port-2}", "{port: x}"),
        ("{port: port-2}", "{prt: port-2}"),
        ("{command: [/bin/true]}", "{command: 5}"),
        ("  - name: failover1", "  - name: failover1\n    nodes:"),
    ],
)
def test_what_it_forbids_the_reader_refuses(old: str, new: str) -> None:
    text = changed((old, new))
    assert not accepted(text)
    assert reading(text).errors


BESIDE = """\
monitors:
  - {name: m, type: ping, params: {host: h}, per_node: {node1: {source: s}}, recovery: {target: {group: failover1}}}
exclusions: []
notifications:
  - {name: n, kind: mail, params: {to: x}}
"""


def test_monitors_and_notifications_follow_it_too() -> None:
    assert accepted(GOOD + BESIDE)
    assert not reading(GOOD + BESIDE).errors


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: ping", "type: pong"),
        ("params: {host: h}", "params: {hosts: h}"),
        ("{source: s}", "{source: 5}"),
        ("target: {group: failover1}", "target: {grup: failover1}"),
        ("target: {group: failover1}", "target: local"),
        ("exclusions: []", "exclusions: [{name: x, kind: normal, groups: [failover1]}]"),
        ("kind: mail", "kind: pigeon"),
        ("{to: x}", "{}"),
        ("{to: x}", "{to: 1}"),
    ],
)
def test_what_it_forbids_beside_groups_the_reader_refuses(old: str, new: str) -> None:
    assert BESIDE.count(old) == 1
    text = GOOD + BESIDE.replace(old, new)
    assert not accepted(text)
    assert reading(text).errors


VOTE = """arbitration:
    kind: lease
    lease: {type: urn, params: {place: here}}
    fence: {type: plug, params: {hard: false}, per_node: {node1: {socket: a}, node2: {socket: b}}}
    right_ms: 20000"""


def test_an_arbitration_follows_it_too() -> None:
    assert accepted(changed(("arbitration: operator", VOTE)))
    assert not reading(changed(("arbitration: operator", VOTE))).errors


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: lease", "kind: leese"),
        ("type: urn", "type: um"),
        ("{place: here}", "{plaice: here}"),
        ("{place: here}", "{place: 5}"),
        ("type: plug", "type: plugh"),
        ("{hard: false}", "{hard: 1}"),
        ("{socket: a}", "{socket: 1}"),
        ("right_ms: 20000", "right_ms: 999"),
        ("right_ms: 20000", "right: 20000"),
    ],
)
def test_what_it_forbids_of_an_arbitration_the_reader_refuses(old: str, new: str) -> None:
    assert VOTE.count(old) == 1
    text = changed(("arbitration: operator", VOTE.replace(old, new)))
    assert not accepted(text)
    assert reading(text).errors


def test_a_parameter_may_stand_in_either_part() -> None:
    text = changed(
        ("zone: a}", "}"), ("{port: port-1}", "{port: port-1, zone: a}"), ("{port: port-2}", "{port: port-2, zone: a}")
    )
    assert accepted(text)
    assert not reading(text).errors


def test_every_kind_of_field_is_checked() -> None:
    def file(params: dict[str, Any]) -> dict[str, Any]:
        resource = {"name": "e", "type": "every", "params": params}
        whole: dict[str, Any] = yaml.safe_load(GOOD)
        return {**whole, "groups": [{"name": "g", "resources": [resource]}]}

    right = {"text": "abc", "whole": 1, "words": ["b"], "limits": {"most": 2}, "many": [{"most": 1}], "either": [1]}
    right |= {"colour": "blue", "by_key": {"a": "b"}, "address": "10.0.0.1", "truth": True, "fraction": 0.1}
    assert VALIDATOR.is_valid(file(right))
    wrong = {"text": 1, "whole": 0, "words": ["a", "b", "c"], "limits": {"most": 0}, "many": [{"x": 1}], "either": "x"}
    wrong |= {"colour": "green", "by_key": {"a": 1}, "address": 5, "truth": "yes", "fraction": 2, "unknown": 1}
    for key, value in wrong.items():
        assert not VALIDATOR.is_valid(file({**right, key: value})), key


def test_descriptions_come_from_the_declarations() -> None:
    definitions = schema(TYPES.values())["$defs"]
    assert definitions["every.params"]["properties"]["text"]["description"] == "A text field."
    assert definitions["every.params"]["description"] == "What every does."
    assert definitions["every.Limits"]["properties"]["most"]["description"] == "The most there may be."
    assert definitions["ResourceEntry"]["properties"]["type"]["enum"] == list(TYPES)


def test_a_schema_is_not_changed_by_making_another_one() -> None:
    first = json.dumps(schema(TYPES.values()))
    schema([EVERY])
    assert "required" in parameters(EVERY)
    assert json.dumps(schema(TYPES.values())) == first


def test_a_schema_without_types_still_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema([]))


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ((), ("cluster", "nodes", "groups", "monitors", "exclusions", "notifications")),
        (("nodes", 3), ("name", "id", "links")),
        (("groups", 0, "resources", 2, "recovery"), tuple(Recovery.model_fields)),
        (("groups", 0, "depends_on", 1), ("group", "same_node", "start_wait_ms", "stop_wait_ms")),
        (("monitors", 0, "recovery", "target"), ("group", "resource")),
        (("monitors", 0, "watches"), ("group", "resource")),
        (("cluster", "aws"), ("region", "calls_per_minute")),
        (("cluster", "arbitration"), tuple(ArbitrationSection.model_fields)),
        (("cluster", "name"), ()),
        (("nowhere", 1), ()),
    ],
)
def test_the_keys_at_a_place(path: tuple[str | int, ...], keys: tuple[str, ...]) -> None:
    assert keys_at(schema(TYPES.values()), path) == keys


def test_the_keys_inside_parameters() -> None:
    assert keys_at(parameters(EVERY), ("limits",)) == ("most",)
    assert keys_at(parameters(EVERY), ("many", 4)) == ("most",)
    assert keys_at(parameters(EVERY), ("by_key", "x")) == ()
