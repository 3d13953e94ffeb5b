"""The lab's certificate authority and the certificate of the emulated endpoints.

A lab node trusts it the way a company's node trusts its proxy: the CA is appended to the node's trust store. The keys
live as long as the lab; nothing outside the lab's machines is told to trust them.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=30)
_BEFORE = timedelta(days=1)
"A machine whose clock is a little behind trusts it, too."


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are."""

    authority: Path
    "The CA's certificate (PEM): what nodes trust."
    certificate: Path
    "The endpoint's certificate (PEM)."
    key: Path
    "The endpoint's private key (PEM), readable by root alone."


def endpoint_names(region: str, account: str) -> tuple[str, ...]:
    """The host names of the services the lab emulates, as a node's /etc/hosts needs them."""
    regional = (f"{service}.{region}.amazonaws.com" for service in ("ec2", "sts", "s3", "dynamodb"))
    everywhere = (f"{service}.amazonaws.com" for service in ("sts", "iam", "route53"))
    return (*regional, f"{account}.ddb.{region}.amazonaws.com", *everywhere)


def issue(directory: Path, region: str, account: str) -> Certificates:
    """Make a CA and a certificate for the endpoints' names and the S3 buckets' names. Raises OSError."""
    return issue_for((*endpoint_names(region, account), f"*.s3.{region}.amazonaws.com", "localhost"), directory)


def issue_for(names: tuple[str, ...], directory: Path) -> Certificates:
    """Make a CA and a certificate for these names of a host. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Certificates(directory / "ca.pem", directory / "endpoint.pem", directory / "endpoint.key")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Komainu lab authority")])
    authority = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    endpoint_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        _builder(endpoint_name, ca_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(
        files.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    return files


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _LIFE)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
