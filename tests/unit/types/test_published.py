"""Ports as parameters."""

import pytest
from pydantic import TypeAdapter

from komainu.adapters.corosync import conf
from komainu.model.message import Refused
from komainu.types.published import INTERCONNECT, INTERCONNECT_PORTS, NO_PORT, Published, port, ports


def test_a_port_is_a_number_and_a_protocol() -> None:
    assert ports(("8080/tcp", "53/udp", "5405/tcp")) == (("tcp", 8080), ("udp", 53), ("tcp", 5405))
    assert TypeAdapter(Published).validate_python("8080/tcp") == "8080/tcp"


@pytest.mark.parametrize("text", ["", "80", "tcp/80", "0/tcp", "65536/tcp", "80/sctp", "80/TCP", "８０/tcp", "-1/udp"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        port(text)
    assert refused.value.said.code == NO_PORT.code


def test_the_ports_of_the_interconnect_are_refused() -> None:
    assert INTERCONNECT_PORTS[0] == conf.FIRST_PORT
    for number in INTERCONNECT_PORTS:
        with pytest.raises(Refused) as refused:
            port(f"{number}/udp")
        assert refused.value.said.code == INTERCONNECT.code
