"""The VPC of figure 4-1 for the tests that need it, each time afresh."""

from collections.abc import Iterator

import pytest
from moto.moto_api._internal.models import moto_api_backend

from komainu_lab.vpc import corrections
from tests.unit.lab.vpc.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        moto_api_backend.reset()
        applied = corrections.apply()
        yield World()
        applied.withdraw()
        moto_api_backend.reset()
