"""From a text to a `Cluster`, or to everything that is wrong with it."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from komainu import config
from komainu.catalogue import FENCE_TYPES, LEASE_TYPES, MONITOR_TYPES, NOTIFIERS, RESOURCE_TYPES
from komainu.config import complete, parameters, read, refusals, rules, yaml_text
from komainu.config.arbitration import ArbitrationSection
from komainu.config.rules import arbitration as rule, safety
from komainu.model.config import Cluster
from tests.unit.config.files import files
from tests.unit.config.sample import GOOD, TWO_FORMS, TYPES, changed, only, reading, said


def test_the_right_file_becomes_a_complete_cluster() -> None:
    cluster = reading(GOOD).cluster
    assert cluster is not None
    assert cluster == Cluster.model_validate(cluster.model_dump())
    assert (cluster.name, cluster.version, cluster.language) == ("sample", 1, "en")
    assert cluster.detect_within_ms == 5_000
    assert [(node.name, node.id, node.links) for node in cluster.nodes] == [
        ("node1", 1, ("10.0.110.100",)),
        ("node2", 2, ("10.0.120.100",)),
    ]
    group = cluster.group("failover1")
    assert group.nodes == ("node1", "node2")
    move, app = group.resources
    assert move.params_on("node2") == {"address": "10.1.0.20", "zone": "a", "port": "port-2"}
    assert (move.exclusive, app.exclusive) == (False, True)
    assert (app.start_timeout_ms, app.check_interval_ms, app.stop_timeout_ms) == (7_000, 31_000, 60_000)


def test_the_version_is_the_callers() -> None:
    cluster = read.read(GOOD.encode(), TYPES, version=7).cluster
    assert cluster is not None
    assert cluster.version == 7


def test_every_error_is_named_at_once_with_its_line_and_path() -> None:
    text = changed(
        ("  name: sample", "  name: my sample"),
        ("environment: aws", "enviroment: aws"),
        ("links: [10.0.110.100]", "links: [10.0.110.300]"),
        ("node2: {port: port-2}", "node3: {port: port-3}"),
        ("params: {command: [/bin/true]}", "params: {comand: 5, start: 3}"),
    )
    assert said(text) == [
        (2, "cluster.name", refusals.BAD_NAME.code),
        (3, "cluster.enviroment", refusals.MISSPELT_KEY.code),
        (6, "nodes[0].links[0]", refusals.NOT_ADDRESS.code),
        (15, "groups[0].resources[0].per_node.node2.port", parameters.NOT_ON_NODE.code),
        (16, "groups[0].resources[0].per_node.node3", parameters.NO_SUCH_NODE.code),
        (19, "groups[0].resources[1].params.comand", refusals.MISSPELT_KEY.code),
        (19, "groups[0].resources[1].params.start", refusals.NOT_TEXT.code),
    ]
    assert reading(text).cluster is None


def test_warnings_and_notes_do_not_forbid_the_file() -> None:
    text = changed(("arbitration: operator", "arbitration: none"))
    assert reading(text).cluster is not None
    assert reading(text).errors == ()
    assert said(text, "warning") == [(4, "cluster.arbitration", rule.NONE_EXCLUSIVE.code)]
    assert said(GOOD, "info") == [(4, "cluster.arbitration", rule.OPERATOR_WAITS.code)]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "5\n"])
def test_what_is_no_section_at_the_top_is_no_configuration(text: str) -> None:
    problem = only(text)
    assert (problem.line, problem.said.code) == (1, read.NOT_A_CONFIGURATION.code)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", yaml_text.EMPTY),
        ("a: [", yaml_text.NOT_CLOSED),
        ("*x\n", yaml_text.ALIAS),
        ("[" * 10_000, yaml_text.TOO_DEEP),
        ("#" * 10_000_000, yaml_text.TOO_LARGE),
        ("cluster:\n\tname: x\n", yaml_text.TAB),
    ],
    ids=lambda value: getattr(value, "code", "text"),
)
def test_a_text_that_cannot_be_read_gives_one_error_and_nothing_that_follows_from_it(
    text: str, message: object
) -> None:
    assert only(text).said.code == message.code  # type: ignore[attr-defined]


def test_anchors_and_aliases_are_refused_beside_the_other_errors() -> None:
    text = changed(("name: sample", "name: &n sample"), ("environment: aws", "environment: *n"))
    assert said(text) == [
        (2, "cluster.name", yaml_text.ANCHOR.code),
        (3, "cluster.environment", yaml_text.ALIAS.code),
    ]


def test_nothing_is_said_about_the_inside_of_what_has_the_wrong_form() -> None:
    text = changed(
        (
            "        per_node:\n          node1: {port: port-1}\n          node2: {port: port-2}\n",
            "        per_node: 5\n",
        )
    )
    assert said(text) == [(14, "groups[0].resources[0].per_node", refusals.NOT_SECTION.code)]


def test_a_key_without_a_value_is_an_error_not_a_default() -> None:
    assert said(changed(("arbitration: operator", "arbitration: operator\n  detect_within_ms:"))) == [
        (5, "cluster.detect_within_ms", refusals.NO_VALUE.code)
    ]
    assert said(changed(("  - name: failover1", "  - name: failover1\n    nodes:"))) == [
        (10, "groups[0].nodes", refusals.NO_VALUE.code)
    ]


def test_a_misspelt_key_is_not_reported_as_missing_too() -> None:
    text = changed(("environment: aws", "environmnt: aws"))
    assert said(text) == [(3, "cluster.environmnt", refusals.MISSPELT_KEY.code)]
    text = changed(("type: app", "typ: app"))
    assert said(text) == [(18, "groups[0].resources[1].typ", refusals.MISSPELT_KEY.code)]


def test_a_parameter_one_level_too_high_is_sent_to_its_place() -> None:
    text = changed(
        ("type: app", "type: app\n        start: /bin/true"), ("params: {command: [/bin/true]}", "params: {}")
    )
    assert said(text) == [(19, "groups[0].resources[1].start", parameters.MISPLACED.code)]


def test_a_types_own_refusal_is_quoted_in_both_languages() -> None:
    problem = only(changed(("{command: [/bin/true]}", "{command: [/bin/true], start: x}")))
    assert problem.said == TWO_FORMS.said()
    assert problem.path == "groups[0].resources[1].params"


@pytest.mark.parametrize(
    ("arbitration", "message"),
    [
        ("fence", rule.FENCE),
        ("{kind: fence}", rule.FENCE),
        ("lease", rule.LEASE_AS_WORD),
        ("{}", rule.CHOOSE),
        ("{kind: leese}", rule.CHOOSE),
        ("no", rule.CHOOSE),
        ("[none]", rule.CHOOSE),
        ("", rule.CHOOSE),
    ],
)
def test_the_choice_of_arbitration_is_explained(arbitration: str, message: object) -> None:
    problem = only(changed(("arbitration: operator", f"arbitration: {arbitration}")))
    assert (problem.path, problem.said.code) == ("cluster.arbitration", message.code)  # type: ignore[attr-defined]


def test_an_arbitration_that_is_left_out_is_asked_for() -> None:
    problem = only(changed(("  arbitration: operator\n", "")))
    assert (problem.line, problem.said.code) == (2, rule.CHOOSE.code)


def test_the_long_form_of_arbitration_is_accepted() -> None:
    cluster = reading(changed(("arbitration: operator", "arbitration: {kind: operator}"))).cluster
    assert cluster is not None
    assert cluster.arbitration.kind == "operator"


def test_preset_and_detection_time_exclude_each_other() -> None:
    text = changed(("arbitration: operator", "arbitration: operator\n  preset: fast\n  detect_within_ms: 2000"))
    assert said(text) == [(5, "cluster.preset", safety.DETECT_TWICE.code)]


def test_more_problems_than_anybody_reads_are_counted() -> None:
    text = "cluster: {name: a, environment: aws, arbitration: none, aws: {region: x}}\nnodes:\n"
    text += "  - {name: n, links: [127.0.0.1]}\n" * 20
    text += "groups:\n" + "".join(f"  - {{name: g{number}, bad: 1}}\n" for number in range(300))
    problems = reading(text).problems
    assert len(problems) == read.MAX_PROBLEMS + 1
    assert problems[-1].said.code == read.AND_MORE.code
    assert all(problem.is_error for problem in problems)


def test_a_cluster_that_the_model_refuses_after_all_is_a_defect_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = complete.complete
    monkeypatch.setattr(read, "complete", lambda *given: whole(*given).model_copy(update={"agent_return_ms": -1}))
    problem = only(GOOD)
    assert problem.said.code == read.INCOMPLETE.code
    assert "agent_return_ms" in problem.said.en


WORDS = [
    "cluster",
    "monitors",
    "exclusions",
    "notifications",
    "depends_on",
    "target",
    "watches",
    "group",
    "scripts",
    "reset_after_ms",
    "interval_ms",
    "nodes",
    "groups",
    "resources",
    "name",
    "params",
    "per_node",
    "type",
    "move",
    "app",
    "node1",
    "every",
]
SECTIONS = ["cluster", "nodes", "groups", "monitors", "exclusions", "notifications"]
VALUES = ["links", "arbitration", "kind", "none", "10.0.0.1", "recovery", "exclusive", "text", "aws", "environment"]


def _pieces() -> st.SearchStrategy[object]:
    words = st.sampled_from([*WORDS, *VALUES])
    leaves = words | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False) | st.text(max_size=5)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
        max_leaves=30,
    )


def _sections() -> st.SearchStrategy[object]:
    """Sections with names that exist, and anything else in them."""
    names = st.sampled_from(["failover1", "app1", "move1", "node1", "g", 5, "local-server", "always"])
    target = st.dictionaries(st.sampled_from(["group", "resource"]), names) | names
    number = st.integers(-1, 70_000) | st.just("x")
    values: dict[str, st.SearchStrategy[object]] = {
        "name": names,
        "type": st.sampled_from(["app", "ping", "inside", "ofapp", "every", "nothing"]),
        "kind": st.sampled_from(["normal", "absolute", "mail", 1]),
        "nodes": st.lists(names, max_size=3),
        "groups": st.lists(names, max_size=3),
        "watches": target,
        "interval_ms": number,
        "check_interval_ms": number,
        "failback": st.sampled_from(["auto", "manual", 1]),
        "scripts": st.dictionaries(st.sampled_from(["before_start", "timeout_ms", "x"]), names | number),
        "depends_on": st.lists(target | st.just({"group": "g", "same_node": True, "start_wait_ms": 1}), max_size=3),
        "recovery": st.dictionaries(
            st.sampled_from(["target", "restarts", "reset_after_ms", "final_action", "script"]), target | number
        ),
        "per_node": st.dictionaries(st.just("node1"), st.just({"host": "h"}) | number, max_size=1),
        "params": st.sampled_from([{"host": "h"}, {"command": ["/x"]}, {"whole": 1}, {"to": 5}, 5]),
        "np": st.booleans() | number,
    }
    plain = st.fixed_dictionaries({}, optional=values)
    return st.fixed_dictionaries({}, optional={**values, "resources": st.lists(plain, max_size=3)})


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*SECTIONS, "x"]), _pieces()))
def test_no_values_crash_the_reader(values: dict[str, object]) -> None:
    # JSON is YAML, so this is a text in which any value stands anywhere.
    found = reading(json.dumps(values))
    assert (found.cluster is None) == bool(found.errors)


LISTS = ("groups", "monitors", "exclusions", "notifications")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(LISTS), st.lists(_sections(), max_size=3)))
def test_no_values_in_the_right_lists_crash_the_reader(lists: dict[str, object]) -> None:
    found = reading(json.dumps({**yaml.safe_load(GOOD), **lists}))
    assert (found.cluster is None) == bool(found.errors)


ARBITRATION_KEYS = [*ArbitrationSection.model_fields, "x"]
INSIDE = ["type", "params", "per_node", "timeout_ms", "place", "node1", "urn", "plug", "lease", "majority", "operator"]


def _inside() -> st.SearchStrategy[object]:
    words = st.sampled_from(INSIDE)
    leaves = words | st.integers() | st.booleans() | st.none()
    return st.recursive(leaves, lambda inner: st.dictionaries(words, inner, max_size=4), max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(ARBITRATION_KEYS), _inside()))
def test_no_values_in_the_arbitration_crash_the_reader(values: dict[str, object]) -> None:
    file = yaml.safe_load(GOOD)
    file["cluster"]["arbitration"] = values
    found = reading(json.dumps(file))
    assert (found.cluster is None) == bool(found.errors)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_to_a_right_file_crashes_the_reader(data: st.DataObject) -> None:
    raw = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    found = read.read(bytes(raw), TYPES)
    assert (found.cluster is None) == bool(found.errors)


@settings(max_examples=150, deadline=None)
@given(files())
def test_a_file_of_the_right_form_is_refused_for_a_reason_or_becomes_a_cluster(file: dict[str, object]) -> None:
    found = reading(json.dumps(file))
    assert read.INCOMPLETE.code not in [each.said.code for each in found.problems]
    assert (found.cluster is None) == bool(found.errors)
    if found.cluster is None:
        return
    assert found.cluster == Cluster.model_validate_json(found.cluster.model_dump_json())
    for group in found.cluster.groups:
        seen: list[str] = []
        for resource in group.resources:
            assert set(resource.depends_on) <= set(seen)
            seen.append(resource.name)


ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def shipped(text: str) -> read.Reading:
    """Read with everything that the product has."""
    return read.read(
        text.encode(),
        RESOURCE_TYPES,
        monitors=MONITOR_TYPES,
        notifiers=NOTIFIERS,
        leases=LEASE_TYPES,
        fences=FENCE_TYPES,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_accepted_with_nothing_but_the_price_of_its_arbitration(path: Path) -> None:
    found = shipped(path.read_text())
    assert found.errors == ()
    # figure 5-1 asks one endpoint from all nodes
    prices = {"cluster.arbitration", *(("monitors[1].params",) if path.name == "eip-cluster.yaml" else ())}
    assert {each.path for each in found.problems if each.said.level == "warning"} <= prices


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_the_documents_show_is_accepted(language: str) -> None:
    whole, part = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / language / "configuration.md").read_text(), re.DOTALL
    )
    assert shipped(whole).errors == ()
    batch = "  - name: batch\n    resources:\n      - {name: b, type: exec, params: {command: [/x]}}\n"
    text = whole.partition("groups:")[0] + part.replace("exclusions:", f"{batch}exclusions:")
    found = shipped(text)
    assert [each.said.en for each in found.errors] == []


def test_every_message_has_a_code_of_its_own() -> None:
    package = Path(config.__file__).parent
    codes = [
        line.split('"')[1] for path in package.rglob("*.py") for line in path.read_text().splitlines() if '"KM1' in line
    ]
    assert len(codes) > 60
    assert len(codes) == len(set(codes))
    assert {message.code for message in (*read.MESSAGES, *rules.MESSAGES)} <= set(codes)


def test_the_reader_agrees_with_a_plain_yaml_loader_about_the_right_file() -> None:
    assert yaml_text.parse(GOOD.encode()).plain() == yaml.safe_load(GOOD)
