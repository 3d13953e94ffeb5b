"""Where credentials, region and trust come from (I1)."""

import logging
from pathlib import Path

import pytest

from komainu import __version__
from komainu.adapters.aws import session as subject
from komainu.adapters.aws.session import client_config, make_session, trust_store
from tests.unit.adapters.aws.conftest import write_keys


def key_of(region: str | None = "ap-northeast-1") -> str:
    credentials = make_session(region).get_credentials()
    return str(credentials.access_key)


def test_keys_of_home_come_first(own_keys: Path) -> None:
    write_keys(own_keys / "root" / ".aws", "AKIAROOTROOTROOTROOT")
    assert key_of() == "AKIAHOMEHOMEHOMEHOME"


def test_then_the_keys_of_root(own_keys: Path) -> None:
    (own_keys / ".aws" / "credentials").unlink()
    write_keys(own_keys / "root" / ".aws", "AKIAROOTROOTROOTROOT")
    assert key_of() == "AKIAROOTROOTROOTROOT"


def test_without_keys_there_are_none(own_keys: Path) -> None:
    (own_keys / ".aws" / "credentials").unlink()
    assert make_session("ap-northeast-1").get_credentials() is None


def test_the_region_of_the_configuration_wins(own_keys: Path) -> None:
    (own_keys / ".aws" / "config").write_text("[default]\nregion = eu-central-1\n")
    assert make_session("ap-northeast-1").region_name == "ap-northeast-1"
    assert make_session(None).region_name == "eu-central-1"


def test_the_region_is_found_beside_the_keys_of_root(own_keys: Path) -> None:
    write_keys(own_keys / "root" / ".aws", "AKIAROOTROOTROOTROOT")
    (own_keys / "root" / ".aws" / "config").write_text("[default]\nregion = us-west-2\n")
    assert make_session(None).region_name == "us-west-2"


def test_every_bound_is_explicit() -> None:
    config = client_config(12)
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert config.tcp_keepalive
    assert config.max_pool_connections == 12
    assert config.user_agent_extra == f"komainu/{__version__}"


def test_the_metadata_service_is_asked_by_version_2_alone() -> None:
    core = make_session("ap-northeast-1")._session
    assert core.get_config_variable("ec2_metadata_v1_disabled") is True
    assert core.get_config_variable("metadata_service_timeout") == 1
    assert core.get_config_variable("metadata_service_num_attempts") == 2


def test_the_trust_store_of_the_system_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian, red_hat = tmp_path / "debian.crt", tmp_path / "redhat.crt"
    monkeypatch.setattr(subject, "TRUST_STORES", (debian, red_hat))
    session = make_session("ap-northeast-1")
    assert trust_store(session) is None
    red_hat.touch()
    assert trust_store(session) == str(red_hat)
    debian.touch()
    assert trust_store(session) == str(debian)


def test_the_administrators_choice_of_trust_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/company/ca.pem")
    assert trust_store(make_session("ap-northeast-1")) is None


def test_the_sdk_does_not_write_its_requests_into_our_log() -> None:
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    try:
        make_session("ap-northeast-1")
        assert not logging.getLogger("botocore.endpoint").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(level)
