"""The lab is brought up once for all tests of the folder; each test begins with everything mended."""

from collections.abc import Iterator

import pytest

from tests.lab.stage import Stage


@pytest.fixture(scope="package")
def _stage() -> Iterator[Stage]:
    stage = Stage()
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture
def stage(_stage: Stage) -> Stage:
    """A settled cluster whose client is served."""
    _stage.mend()
    return _stage
