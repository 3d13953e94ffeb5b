"""Rules about what only one resource can use, with the types that ship."""

import pytest

from komainu.catalogue import RESOURCE_TYPES
from komainu.config.read import read
from komainu.config.rules import used_once
from komainu.model.message import Said
from tests.unit.config.sample import GOOD, said as said_of_sample

HEAD = """\
cluster: {name: sample, environment: aws, arbitration: operator}
nodes:
  - {name: node1, links: [10.0.110.100]}
  - {name: node2, links: [10.0.120.100]}
  - {name: node3, links: [10.0.130.100]}
groups:
"""
APART = "exclusions: [{name: x, kind: %s, groups: [g1, g2]}]\n"
MOVE = (
    "  - name: g\n    resources:\n      - name: move2\n        type: move\n"
    "        params: {address: %s, zone: a}\n        per_node: {node1: {port: port-8}, node2: {port: port-9}}\n"
)


def group(name: str, *resources: str, nodes: str = "node1, node2") -> str:
    """A group of the lab's nodes."""
    return f"  - {{name: {name}, nodes: [{nodes}], resources: [{', '.join(resources)}]}}\n"


def eip(name: str, allocation: str, one: str = "eni-1", two: str = "eni-2") -> str:
    """An Elastic IP."""
    nodes = f"{{node1: {{eni_id: {one}}}, node2: {{eni_id: {two}}}, node3: {{eni_id: eni-3}}}}"
    return f"{{name: {name}, type: awseip, params: {{allocation_id: eipalloc-{allocation}}}, per_node: {nodes}}}"


def sip(name: str, address: str) -> str:
    """A secondary private address."""
    nodes = "{node1: {eni_id: eni-1}, node2: {eni_id: eni-2}}"
    return f"{{name: {name}, type: awssip, params: {{address: {address}}}, per_node: {nodes}}}"


def vip(name: str, address: str) -> str:
    """A virtual address."""
    nodes = "{node1: {eni_id: eni-1}, node2: {eni_id: eni-2}}"
    return f"{{name: {name}, type: awsvip, params: {{address: '{address}', vpc_id: vpc-1}}, per_node: {nodes}}}"


def dns(name: str, record: str, zone: str = "Z1", **more: str) -> str:
    """A record."""
    params = "".join(f", {key}: {value}" for key, value in more.items())
    values = ("fd00::1", "fd00::2") if more.get("type") == "AAAA" else ("10.0.110.101", "10.0.120.102")
    nodes = "{{node1: {{value: '{}'}}, node2: {{value: '{}'}}}}".format(*values)
    return f"{{name: {name}, type: awsdns, params: {{name: {record}, zone_id: {zone}{params}}}, per_node: {nodes}}}"


def errors(*lines: str) -> list[tuple[str, Said]]:
    """What is refused, and where."""
    reading = read("".join((HEAD, *lines)).encode(), RESOURCE_TYPES)
    return [(each.path, each.said) for each in reading.errors]


def codes(*lines: str) -> list[tuple[str, str]]:
    return [(path, said.code) for path, said in errors(*lines)]


def test_an_address_moves_with_one_resource_only() -> None:
    assert said_of_sample(GOOD + MOVE % "10.1.0.20") == [
        (24, "groups[1].resources[0].params.address", used_once.ADDRESS_USED_TWICE.code)
    ]
    assert said_of_sample(GOOD + MOVE % "10.1.0.21") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sip("s1", "10.0.1.9"), sip("s2", "10.0.1.9")),
        (vip("v1", "10.9.0.1"), vip("v2", "10.9.0.1")),
        (vip("v1", "fd00::1"), vip("v2", "fd00:0::1")),
        (sip("s1", "10.0.1.9"), vip("v1", "10.0.1.9")),
    ],
    ids=["awssip", "awsvip", "IPv6", "two types"],
)
@pytest.mark.parametrize("kind", ["", "normal", "absolute"])
def test_an_address_is_one_address_whatever_moves_it_and_wherever(one: str, other: str, kind: str) -> None:
    """Groups that never share a node are both active all the same, each on its own."""
    expected = [("groups[1].resources[0].params.address", used_once.ADDRESS_USED_TWICE.code)]
    assert codes(group("g1", one), group("g2", other), APART % kind if kind else "") == expected


def test_two_elastic_ips_displace_each_other_at_one_eni() -> None:
    found = errors(group("g1", eip("e1", "a")), group("g2", eip("e2", "b", one="eni-9")))
    assert [path for path, _ in found] == ["groups[1].resources[0].per_node.node2.eni_id"]
    said = found[0][1]
    assert said.code == used_once.USED_TWICE_ON_NODE.code
    assert said.en.startswith("`eni_id` eni-2 is used by resource e1 on node node2 already: active on the same node,")
    assert "`absolute`" in said.en
    assert said.ja.startswith("`eni_id` eni-2 はノード node2 ですでにリソース e1 が使っています。")


def test_two_elastic_ips_of_one_group_are_always_active_together() -> None:
    twice = used_once.USED_TWICE_ON_NODE.code
    place = "groups[0].resources[1].per_node"
    expected = [(f"{place}.node1.eni_id", twice), (f"{place}.node2.eni_id", twice)]
    assert codes(group("g1", eip("e1", "a"), eip("e2", "b"))) == expected
    assert codes(group("g1", eip("e1", "a"), eip("e2", "b", "eni-8", "eni-9"))) == []


def test_groups_that_never_share_a_node_may_use_the_same_enis() -> None:
    groups = (group("g1", eip("e1", "a")), group("g2", eip("e2", "b")))
    assert codes(*groups, APART % "absolute") == []
    assert len(codes(*groups, APART % "normal")) == 2


def test_groups_without_a_node_in_common_may_use_anything_of_their_nodes() -> None:
    both = (group("g1", eip("e1", "a"), nodes="node1"), group("g2", eip("e2", "b"), nodes="node2, node3"))
    assert codes(*both) == []


def test_an_exclusion_with_other_groups_keeps_nothing_apart() -> None:
    third = group("g3", "{name: e3, type: exec, params: {command: [/bin/true]}}")
    rule = "exclusions: [{name: x, kind: absolute, groups: [g1, g3]}]\n"
    assert len(codes(group("g1", eip("e1", "a")), group("g2", eip("e2", "b")), third, rule)) == 2


@pytest.mark.parametrize("kind", ["normal", "absolute"])
def test_an_allocation_is_of_one_resource_only(kind: str) -> None:
    groups = (group("g1", eip("e1", "a")), group("g2", eip("e2", "a", "eni-8", "eni-9"), nodes="node2, node3"))
    found = errors(*groups, APART % kind)
    assert [(path, said.code) for path, said in found if said.code == used_once.USED_TWICE.code] == [
        ("groups[1].resources[0].params.allocation_id", used_once.USED_TWICE.code)
    ]
    assert found[0][1].en.startswith("`allocation_id` eipalloc-a is used by resource e1 already:")


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        (dns("d2", "db.example.com"), True),
        (dns("d2", "DB.example.com.", type="A", ttl_s="60"), True),
        (dns("d2", "db.example.com", type="AAAA"), False),
        (dns("d2", "db.example.com", zone="Z2"), False),
        (dns("d2", "web.example.com"), False),
    ],
    ids=["the same", "written otherwise", "another type", "another zone", "another name"],
)
def test_a_record_is_its_zone_its_name_and_its_type(other: str, refused: bool) -> None:
    found = errors(group("g1", dns("d1", "db.example.com")), group("g2", other))
    expected = [("groups[1].resources[0].params.name", used_once.USED_TWICE.code)] if refused else []
    assert [(path, said.code) for path, said in found] == expected
    for _, said in found:
        assert said.en.startswith("`name` db.example.com, `type` A, `zone_id` Z1 is used by resource d1 already")


def test_a_resource_may_give_its_own_values_twice() -> None:
    own = dns("d1", "db.example.com").replace("{value: '10.0.110.101'}", "{value: 10.0.110.101, name: DB.example.com}")
    assert codes(group("g1", own)) == []


def test_a_value_of_a_single_node_is_found_where_it_is() -> None:
    own = dns("d2", "x.example.com").replace("{value: '10.0.110.101'}", "{value: 10.0.110.101, name: db.example.com}")
    assert codes(group("g1", dns("d1", "db.example.com")), group("g2", own)) == [
        ("groups[1].resources[0].per_node.node1.name", used_once.USED_TWICE.code)
    ]


def test_what_the_type_refuses_is_said_once() -> None:
    """Values that were refused are compared with nothing."""
    wrong = eip("e2", "A!")
    found = codes(group("g1", eip("e1", "A!")), group("g2", wrong))
    assert found
    assert not {code for _, code in found} & {each.code for each in used_once.MESSAGES}
