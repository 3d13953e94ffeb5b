"""Keys of nobody, and nothing of this machine's own AWS configuration."""

import os
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest

from komainu.adapters.aws import session

LOADER = botocore.loaders.create_loader()
"Every test makes its own client; the SDK's description of EC2 is read from the disk only once."


@pytest.fixture(autouse=True)
def one_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.session, "create_loader", lambda path: LOADER)


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with keys in it (I1); the metadata service is not asked. Answers the home."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(session, "ROOT_FILES", tmp_path / "root" / ".aws")
    write_keys(tmp_path / ".aws", "AKIAHOMEHOMEHOMEHOME")
    return tmp_path


def write_keys(folder: Path, key: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials").write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
