"""The VPC of figure 4-1 for the tests that need it, each time afresh."""

from collections.abc import Iterator

import pytest

from komainu_lab.vpc import corrections
from tests.unit.lab.vpc.world import TOPOLOGY, World, forget


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Of another topology by `indirect`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        forget()
        applied = corrections.apply()
        yield World(getattr(request, "param", TOPOLOGY))
        applied.withdraw()
        forget()
