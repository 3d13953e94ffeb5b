"""A contender without machines: its client is served as a script says."""

from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Any, Self

from komainu_lab import topology
from komainu_lab.client import Record
from komainu_lab.clock import boottime_ns
from komainu_lab.errors import LabError
from komainu_lab.wires import Cut

MS = 1_000_000
INTERVAL_NS = 10 * MS


class Lab:
    """Writes down what is done to it."""

    def __init__(self, happened: Callable[[int], None]) -> None:
        self.topology = topology.onprem()
        self.done: list[str] = []
        self.now_ns = 0
        self._happened = happened

    def _note(self, text: str) -> int:
        self.done.append(text)
        self.now_ns = boottime_ns()
        self._happened(self.now_ns)
        return self.now_ns

    def power_off(self, name: str) -> int:
        return self._note(f"off {name}")

    def power_on(self, *names: str) -> int:
        self.done.append(f"on {' '.join(names)}")
        return boottime_ns()

    def cut(self, name: str, cut: Cut) -> int:
        assert cut.from_port
        assert cut.to_port
        return self._note(f"{name} off")

    def heal(self) -> int:
        self.done.append("heal")
        return boottime_ns()


class Client:
    """Answered every 10 ms by `before`, then for `gap_ms` by nobody, then by `after`."""

    def __init__(self, before: str, after: str, gap_ms: int) -> None:
        self.before, self.after, self.gap_ns = before, after, gap_ms * MS
        self.fault_ns = 0
        self._begun_ns = boottime_ns() - 2_000 * MS

    def records(self) -> list[Record]:
        now_ns = boottime_ns()
        times = range(self._begun_ns, now_ns - MS, INTERVAL_NS)
        return [record for at_ns in times if (record := self._record(at_ns)) is not None]

    def _record(self, at_ns: int) -> Record | None:
        if not self.fault_ns or at_ns < self.fault_ns:
            return Record(at_ns, at_ns + MS // 2, self.before)
        if at_ns < self.fault_ns + self.gap_ns:
            return Record(at_ns, 0, "")
        return Record(at_ns, at_ns + MS // 2, self.after)

    def wait_answer(self, since_ns: int, timeout_s: float, by: str = "") -> Record:
        deadline_ns = boottime_ns() + int(timeout_s * 1e9)
        while boottime_ns() < deadline_ns:
            for record in self.records():
                if record.good and record.sent_ns > since_ns and by in ("", record.who):
                    return record
        raise LabError("nobody answered")


class Contender:
    """Two nodes; the service is on node1 until something happens."""

    name = "stand-in"
    heading = ("Stand", "in")

    def __init__(
        self,
        gap_ms: int = 50,
        after: str = "node2",
        detected_after_ms: int | None = 20,
        faults: tuple[str, ...] = ("power-loss",),
        fails: str = "",
    ) -> None:
        self.faults = faults
        self.client: Any = Client("node1", after, gap_ms)
        self.lab: Any = Lab(self._happened)
        self.done: list[str] = []
        self._detected_after_ms = detected_after_ms
        self._fails = fails

    def __enter__(self) -> Self:
        self.done.append("up")
        if self._fails:
            raise LabError(self._fails)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done.append("down")

    def _happened(self, at_ns: int) -> None:
        self.client.fault_ns = at_ns

    def settle(self) -> str:
        return "node1"

    def move(self, to: str) -> int:
        self.done.append(f"move to {to}")
        self._happened(boottime_ns())
        return int(self.client.fault_ns)

    def after_move(self) -> None:
        self.done.append("after move")

    def kill_application(self, node: str) -> int:
        self.done.append(f"kill on {node}")
        self._happened(boottime_ns())
        return int(self.client.fault_ns)

    def detected_ns(self, survivor: str, lost: str, since_ns: int) -> int | None:
        assert (survivor, lost) == ("node2", "node1")
        return None if self._detected_after_ms is None else since_ns + self._detected_after_ms * MS

    def stages(self, node: str, since_ns: int, until_ns: int) -> dict[str, float]:
        return {"whole": (until_ns - since_ns) / MS}


class AtOnce(Random):
    """A fault without waiting for a random moment."""

    def uniform(self, a: float, b: float) -> float:
        return a
