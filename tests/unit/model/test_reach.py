"""What may stand for something outside of the cluster."""

import pytest
from pydantic import ValidationError

from komainu.model import reach
from komainu.model.message import Message, Refused
from komainu.model.reach import ReachTarget


@pytest.mark.parametrize(
    ("written", "way", "host", "port"),
    [
        ({"ping": "10.0.10.10"}, "ping", "10.0.10.10", 0),
        ({"ping": "2001:db8::1"}, "ping", "2001:db8::1", 0),
        ({"listen": "ec2.ap-northeast-1.amazonaws.com:443"}, "listen", "ec2.ap-northeast-1.amazonaws.com", 443),
        ({"listen": "[2001:db8::1]:80"}, "listen", "2001:db8::1", 80),
        ({"http": "http://gate.example/"}, "http", "gate.example", 80),
        ({"http": "https://10.0.0.9"}, "http", "10.0.0.9", 443),
        ({"http": "https://[2001:db8::1]:8443/health?x=1"}, "http", "2001:db8::1", 8443),
    ],
)
def test_each_way_has_a_place(written: dict[str, str], way: str, host: str, port: int) -> None:
    target = ReachTarget.model_validate(written)
    assert (target.way, target.host, target.port) == (way, host, port)
    assert target.text == written[way]


def refusal(written: dict[str, str]) -> str:
    with pytest.raises(ValidationError) as caught:
        ReachTarget.model_validate(written)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Refused)
    return error.said.code


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, reach.NOT_ONE),
        ({"ping": "10.0.0.1", "listen": "a:1"}, reach.NOT_ONE),
        ({"ping": "gateway"}, reach.BAD_PING),
        ({"ping": "10.0.0.1:80"}, reach.BAD_PING),
        ({"listen": "gateway"}, reach.BAD_LISTEN),
        ({"listen": ":443"}, reach.BAD_LISTEN),
        ({"listen": "a:0"}, reach.BAD_LISTEN),
        ({"listen": "a:65536"}, reach.BAD_LISTEN),
        ({"listen": "a:４４３"}, reach.BAD_LISTEN),
        ({"listen": "a b:443"}, reach.BAD_LISTEN),
        ({"listen": "2001:db8::1:443"}, reach.BAD_LISTEN),
        ({"http": "ftp://a/"}, reach.BAD_HTTP),
        ({"http": "http://"}, reach.BAD_HTTP),
        ({"http": "http://u:p@a/"}, reach.BAD_HTTP),
        ({"http": "http://a b/"}, reach.BAD_HTTP),
        ({"http": "http://a:99999/"}, reach.BAD_HTTP),
        ({"http": "http://[::1/"}, reach.BAD_HTTP),
        ({"ping": "127.0.0.1"}, reach.THIS_MACHINE),
        ({"ping": "0.0.0.0"}, reach.THIS_MACHINE),
        ({"http": "http://169.254.169.254/latest/"}, reach.THIS_MACHINE),
        ({"ping": "224.0.0.1"}, reach.THIS_MACHINE),
        ({"ping": "255.255.255.255"}, reach.THIS_MACHINE),
        ({"listen": "[::1]:443"}, reach.THIS_MACHINE),
        ({"listen": "LocalHost.:443"}, reach.THIS_MACHINE),
        ({"http": "http://127.1.2.3:8080/"}, reach.THIS_MACHINE),
    ],
)
def test_what_says_nothing_about_the_network_is_refused(written: dict[str, str], message: Message) -> None:
    assert refusal(written) == message.code
