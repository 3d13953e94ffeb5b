"""The record of calls."""

from komainu_lab.namespaces import boottime_ns
from komainu_lab.vpc.calls import CallLog


def test_calls_are_counted_by_source_and_action() -> None:
    log = CallLog()
    for source, action in (("node1", "ReplaceRoute"), ("node1", "ReplaceRoute"), ("", "DescribeVpcs")):
        log.begin("ec2", action, source, {})
    assert log.counts() == {"": {"DescribeVpcs": 1}, "node1": {"ReplaceRoute": 2}}


def test_calls_after_a_number_come_in_order() -> None:
    log = CallLog()
    before_ns = boottime_ns()
    log.begin("ec2", "DescribeVpcs", "node1", {})
    mark = log.last
    second = log.begin("ec2", "ReplaceRoute", "node2", {"RouteTableId": "rtb-1"})
    second.applied_ns = boottime_ns()
    (found,) = log.after(mark)
    assert found["details"] == {"RouteTableId": "rtb-1"}
    assert before_ns <= found["received_ns"] <= found["applied_ns"]
    assert found["answered_ns"] == 0
