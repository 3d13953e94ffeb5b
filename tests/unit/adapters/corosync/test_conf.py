"""corosync.conf: what is in it, which times it has, and what is refused."""

import re

import pytest

from komainu.adapters.corosync.conf import (
    ADDRESS_TWICE,
    AUTHKEY_BYTES,
    FAMILIES_DIFFER,
    LINKS_DIFFER,
    NOT_AN_ADDRESS,
    TOO_QUICK,
    ConfRefusedError,
    Timing,
    corosync_conf,
    new_authkey,
    refusals,
    timing,
)
from komainu.model.config import Arbitration, Cluster, Node


def cluster(*links: tuple[str, ...], detect_within_ms: int = 1500) -> Cluster:
    """A cluster with these interconnect addresses, one tuple for each node."""
    return Cluster(
        name="shrine",
        environment="onprem",
        detect_within_ms=detect_within_ms,
        arbitration=Arbitration(kind="none"),
        nodes=tuple(Node(name=f"node{n}", id=n, links=each) for n, each in enumerate(links, start=1)),
    )


def of_size(count: int, detect_within_ms: int) -> Cluster:
    """A cluster of so many nodes."""
    return cluster(*((f"10.0.0.{n}",) for n in range(1, count + 1)), detect_within_ms=detect_within_ms)


TWO = (("10.0.10.11",), ("10.0.20.12",))


@pytest.mark.parametrize(
    ("count", "within", "token", "consensus"),
    [
        (2, 450, 300, 150),
        (2, 1500, 1000, 500),
        (2, 5000, 3333, 1667),
        (1, 450, 300, 150),
        (3, 1500, 681, 819),
        (5, 5000, 2272, 2728),
        (2, 200, 133, 67),
        (3, 286, 130, 156),
    ],
)
def test_the_two_times_add_up_to_what_was_asked(count: int, within: int, token: int, consensus: int) -> None:
    assert timing(of_size(count, within)) == Timing(token, consensus)
    assert token + consensus == within


def test_with_three_nodes_and_more_the_consensus_is_at_least_1_2_tokens() -> None:
    for within in range(286, 6000):
        times = timing(of_size(3, within))
        assert times.consensus_ms * 10 >= times.token_ms * 12


@pytest.mark.parametrize(("count", "within", "least"), [(3, 285, 286), (4, 200, 286)])
def test_times_too_short_are_refused_with_the_shortest_allowed(count: int, within: int, least: int) -> None:
    with pytest.raises(ConfRefusedError) as refused:
        timing(of_size(count, within))
    (said,) = refused.value.said
    assert said.code == TOO_QUICK.code
    assert f"Set it to {least} or more" in said.en
    assert str(least) in said.ja
    timing(of_size(count, least))


def sections(text: str, name: str) -> list[dict[str, str]]:
    """The innermost sections of that name, as key and value."""
    found = re.findall(rf"^ *{name} {{\n([^{{}}]*)}}", text, re.MULTILINE)
    return [dict(line.strip().split(": ", 1) for line in body.strip().splitlines()) for body in found]


def test_the_file_of_a_cluster_of_two() -> None:
    text = corosync_conf(cluster(*TWO))
    for line in (
        "transport: knet",
        "link_mode: active",
        "crypto_model: nss",
        "crypto_cipher: aes256",
        "crypto_hash: sha256",
        "keyfile: /etc/corosync/authkey",
        "token: 1000",
        "consensus: 500",
        "token_coefficient: 0",
        "cluster_name: shrine",
    ):
        assert f"    {line}\n" in text
    assert sections(text, "node") == [
        {"name": "10.0.10.11", "nodeid": "1", "ring0_addr": "10.0.10.11"},
        {"name": "10.0.20.12", "nodeid": "2", "ring0_addr": "10.0.20.12"},
    ]
    assert "quorum" not in text


def test_every_link_has_its_pings_set() -> None:
    text = corosync_conf(cluster(("10.0.0.1", "10.9.0.1"), ("10.0.0.2", "10.9.0.2"), detect_within_ms=450))
    assert sections(text, "interface") == [
        {"linknumber": "0", "mcastport": "5405", "knet_ping_interval": "200", "knet_ping_timeout": "1000"},
        {"linknumber": "1", "mcastport": "5406", "knet_ping_interval": "200", "knet_ping_timeout": "1000"},
    ]
    assert sections(text, "node")[1] == {
        "name": "10.0.0.2",
        "nodeid": "2",
        "ring0_addr": "10.0.0.2",
        "ring1_addr": "10.9.0.2",
    }


def test_ipv6_and_the_other_crypto_library() -> None:
    text = corosync_conf(cluster(("fd00::1",), ("fd00:0::2",)), crypto_model="openssl")
    assert "ring0_addr: fd00::2\n" in text
    assert "crypto_model: openssl\n" in text


def test_braces_balance() -> None:
    text = corosync_conf(cluster(*TWO))
    assert text.count("{") == text.count("}")
    assert text.endswith("}\n")


def test_node_ids_come_from_the_configuration() -> None:
    nodes = (Node(name="b", id=70, links=("10.0.0.70",)), Node(name="a", id=7, links=("10.0.0.7",)))
    text = corosync_conf(cluster(*TWO).model_copy(update={"nodes": nodes}))
    assert [(node["ring0_addr"], node["nodeid"]) for node in sections(text, "node")] == [
        ("10.0.0.7", "7"),
        ("10.0.0.70", "70"),
    ]
    same = corosync_conf(cluster(*TWO).model_copy(update={"nodes": nodes[::-1]}))
    assert same == text, "the order of the file's lines decides nothing"


@pytest.mark.parametrize(
    ("links", "code"),
    [
        ((("10.0.0.1",), ("10.0.0.2", "10.9.0.2")), LINKS_DIFFER.code),
        ((("10.0.0.1",), ("node2.example",)), NOT_AN_ADDRESS.code),
        ((("10.0.0.1",), ("fd00::2",)), FAMILIES_DIFFER.code),
        ((("10.0.0.1",), ("10.0.0.1",)), ADDRESS_TWICE.code),
        ((("fd00::1",), ("fd00:0::1",)), ADDRESS_TWICE.code),
        ((("10.0.0.1\n    }\n}\nquorum {",), ("10.0.0.2",)), NOT_AN_ADDRESS.code),
    ],
)
def test_links_that_cannot_work_are_refused(links: tuple[tuple[str, ...], ...], code: str) -> None:
    found = refusals(cluster(*links))
    assert [said.code for said in found] == [code]
    with pytest.raises(ConfRefusedError):
        corosync_conf(cluster(*links))


def test_all_reasons_come_at_once() -> None:
    bad = cluster(("10.0.0.1",), ("nonsense",), ("fd00::3",), detect_within_ms=250)
    assert {said.code for said in refusals(bad)} == {NOT_AN_ADDRESS.code, FAMILIES_DIFFER.code, TOO_QUICK.code}


def test_a_key_is_long_and_never_the_same() -> None:
    assert len(new_authkey()) == AUTHKEY_BYTES == 256
    assert new_authkey() != new_authkey()
