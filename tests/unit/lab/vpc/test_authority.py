"""The lab's certificates, as OpenSSL judges them."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from komainu_lab.vpc.authority import endpoint_names, issue
from komainu_lab.vpc.endpoint import server_context

REGION, ACCOUNT = "ap-northeast-1", "123456789012"


def _handshake(tmp_path: Path, name: str, trusted: Path) -> None:
    files = issue(tmp_path / "server", REGION, ACCOUNT)
    context = ssl.create_default_context(cafile=str(trusted if trusted.exists() else files.authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    server = server_context(str(files.certificate), str(files.key))

    def answer() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with ours:
            ours.settimeout(10)
            context.wrap_socket(ours, server_hostname=name).close()
    finally:
        theirs.close() if not thread.is_alive() else None
        thread.join(10)


@pytest.mark.sockets
@pytest.mark.parametrize("name", [*endpoint_names(REGION, ACCOUNT), f"some-bucket.s3.{REGION}.amazonaws.com"])
def test_the_certificate_is_valid_for_every_endpoint(tmp_path: Path, name: str) -> None:
    _handshake(tmp_path, name, tmp_path / "none")


@pytest.mark.sockets
def test_another_authority_does_not_vouch_for_it(tmp_path: Path) -> None:
    other = issue(tmp_path / "other", REGION, ACCOUNT)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(tmp_path, "ec2.ap-northeast-1.amazonaws.com", other.authority)


def test_the_key_is_for_root_alone(tmp_path: Path) -> None:
    files = issue(tmp_path, REGION, ACCOUNT)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert b"PRIVATE" not in files.certificate.read_bytes() + files.authority.read_bytes()
