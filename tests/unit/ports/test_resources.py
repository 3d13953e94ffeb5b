"""The few lines of the ports that do something."""

import pytest

from komainu.model.message import Message
from komainu.model.traits import Traits
from komainu.ports import ResourceType
from tests.unit.types.aws.world import World


@pytest.mark.parametrize(
    ("resource", "monitor"),
    [("probe1", "probew1"), ("probe", "probew"), ("probe-web", "probew-web"), ("web", "probew-web"), ("", "probew-")],
)
def test_a_monitor_is_named_after_its_resource(resource: str, monitor: str) -> None:
    text = Message("KM0", "probe", "プローブ")
    kind = ResourceType(
        name="probe",
        monitor="probew",
        title=text,
        description=text,
        params=type(World().params),
        per_node_required=(),
        traits=Traits(exclusive=False),
        messages=(),
        make=lambda params, host: World().vip,
    )
    assert kind.monitor_name(resource) == monitor
    assert kind.advise({}) == ()
