"""Fitting an example to the lab changes what an administrator would change, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from komainu.catalogue import MONITOR_TYPES, RESOURCE_TYPES
from komainu.config.read import read
from komainu_lab.configuration import APPLICATION, WRITES, CloudIds, dump, fit, lease, load, resource
from komainu_lab.errors import LabError
from komainu_lab.topology import eip, onprem, vip

IDS = CloudIds(
    "vpc-1", {"node1": "eni-1", "node2": "eni-2", "client": "eni-3"}, {"node1": "i-1", "node2": "i-2", "client": "i-3"}
)


def document() -> dict[str, Any]:
    return {
        "cluster": {"name": "web", "environment": "aws", "arbitration": "none", "detect_within_ms": 5000},
        "nodes": [{"name": "a", "links": ["10.0.0.1"]}, {"name": "b", "links": ["10.0.0.2"]}],
        "groups": [
            {
                "name": "failover1",
                "resources": [
                    {
                        "name": "awsvip1",
                        "type": "awsvip",
                        "check_interval_ms": 7000,
                        "params": {"address": "10.9.9.9", "vpc_id": "vpc-x"},
                        "per_node": {"a": {"eni_id": "eni-x"}, "b": {"eni_id": "eni-y"}},
                    },
                    {"name": "web1", "type": "exec", "params": {"command": ["/srv/web"]}},
                ],
            }
        ],
    }


def test_the_lab_s_names_addresses_and_ids_are_put_in() -> None:
    fitted = fit(document(), vip(), IDS)
    assert fitted["nodes"] == [
        {"name": "node1", "links": ["10.0.110.100"]},
        {"name": "node2", "links": ["10.0.120.100"]},
    ]
    vip_resource = resource(fitted, "awsvip")
    assert vip_resource["params"] == {"address": "10.1.0.20", "vpc_id": "vpc-1"}
    assert vip_resource["per_node"] == {"node1": {"eni_id": "eni-1"}, "node2": {"eni_id": "eni-2"}}
    assert resource(fitted, "exec")["params"] == {"command": APPLICATION}


def test_an_elastic_ip_gets_its_allocation_and_each_node_its_interface() -> None:
    ids = CloudIds("vpc-1", {"node1": "eni-1", "node2": "eni-2"}, allocation="eipalloc-1")
    found = resource(fit(load("eip"), eip(), ids), "awseip")
    assert found["params"] == {"allocation_id": "eipalloc-1"}
    assert found["per_node"] == {"node1": {"eni_id": "eni-1"}, "node2": {"eni_id": "eni-2"}}
    with pytest.raises(LabError, match="no Elastic IP"):
        fit(load("eip"), eip(), IDS)


def test_everything_else_stays() -> None:
    fitted = fit(document(), vip(), IDS)
    assert resource(fitted, "awsvip")["check_interval_ms"] == 7000
    assert fitted["cluster"] == {"name": "web", "environment": "aws", "arbitration": "none", "preset": "fast"}


def test_the_document_given_is_not_touched() -> None:
    original = document()
    fit(original, vip(), IDS)
    assert original == document()


def test_another_detection_time_replaces_the_preset() -> None:
    assert fit(document(), vip(), IDS, 1500)["cluster"]["detect_within_ms"] == 1500


def test_awsvip_without_a_vpc_is_refused() -> None:
    with pytest.raises(LabError, match="no emulated VPC"):
        fit(document(), onprem(), None)


def test_unknown_examples_and_types_are_named() -> None:
    with pytest.raises(LabError, match="there is no example 'nothing'; there are vip, vip6, addresses, eip, onprem"):
        load("nothing")
    with pytest.raises(LabError, match="no resource of type md"):
        resource(document(), "md")


def test_dump_is_plain_yaml() -> None:
    assert dump({"b": 1, "a": ["狛犬"]}) == "b: 1\na:\n- 狛犬\n"


def limited_document(arbitration: Any) -> dict[str, Any]:
    made = document()
    made["cluster"]["arbitration"] = arbitration
    return made


@pytest.mark.parametrize("arbitration", ["majority", {"kind": "lease", "lease": {"type": "lease_s3"}}])
def test_where_rights_are_limited_the_application_writes_and_its_port_can_be_cut(arbitration: Any) -> None:
    fitted = fit(limited_document(arbitration), vip(), IDS)
    assert resource(fitted, "exec")["params"] == {"command": [*APPLICATION, WRITES], "publishes": ["80/tcp"]}


def test_the_store_is_found_where_there_is_one() -> None:
    assert lease(limited_document({"kind": "lease", "lease": {"type": "lease_s3"}})) == {"type": "lease_s3"}
    assert lease(limited_document({"kind": "majority"})) is None
    assert lease(limited_document("none")) is None


def test_a_fence_gets_the_ids_of_the_emulated_vpc() -> None:
    given = {"kind": "lease", "fence": {"type": "ec2_stop", "per_node": {"a": {"instance_id": "i-x"}}}}
    fitted = fit(limited_document(given), vip(), IDS)
    assert fitted["cluster"]["arbitration"]["fence"]["per_node"] == {
        "node1": {"instance_id": "i-1", "eni_id": "eni-1"},
        "node2": {"instance_id": "i-2", "eni_id": "eni-2"},
    }
    without = limited_document(given)
    without["groups"] = []
    with pytest.raises(LabError, match="no emulated VPC"):
        fit(without, onprem(), None)


def test_a_group_with_a_list_of_nodes_has_those_of_the_lab() -> None:
    given = document()
    given["groups"][0]["nodes"] = ["a", "b"]
    assert fit(given, vip(), IDS)["groups"][0]["nodes"] == ["node1", "node2"]


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_what_the_tour_adds_to_the_lab_s_file_can_be_used(page: str) -> None:
    """It is appended as text: the file has to end with the list that it continues."""
    tour = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")
    (added,) = re.findall(r"cat >> /etc/komainu/cluster\.yaml <<END[^\n]*\n(.*?)END\n", tour, re.DOTALL)
    text = dump(fit(load("vip"), vip(), IDS))
    found = read((text + added).encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES)
    assert [each.said.en for each in found.errors] == []
    before = read(text.encode(), RESOURCE_TYPES, monitors=MONITOR_TYPES).cluster
    assert found.cluster is not None
    assert before is not None
    assert len(found.cluster.monitors) == len(before.monitors) + 1
