"""Which fault a call meets."""

import pytest

from komainu_lab.vpc.faults import BadFault, Kind, Plan


def _plan() -> tuple[Plan, list[int]]:
    changes: list[int] = []
    return Plan(lambda: changes.append(1)), changes


def test_a_fault_fits_by_action_and_source() -> None:
    plan, _ = _plan()
    fault = plan.add("throttle", actions=("ReplaceRoute",), sources=("node2",))
    assert plan.strike("ReplaceRoute", "node1") is None
    assert plan.strike("DescribeVpcs", "node2") is None
    assert plan.strike("ReplaceRoute", "node2") is fault


def test_a_fault_without_limits_fits_every_call_until_it_is_healed() -> None:
    plan, _ = _plan()
    fault = plan.add("error")
    assert [plan.strike("A", "x"), plan.strike("B", "")] == [fault, fault]
    plan.heal(fault.id)
    assert plan.strike("A", "x") is None
    assert fault.healed.is_set()


def test_a_fault_is_used_up() -> None:
    plan, _ = _plan()
    fault = plan.add("lost", times=2)
    assert [plan.strike("A", "") for _ in range(3)] == [fault, fault, None]
    assert plan.holding() == ()


def test_healing_lets_go_what_hangs_by_a_fault_that_is_used_up() -> None:
    plan, _ = _plan()
    fault = plan.add("hang", times=1)
    plan.strike("A", "")
    assert not fault.healed.is_set()
    plan.heal()
    assert fault.healed.is_set()


def test_the_oldest_fault_that_fits_strikes() -> None:
    plan, _ = _plan()
    first = plan.add("error", actions=("A",))
    second = plan.add("throttle")
    assert plan.strike("A", "") is first
    assert plan.strike("B", "") is second
    assert plan.holding() == (first, second)


def test_faults_of_the_network_are_told_and_do_not_strike_calls() -> None:
    plan, changes = _plan()
    fault = plan.add("silence", sources=("node1",))
    assert plan.strike("A", "node1") is None
    assert len(changes) == 1
    plan.heal(fault.id)
    assert len(changes) == 2
    plan.add("error")
    plan.heal()
    assert len(changes) == 2, "a fault of the endpoint is no change of the network"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"kind": "gremlin"}, "gremlin"),
        ({"kind": "refuse", "actions": ("ReplaceRoute",)}, "actions"),
        ({"kind": "silence", "times": 1}, "times"),
        ({"kind": "delay"}, "delay_ms"),
        ({"kind": "error", "delay_ms": 5}, "delay_ms"),
        ({"kind": "error", "times": 0}, "times"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(arguments: dict[str, object], word: str) -> None:
    plan, _ = _plan()
    with pytest.raises(BadFault, match=word):
        plan.add(**arguments)  # type: ignore[arg-type]
    assert plan.holding() == ()


def test_every_kind_is_either_of_the_network_or_of_the_endpoint() -> None:
    plan, _ = _plan()
    for kind in Kind:
        plan.add(kind, delay_ms=1 if kind == Kind.DELAY else 0)
    assert {fault.kind for fault in plan.holding()} == set(Kind)
