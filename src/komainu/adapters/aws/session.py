"""The SDK's session: where credentials, region and trust come from (I1), all waits bounded.

Made once per process: a session costs 200 ms and about 45 MiB, a client 15 ms.
"""

import logging
import os
from pathlib import Path

import boto3
import botocore.session
from botocore.config import Config

from komainu import __version__

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 2
"Requests sent for one call at most."
METADATA_TIMEOUT_S = 1
METADATA_ATTEMPTS = 2

TRUST_STORES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
"The system's trust store on Debian and on Red Hat: the CA of a company's proxy is there, not in the SDK's own list."

ROOT_FILES = Path("/root/.aws")
"Where keys are looked for when $HOME/.aws has none (I1)."

QUIET = ("boto3", "botocore", "urllib3")
"At DEBUG these write requests and answers, among them session tokens."


def make_session(region: str | None) -> boto3.Session:
    """A session with our bounds. `region` from the configuration; None: where the credentials come from (I1).

    Reads files; call it in a thread.
    """
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    core = botocore.session.get_session()
    for variable, name in (("config_file", "config"), ("credentials_file", "credentials")):
        path = _aws_file(core.get_config_variable(variable), name)
        if path is not None:
            core.set_config_variable(variable, path)
    core.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT_S)
    core.set_config_variable("metadata_service_num_attempts", METADATA_ATTEMPTS)
    # Version 1 of the metadata service gives credentials to whoever can make an instance send a plain GET.
    core.set_config_variable("ec2_metadata_v1_disabled", True)
    return boto3.Session(botocore_session=core, region_name=region)


def client_config(connections: int) -> Config:
    """What holds for every client. Nothing is left to defaults: they changed between releases of the SDK."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        max_pool_connections=connections,
        user_agent_extra=f"komainu/{__version__}",
    )


def trust_store(session: boto3.Session) -> str | None:
    """The file of trusted CAs to give to a client, or None when AWS_CA_BUNDLE or the SDK's list decides."""
    if session._session.get_config_variable("ca_bundle"):
        return None
    for path in TRUST_STORES:
        if path.exists():
            return str(path)
    return None


def _aws_file(chosen: str, name: str) -> str | None:
    """Root's own file when the chosen one does not exist: $HOME/.aws first, then /root/.aws (I1)."""
    fallback = ROOT_FILES / name
    if os.path.exists(os.path.expanduser(chosen)) or not fallback.exists():
        return None
    return str(fallback)
