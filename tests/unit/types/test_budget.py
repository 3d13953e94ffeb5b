"""The work ends before the time does, and short times are not eaten up by the margin."""

import pytest

from komainu.types.budget import own


@pytest.mark.parametrize(
    ("given", "kept"), [(120_000, 119_500), (5_000, 4_500), (1_000, 900), (100, 90), (5, 5), (0, 0)]
)
def test_what_is_kept(given: int, kept: int) -> None:
    assert own(given) == kept
