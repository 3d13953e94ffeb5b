"""What several suites of the ports share."""

from collections.abc import Iterator

import pytest

from tests.ports.emulated_aws import PEER, EmulatedAws, emulated_aws


@pytest.fixture(scope="module")
def served_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAws]:
    """The emulated VPC, built once for a file of tests."""
    with emulated_aws(tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture
def aws(served_aws: EmulatedAws) -> Iterator[EmulatedAws]:
    """The VPC with rows and Elastic IP at the other node, and the API well, before each test and after it."""
    served_aws.point(PEER)
    served_aws.associate(PEER)
    yield served_aws
    served_aws.plan.heal()
