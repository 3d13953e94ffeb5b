"""One run: a cluster that is well, a fault, what the client and the witness saw, and the cluster well again."""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from komainu_lab.bench.contender import POLL_S, Contender
from komainu_lab.bench.faults import FAULTS
from komainu_lab.client import Gap, Record, longest_gap
from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError

ANSWER_TIMEOUT_S = 30.0
CALM_TIMEOUT_S = 30.0
CALM_NS = 500_000_000
"The client counts as served when every request of this time was answered, and by one node."
SPREAD_S = 1.0
"A fault comes at a random moment of this time, so that it falls anywhere between the beats of a contender."
INSTANT_NS = 2_000_000
"A request sent so soon after a kill may have been answered by what was killed."
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found. Milliseconds."""

    gap_ms: float
    "Between the last good answer before and the first after, as the client saw it."
    answered_ms: float
    "From the fault, or the command, until that first answer."
    detection_ms: float | None = None
    "From the fault until the survivor knew; None where there is nothing to detect."
    load: float = 0.0
    "Load average of the machine over the minute before."
    stages: dict[str, float] = field(default_factory=dict)
    "Where the time after detection went; the contender's own word."

    @property
    def after_ms(self) -> float | None:
        """From detection until the first answer."""
        return None if self.detection_ms is None else self.answered_ms - self.detection_ms

    def to_json(self) -> dict[str, Any]:
        """With one decimal, which is more than the client's 10 ms can tell."""
        plain = {**asdict(self), "after_ms": self.after_ms}
        plain["stages"] = {name: round(ms, 1) for name, ms in self.stages.items()}
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in plain.items()}


def calm_since(records: Sequence[Record], by: str, now_ns: int) -> bool:
    """Whether every request that ended lately was answered by that node, and they did not stop."""
    late = [record for record in records[-200:] if record.sent_ns >= now_ns - CALM_NS]
    enough = CALM_NS // 2
    return bool(
        late
        and all(record.good and record.who == by for record in late)
        and late[-1].sent_ns - late[0].sent_ns >= enough
        and now_ns - late[-1].answered_ns < CALM_NS // 5
    )


def wait_calm(contender: Contender, by: str) -> None:
    """Return when the client is served by that node without a break. Raises LabError."""
    deadline = time.monotonic() + CALM_TIMEOUT_S
    while not calm_since(contender.client.records(), by, boottime_ns()):
        if time.monotonic() > deadline:
            last = contender.client.records()[-3:]
            raise LabError(f"the client is not served by {by} without a break; last: {last}")
        time.sleep(POLL_S)


def once(contender: Contender, fault_name: str, random: Random) -> Run:
    """Wait until all is well, let the fault happen, measure, mend. Raises LabError."""
    fault = FAULTS[fault_name]
    active = contender.settle()
    other = next(machine.name for machine in contender.lab.topology.nodes if machine.name != active)
    wait_calm(contender, active)
    time.sleep(random.uniform(0, SPREAD_S))
    load = os.getloadavg()[0]
    at_ns = fault.happen(contender, active, other)
    after = active if fault.in_place else other
    contender.client.wait_answer(at_ns + INSTANT_NS, ANSWER_TIMEOUT_S, by=after)
    wait_calm(contender, after)
    gap = longest_gap(contender.client.records(), at_ns)
    if gap is None or gap.next.who != after:
        raise LabError(f"the client's longest gap does not end with an answer of {after}: {gap}")
    detected_ns = contender.detected_ns(other, active, at_ns) if fault.loses_node else None
    if fault.loses_node and detected_ns is None:
        raise LabError(f"the witness on {other} did not tell of the loss of {active}")
    stages = contender.stages(after, detected_ns or at_ns, gap.next.answered_ns)
    run = found(at_ns, gap, detected_ns, load, stages)
    fault.mend(contender, active)
    return run


def found(at_ns: int, gap: Gap, detected_ns: int | None, load: float, stages: dict[str, float]) -> Run:
    """The figures of a run from the times of its witnesses."""
    return Run(
        gap_ms=gap.ms,
        answered_ms=(gap.next.answered_ns - at_ns) / NS_PER_MS,
        detection_ms=None if detected_ns is None else (detected_ns - at_ns) / NS_PER_MS,
        load=load,
        stages=stages,
    )
