"""Where a client of EC2 has its credentials, its region and its trust from."""

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from komainu.adapters.aws import session
from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.clients import Clients
from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, error, replaced
from tests.unit.adapters.aws.conftest import write_keys
from tests.unit.adapters.aws.test_ec2 import REGION, ask, fault, replace

pytestmark = pytest.mark.sockets


def test_a_client_is_made_once_and_afresh_when_it_was_dropped() -> None:
    clients, attempts = Clients(REGION, None, "", ApiClock()), Attempts("ec2")
    first, fresh = clients.ready(attempts)
    assert fresh
    assert clients.ready(attempts) == (first, False)
    clients.drop(first)
    second, fresh = clients.ready(attempts)
    assert fresh
    assert second is not first
    clients.drop(first)
    assert clients.ready(attempts) == (second, False), "one that is gone already takes no other with it"
    clients.close()


def test_without_credentials_nothing_is_sent_and_later_ones_are_found(own_keys: Path) -> None:
    keys = own_keys / ".aws" / "credentials"
    content = keys.read_text()
    keys.unlink()

    async def body(cloud: Ec2Cloud) -> None:
        with pytest.raises(CloudError) as raised:
            await replace(cloud)
        assert (raised.value.fault, raised.value.code) == (CloudFault.UNREACHABLE, "NoCredentialsError")
        assert server.requests == []
        keys.write_text(content)
        await replace(cloud)

    with ApiServer(replaced) as server:
        ask(server.url, body)


def test_keys_that_were_replaced_under_a_running_daemon_are_read_again(own_keys: Path) -> None:
    async def body(cloud: Ec2Cloud) -> None:
        with pytest.raises(CloudError):
            await replace(cloud)
        write_keys(own_keys / ".aws", "AKIANEWNEWNEWNEWNEW0")
        await replace(cloud)

    with ApiServer(error(401, "AuthFailure"), error(401, "AuthFailure"), replaced) as server:
        ask(server.url, body, ready=True)
        used = [request.headers["authorization"] for request in server.requests]
    assert "AKIAHOMEHOMEHOMEHOME" in used[0]
    assert "AKIAHOMEHOMEHOMEHOME" in used[1], "read again at once, and still the same"
    assert "AKIANEWNEWNEWNEWNEW0" in used[2]


def test_no_key_is_in_what_is_said_of_a_failure() -> None:
    with ApiServer(error(401, "AuthFailure")) as server:
        found = fault(server.url)
    assert "AKIA" not in str(found)
    assert "secret" not in str(found)


def test_a_region_that_does_not_resolve_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = fault(None, region="ap-nowhere-9")
    assert found.fault is CloudFault.UNREACHABLE
    assert "is the region ap-nowhere-9 right" in found.text
    assert "https://ec2.ap-nowhere-9.amazonaws.com/" in found.text


def test_a_region_that_is_no_region_is_said_plainly() -> None:
    found = fault(None, region="Tokyo, Japan")
    assert found.fault is CloudFault.UNREACHABLE
    assert found.text.startswith("the region Tokyo, Japan cannot be used")


def test_a_region_that_nobody_named_is_said_plainly() -> None:
    found = fault(None, region=None)
    assert (found.fault, found.code) == (CloudFault.UNREACHABLE, "NoRegionError")


def test_the_systems_trust_store_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CA of a company's proxy is in the system's store, not in the SDK's own list."""
    authority = tmp_path / "authority.pem"
    with ApiServer(replaced, tls=_certificate(authority)) as server:
        monkeypatch.setattr(session, "TRUST_STORES", ())
        found = fault(server.url)
        assert (found.fault, found.code, found.transient) == (CloudFault.UNREACHABLE, "SSLError", False)
        assert server.requests == []
        monkeypatch.setattr(session, "TRUST_STORES", (authority,))
        assert ask(server.url, replace) is None


def test_the_role_of_the_instance_gives_credentials_by_version_2(
    own_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1: without keys the instance's role is used, through a token."""
    (own_keys / ".aws" / "credentials").unlink()
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with _Metadata() as metadata, ApiServer(replaced) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
        ask(server.url, replace)
        assert "ASIAROLEROLEROLEROLE" in server.requests[0].headers["authorization"]
        assert server.requests[0].headers["x-amz-security-token"] == "token-of-the-role"
    assert metadata.without_token == 0


def test_a_metadata_service_of_version_1_gives_nothing(own_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_keys / ".aws" / "credentials").unlink()
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with _Metadata(version_2=False) as metadata, ApiServer(replaced) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
        assert fault(server.url).code in ("NoCredentialsError", "MetadataRetrievalError")
        assert server.requests == []


class _Metadata:
    """An instance metadata service, strict about its version."""

    def __init__(self, version_2: bool = True) -> None:
        self.without_token = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                if not version_2 or self.path != "/latest/api/token":
                    self.send_error(403)
                    return
                assert int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"]) > 0
                self._say("the-token")

            def do_GET(self) -> None:
                if version_2 and self.headers.get("X-aws-ec2-metadata-token") != "the-token":
                    owner.without_token += 1
                    self.send_error(401)
                elif self.path.rstrip("/").endswith("security-credentials"):
                    self._say("ha-role")
                else:
                    self._say(json.dumps(_ROLE))

            def _say(self, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """The test looks for itself."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "_Metadata":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)


_ROLE = {
    "Code": "Success",
    "Type": "AWS-HMAC",
    "AccessKeyId": "ASIAROLEROLEROLEROLE",
    "SecretAccessKey": "secret",
    "Token": "token-of-the-role",
    "LastUpdated": "2026-01-01T00:00:00Z",
    "Expiration": "2099-01-01T00:00:00Z",
}


def _certificate(authority: Path) -> ssl.SSLContext:
    """A self-signed certificate for 127.0.0.1; its own file is the authority to trust."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "company proxy")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    both = authority.with_suffix(".both")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(private + authority.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context
