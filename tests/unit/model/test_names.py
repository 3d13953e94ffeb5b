"""The grammar of names."""

import pytest
from pydantic import TypeAdapter, ValidationError

from komainu.model.names import Name

NAME: TypeAdapter[str] = TypeAdapter(Name)


@pytest.mark.parametrize("name", ["a", "1", "db-1.example_x", "A" * 31])
def test_a_name(name: str) -> None:
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a b", "a:b", "a/b", "a\n", "é", "グループ", "a" * 32, 1])
def test_no_name(name: object) -> None:
    """Above all no colon: the names of timers are put together with it."""
    with pytest.raises(ValidationError):
        NAME.validate_python(name)
