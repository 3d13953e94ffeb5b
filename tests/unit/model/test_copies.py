"""A copy with other fields is what `dataclasses.replace` makes."""

import dataclasses
from typing import Any

import pytest

from komainu.core import state as facts
from komainu.model import outcome
from komainu.model.copies import replace
from komainu.model.message import Said
from tests.unit.core.clusters import cluster, formed

SAID = Said("T1", "no", "否", "error")
VALUES: list[tuple[Any, dict[str, Any]]] = [
    (formed(cluster()).state, {"epoch": 9, "notes": ()}),
    (facts.NodeFacts(), {"leaving": True}),
    (facts.Hold(), {"status": facts.Status.RUNNING, "said": SAID}),
    (facts.GroupFacts(facts.Wanted.UP, home="a"), {"home": None}),
    (facts.Watch(), {"round": "1"}),
    (facts.MonitorFacts(), {}),
    (outcome.failed(SAID, "why"), {"detail": ""}),
]


@pytest.mark.parametrize(("value", "changes"), VALUES, ids=lambda each: type(each).__name__)
def test_it_makes_the_same_as_the_library(value: Any, changes: dict[str, Any]) -> None:
    before = repr(value)
    made = replace(value, **changes)
    assert made == dataclasses.replace(value, **changes)
    assert repr(value) == before


def test_a_field_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="Hold has no field colour"):
        replace(facts.Hold(), colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("module", [facts, outcome])
def test_no_value_of_the_core_has_more_to_do_than_to_keep_its_fields(module: Any) -> None:
    """That is what the copies rely on."""
    for each in vars(module).values():
        if dataclasses.is_dataclass(each) and isinstance(each, type):
            assert vars(each)["__slots__"] == tuple(field.name for field in dataclasses.fields(each))
            assert not hasattr(each, "__post_init__")
