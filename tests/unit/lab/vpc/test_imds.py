"""The metadata service, asked over the loopback device."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from komainu_lab.vpc.imds import LONGEST_S, Service, lookup

pytestmark = pytest.mark.sockets
TREE = {
    "meta-data/instance-id": "i-1",
    "meta-data/placement/region": "ap-northeast-1",
    "meta-data/placement/availability-zone": "ap-northeast-1a",
    "dynamic/instance-identity/document": '{"region": "ap-northeast-1"}',
}
ROLE = {"name": "komainu-node"}


@pytest.fixture
def service() -> Iterator[Service]:
    def metadata(address: str) -> dict[str, str] | None:
        return TREE if address == "127.0.0.1" else None

    def credentials(_address: str) -> tuple[str, dict[str, str]]:
        return ROLE["name"], {"AccessKeyId": "ASIA1"} if ROLE["name"] else {}

    service = Service(("0.0.0.0", 0), metadata, credentials)
    service.start()
    yield service
    service.stop()


def ask(service: Service, method: str, path: str, source: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", service.server_port, timeout=10, source_address=(source, 0))
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response: HTTPResponse = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


def token(service: Service, life: str = "60", source: str = "127.0.0.1") -> str:
    status, text = ask(service, "PUT", "/latest/api/token", source, X_aws_ec2_metadata_token_ttl_seconds=life)
    assert status == 200
    return text


def get(service: Service, path: str, source: str = "127.0.0.1") -> tuple[int, str]:
    return ask(service, "GET", path, source, X_aws_ec2_metadata_token=token(service, source=source))


def test_without_a_token_nothing_is_said(service: Service) -> None:
    assert ask(service, "GET", "/latest/meta-data/instance-id") == (401, "")
    assert ask(service, "GET", "/latest/meta-data/instance-id", X_aws_ec2_metadata_token="invented") == (401, "")


@pytest.mark.parametrize("life", ["", "0", "-1", "many", str(LONGEST_S + 1)])
def test_a_token_needs_a_life(service: Service, life: str) -> None:
    assert ask(service, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds=life) == (400, "")


def test_a_proxy_gets_no_token(service: Service) -> None:
    headers = {"X_aws_ec2_metadata_token_ttl_seconds": "60", "X_Forwarded_For": "10.0.0.1"}
    assert ask(service, "PUT", "/latest/api/token", **headers) == (403, "")


def test_a_token_ends(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    given = token(service, "60")
    assert service.is_valid("127.0.0.1", given)
    later = time.monotonic() + 61
    monkeypatch.setattr("komainu_lab.vpc.imds.time.monotonic", lambda: later)
    assert not service.is_valid("127.0.0.1", given)
    service.grant("127.0.0.1", 1)
    assert len(service._tokens) == 1, "tokens that are over are forgotten"


def test_what_was_granted_is_remembered_whole(service: Service) -> None:
    given = [token(service, "1"), token(service)]
    assert service.granted() == given


def test_a_token_is_for_the_instance_that_asked(service: Service) -> None:
    given = token(service, source="127.0.0.2")
    assert ask(service, "GET", "/latest/meta-data/instance-id", X_aws_ec2_metadata_token=given) == (401, "")


def test_values_and_lists(service: Service) -> None:
    assert get(service, "/latest/meta-data/instance-id") == (200, "i-1")
    assert get(service, "/latest/meta-data/placement/") == (200, "region\navailability-zone")
    assert get(service, "/latest/meta-data/") == (200, "instance-id\nplacement/\niam/")
    assert get(service, "/latest/") == (200, "meta-data/\ndynamic/")
    assert json.loads(get(service, "/latest/dynamic/instance-identity/document")[1])["region"] == "ap-northeast-1"
    assert get(service, "/latest/meta-data/nothing") == (404, "")


def test_credentials(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(service, "/latest/meta-data/iam/security-credentials/") == (200, "komainu-node")
    found = get(service, "/latest/meta-data/iam/security-credentials/komainu-node")
    assert json.loads(found[1]) == {"AccessKeyId": "ASIA1"}
    monkeypatch.setitem(ROLE, "name", "")
    assert get(service, "/latest/meta-data/iam/security-credentials/") == (404, "")


def test_an_unknown_machine_has_no_metadata(service: Service) -> None:
    assert get(service, "/latest/meta-data/instance-id", source="127.0.0.2") == (404, "")


def test_nothing_is_posted(service: Service) -> None:
    assert ask(service, "POST", "/latest/meta-data/instance-id") == (405, "")


def test_lookup() -> None:
    assert lookup({"a/b": "1", "a/c/d": "2"}, "a") == "b\nc/"
    assert lookup({"a/b": "1"}, "a/b") == "1"
    assert lookup({"ab/c": "1"}, "a") is None
