"""Everything that keeps a configuration from holding on a machine is named, at once."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from komainu.agent import fitness
from komainu.agent.fitness import ThisMachine, unfit
from komainu.catalogue import MONITOR_TYPES, NOTIFIERS
from komainu.config.declared import Declared
from komainu.model.config import Cluster, Group, Monitor, MonitorRecovery, Node, Notification, Scripts, Target
from komainu.model.message import Said
from komainu.types.notify import secret
from tests.doubles.daemons import Things, cluster, resource

DECLARED = Declared({"thing": Things().type()}, MONITOR_TYPES, NOTIFIERS)


@dataclass
class AnyMachine:
    """A machine that has everything but what is named."""

    programs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def lacks_program(self, path: str) -> str:
        return "No such file or directory" if path in self.programs else ""

    def lacks_address(self, address: str) -> bool:
        return address in self.addresses


def judged(new: Cluster, old: Cluster | None = None, me: str = "n1", **lacks: tuple[str, ...]) -> tuple[Said, ...]:
    return unfit(me, new, old or cluster(), DECLARED, AnyMachine(**lacks))


def codes(said: tuple[Said, ...]) -> list[str]:
    return [each.code for each in said]


def monitor(**changes: Any) -> Monitor:
    values: dict[str, Any] = {
        "name": "disk1",
        "type": "genw",
        "nodes": ("n1",),
        "params": {"command": ["/opt/look", "--all"]},
        "first_wait_ms": 0,
        "interval_ms": 10_000,
        "timeout_ms": 5_000,
        "retries": 0,
        "recovery": MonitorRecovery(target=Target(kind="node"), restarts=0, failovers=0),
    }
    return Monitor(**{**values, **changes})


def test_a_machine_that_has_everything_is_fit() -> None:
    assert judged(cluster(version=2, agent_return_ms=5_000)) == ()


def test_what_another_release_does_not_know_is_refused_with_its_place() -> None:
    said = judged(cluster(resource(type="later"), resource("other", params={"colour": 7})))

    assert len(said) == 2
    assert all(each.code == fitness.AT_PLACE.code and each.en.startswith("Node n1, groups[0]") for each in said)
    assert "later" in said[0].en
    assert "later" in said[0].ja


def test_scripts_are_asked_for_only_where_they_would_run() -> None:
    scripts = Scripts(before_start="/opt/before", after_stop="/opt/after")
    new = cluster(resource(scripts=scripts)).model_copy(
        update={
            "groups": (Group(name="web", nodes=("n1",), resources=(resource(scripts=scripts),)),),
            "monitors": (
                monitor(),
                monitor(name="m2", nodes=("n2",), params={"command": ["/opt/n2only"]}),
                monitor(
                    name="m3",
                    params={"command": ["/opt/other"]},
                    recovery=MonitorRecovery(
                        target=Target(kind="node"), restarts=0, failovers=0, script="/opt/recovery"
                    ),
                ),
            ),
        }
    )
    lacking = ("/opt/before", "/opt/after", "/opt/look", "/opt/n2only", "/opt/recovery")
    here, there = judged(new, programs=lacking), judged(new, me="n2", programs=lacking)

    assert codes(here) == [fitness.NO_PROGRAM.code] * 4
    text = "\n".join(each.en for each in here)
    assert all(path in text for path in ("/opt/before", "/opt/after", "/opt/look", "/opt/recovery"))
    assert "groups/web/app/scripts/before_start" in text
    assert [each.en.partition(" (")[0] for each in there] == ["Node n2: /opt/n2only"]


def test_an_address_that_is_elsewhere_is_refused_by_its_own_node_alone() -> None:
    assert codes(judged(cluster(), addresses=("10.0.0.1",))) == [fitness.NO_ADDRESS.code]
    assert judged(cluster(), addresses=("10.0.0.2",)) == ()


def with_links(*links: tuple[str, ...]) -> Cluster:
    nodes = tuple(Node(name=f"n{index}", id=index, links=each) for index, each in enumerate(links, 1))
    return cluster(nodes=len(links)).model_copy(update={"nodes": nodes})


Links = tuple[tuple[str, ...], ...]
ONE: Links = (("10.0.0.1",), ("10.0.0.2",))
TWO: Links = (("10.0.0.1", "10.1.0.1"), ("10.0.0.2", "10.1.0.2"))


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (ONE, (("10.0.9.1",), ("10.0.9.2",)), True),
        (ONE, (("10.0.0.1",), ("10.0.0.9",)), True),
        (ONE, TWO, False),
        (TWO, (("10.2.0.1", "10.1.0.1"), ("10.2.0.2", "10.1.0.2")), False),
        (TWO, (("10.1.0.1", "10.0.0.1"), ("10.1.0.2", "10.0.0.2")), True),
        ((("10.0.0.1",),), (("10.0.9.1",),), False),
    ],
    ids=["all", "one node's only link", "a second link", "the first of two", "exchanged", "a node alone"],
)
def test_one_link_has_to_stay(before: Links, after: Links, refused: bool) -> None:
    assert (fitness.NO_LINK_STAYS.code in codes(judged(with_links(*after), with_links(*before)))) is refused


def test_a_node_keeps_its_id() -> None:
    old = cluster()
    new = old.model_copy(update={"nodes": (old.nodes[0], old.nodes[1].model_copy(update={"id": 7}))})
    assert codes(judged(new, old)) == [fitness.OTHER_ID.code]


def test_secrets_have_to_be_there_and_secret(tmp_path: Path) -> None:
    password, certificates = tmp_path / "password", tmp_path / "ca.pem"

    def said() -> tuple[Said, ...]:
        params = {
            "host": "mail.example.com",
            "user": "komainu",
            "password_file": str(password),
            "ca_file": str(certificates),
            "sender": "komainu@example.com",
            "to": ["ops@example.com"],
        }
        mail = Notification(name="ops", kind="mail", params=params)
        return tuple(
            each
            for each in judged(cluster(notifications=(mail,)))
            if "notifications/ops" in each.en or "ca.pem" in each.en
        )

    missing = said()
    assert codes(missing) == [fitness.NO_FILE.code, fitness.AT_PLACE.code]
    certificates.write_text("-----BEGIN")
    password.write_text("hunter2\n")
    password.chmod(0o644)
    assert secret.NOT_SECRET.said(name="ops", file=str(password)).en in said()[0].en
    password.chmod(0o600)
    assert said() == ()


def test_this_machine_says_of_a_program_what_is_wrong(tmp_path: Path) -> None:
    machine, script = ThisMachine(), tmp_path / "script"
    assert machine.lacks_program(str(script)) == "No such file or directory"
    script.write_text("#!/bin/sh\n")
    assert machine.lacks_program(str(script)) == "Permission denied"
    script.chmod(0o755)
    assert machine.lacks_program(str(script)) == ""
    assert machine.lacks_program(str(tmp_path)) == "Is a directory"
    assert machine.lacks_program("sh") == ""
    assert machine.lacks_program("no-such-program-here") == "No such file or directory"


@pytest.mark.sockets
def test_this_machine_knows_its_addresses() -> None:
    machine = ThisMachine()
    assert not machine.lacks_address("127.0.0.1")
    assert machine.lacks_address("192.0.2.77")
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        assert machine.lacks_address("2001:db8::77")
