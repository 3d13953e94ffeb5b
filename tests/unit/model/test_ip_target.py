"""How a target of an IP monitor is told apart. What is refused is in tests/unit/types/test_ipw.py."""

from typing import Any

import pytest

from komainu.model.ip_target import IpTarget


@pytest.mark.parametrize(
    ("written", "way", "host", "port"),
    [
        ({"icmp": "10.0.10.10"}, "icmp", "10.0.10.10", 0),
        ({"icmp": "2001:db8::1"}, "icmp", "2001:db8::1", 0),
        ({"tcp": "ec2.example:443"}, "tcp", "ec2.example", 443),
        ({"tcp": "[2001:db8::1]:443"}, "tcp", "2001:db8::1", 443),
        ({"dns": "10.0.0.2", "name": "ec2.example."}, "dns", "10.0.0.2", 0),
    ],
)
def test_a_target_knows_whom_it_asks_and_how(written: dict[str, Any], way: str, host: str, port: int) -> None:
    target = IpTarget.model_validate(written)
    assert (target.way, target.host, target.port) == (way, host, port)
    assert target.text == written[way]
