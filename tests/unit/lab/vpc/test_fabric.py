"""What the fabric tells the kernel, and when it wakes; test_packets has the packets."""

import threading

import pytest

from komainu_lab.vpc.fabric import BRIDGED, CHANGING, ROUTED, ROUTED6, api_rules, base_rules, filter_changes, watch
from komainu_lab.vpc.faults import Fault, Kind
from komainu_lab.vpc.plan import Plan

API = "198.51.100.2"


class Counting:
    """Stands for moto's backend: every method that the fabric knows, and one that fails."""

    def __init__(self) -> None:
        self.made: list[str] = []
        for name in CHANGING:
            setattr(self, name, lambda *_args, name=name, **_kwargs: self.made.append(name))
        self.replace_route = self._fail

    def _fail(self, **_kwargs: str) -> None:
        raise ValueError("no such table")


def test_every_change_wakes_the_fabric() -> None:
    ec2, woken = Counting(), []
    watch(ec2, threading.RLock(), lambda: woken.append(len(ec2.made)))
    for name in CHANGING:
        if name != "replace_route":
            getattr(ec2, name)()
    assert woken == list(range(1, len(CHANGING))), "after the change, not before"


def test_packets_follow_an_elastic_ip_behind_the_answer() -> None:
    ec2, woken = Counting(), []
    watch(ec2, threading.RLock(), lambda: woken.append("at once"), lambda: woken.append("later"))
    for name in ("associate_address", "disassociate_address", "create_route"):
        getattr(ec2, name)()
    assert woken == ["later", "later", "at once"]


def test_a_change_that_fails_wakes_it_too_and_fails_still() -> None:
    ec2, woken = Counting(), []
    watch(ec2, threading.RLock(), lambda: woken.append(1))
    with pytest.raises(ValueError, match="no such table"):
        ec2.replace_route(route_table_id="rtb-1")
    assert woken == [1]


def test_moto_has_every_method_that_is_watched() -> None:
    from moto.ec2.models import EC2Backend

    assert [name for name in CHANGING if not hasattr(EC2Backend, name)] == []


def test_equal_plans_cost_nothing() -> None:
    plan = Plan(stopped=frozenset({"10.0.0.1"}), public=frozenset({("203.0.113.1", "10.0.0.1")}))
    assert filter_changes(plan, Plan(stopped=plan.stopped, public=plan.public)) == ""


def test_only_the_sets_that_differ_are_written() -> None:
    before = Plan(checked_ports=frozenset({"p-client"}))
    after = Plan(checked_ports=frozenset({"p-client"}), stopped=frozenset({"10.0.0.2", "10.0.0.1"}))
    assert filter_changes(before, after).splitlines() == [
        f"flush set {ROUTED} stopped",
        f"add element {ROUTED} stopped {{ 10.0.0.1, 10.0.0.2 }}",
    ]
    assert filter_changes(after, before) == f"flush set {ROUTED} stopped"


def test_maps_and_pairs_are_written_as_nftables_wants_them() -> None:
    after = Plan(public=frozenset({("203.0.113.1", "10.0.0.1")}), own_addresses=frozenset({("p-a", "10.0.0.1")}))
    commands = filter_changes(Plan(), after)
    assert f"flush map {ROUTED} to_private" in commands
    assert f"add element {ROUTED} to_private {{ 203.0.113.1 : 10.0.0.1 }}" in commands
    assert f"add element {ROUTED} to_public {{ 10.0.0.1 : 203.0.113.1 }}" in commands
    assert f'add element {BRIDGED} own_addresses {{ "p-a" . 10.0.0.1 }}' in commands


def test_faults_of_the_network_become_rules() -> None:
    faults = (Fault(1, Kind.REFUSE, sources=("node1",)), Fault(2, Kind.SILENCE), Fault(3, Kind.ERROR))
    assert api_rules(faults, API, {"node1": "10.0.110.100"}).splitlines() == [
        f"flush chain {ROUTED} api",
        f"add rule {ROUTED} api ip saddr 10.0.110.100 ip daddr {API} tcp dport 443 reject with tcp reset",
        f"add rule {ROUTED} api ip daddr {API} tcp dport 443 drop",
        f"add rule {ROUTED} api ip saddr {API} tcp sport 443 drop",
    ]
    assert api_rules((), API, {}) == f"flush chain {ROUTED} api"


def test_the_base_names_every_set_that_is_filled() -> None:
    rules = base_rules("br-outside", ("p-node1", "p-client"))
    full = Plan(
        stopped=frozenset({"10.0.0.1"}),
        stopped_ports=frozenset({"p-a"}),
        checked_ports=frozenset({"p-a"}),
        own_addresses=frozenset({("p-a", "10.0.0.1")}),
        public=frozenset({("203.0.113.1", "10.0.0.1")}),
    )
    for line in filter_changes(Plan(), full).splitlines():
        if line.startswith("flush"):
            kind, name = line.split()[1], line.split()[-1]
            assert f"{kind} {name} {{" in rules


def test_machines_of_the_vpc_reach_one_another_through_the_router_alone() -> None:
    rules = base_rules("br-outside", ("p-node1", "p-client"))
    assert 'set inside_ports { type ifname; elements = { "p-client", "p-node1" }; }' in rules
    assert "iifname @inside_ports drop" in rules
    assert "oifname @inside_ports arp operation request drop" in rules
    assert "elements" not in base_rules("", ()), "a set without elements names none"


def test_ipv6_has_sets_of_its_own() -> None:
    own = frozenset({("p-a", "10.0.0.1"), ("p-a", "2001:db8::1")})
    after = Plan(stopped=frozenset({"10.0.0.2", "2001:db8::2"}), own_addresses=own)
    lines = filter_changes(Plan(), after).splitlines()
    assert [line for line in lines if line.startswith("add")] == [
        f"add element {ROUTED} stopped {{ 10.0.0.2 }}",
        f"add element {ROUTED6} stopped {{ 2001:db8::2 }}",
        f'add element {BRIDGED} own_addresses {{ "p-a" . 10.0.0.1 }}',
        f'add element {BRIDGED} own_addresses6 {{ "p-a" . 2001:db8::1 }}',
    ]
