"""The few lines of the monitors' port that do something."""

from pydantic import BaseModel

from komainu.model.message import Message
from komainu.ports import MonitorTraits, MonitorType


class NoParams(BaseModel):
    """A type that asks for nothing."""


def test_a_monitor_type_has_nothing_to_advise_unless_it_says_so() -> None:
    text = Message("KM0", "probe", "プローブ")

    def make(params: object, host: object) -> None:
        raise AssertionError("nothing is made here")

    kind = MonitorType(
        name="probe",
        title=text,
        description=text,
        params=NoParams,
        per_node_required=(),
        traits=MonitorTraits(),
        messages=(),
        make=make,  # type: ignore[arg-type]
    )
    assert kind.advise({"node1": NoParams()}) == ()


def test_a_monitor_runs_always_and_for_any_resource_unless_its_type_says_so() -> None:
    traits = MonitorTraits()
    assert (traits.watches_target, traits.resource_type, traits.environments) == (False, "", ("aws", "onprem"))
