"""Who changed something and why."""

import pytest

from komainu.model.signature import NOT_SAID, signed


@pytest.mark.parametrize(
    ("who", "why", "told"), [("root", "more disk", "root: more disk"), ("root", NOT_SAID, "root"), ("", "", NOT_SAID)]
)
def test_only_what_was_said_is_told(who: str, why: str, told: str) -> None:
    assert signed(who, why) == told
