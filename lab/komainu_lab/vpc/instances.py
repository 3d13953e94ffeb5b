"""Instances begin and end as in EC2: `pending` and `stopping` last a while, and `stopped` means that the power is off.

moto's instances are stopped and running at once. A fence that believes in that would be believed too early here, and
never be made to wait. "believed" = common knowledge about EC2, to be tried in a real account.
"""

import copy
import threading
from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
"The codes that EC2 gives them."
MAY_STOP = ("running", "stopping", "stopped")
MAY_START = ("stopped", "running", "pending")


class Instances:
    """Takes the place of moto's own calls that start, stop and terminate."""

    def __init__(
        self, ec2: Any, change: Callable[[Callable[[], None]], None], cut_power: Callable[[str], None]
    ) -> None:
        """`change` makes a change that packets have to follow. `cut_power(id)` returns when the machine has no power.

        Install it before anybody else wraps the calls.
        """
        self._ec2 = ec2
        self._change = change
        self._cut_power = cut_power
        self._own = {name: getattr(ec2, f"{name}_instances") for name in ("start", "stop", "terminate")}
        self._wake = threading.Condition()
        self._stuck: dict[str, None] = {}
        self._delays_ms = {"pending": 0, "stopping": 0, "shutting-down": 0}
        self._under_way: dict[str, str] = {}
        "By instance, the state in which it has to end."
        self._closing = False
        ec2.start_instances = self._start
        ec2.stop_instances = self._stop
        ec2.terminate_instances = self._terminate

    def delay(self, state: str, delay_ms: int) -> None:
        """How long instances are `pending`, `stopping` or `shutting-down` from now on."""
        with self._wake:
            self._delays_ms[state] = delay_ms

    def hold(self, instance: str, stuck: bool) -> None:
        """An instance that is stuck goes on working, and is `stopping` until it is let go."""
        with self._wake:
            if stuck:
                self._stuck[instance] = None
            else:
                self._stuck.pop(instance, None)
            self._wake.notify_all()

    def settled(self, instance: str, timeout_s: float) -> bool:
        """Wait until the instance is not between two states; at once for one that is stuck."""
        with self._wake:
            return self._wake.wait_for(
                lambda: instance not in self._under_way or instance in self._stuck or self._closing, timeout_s
            )

    def close(self) -> None:
        """Let go whatever waits; nothing is finished any more."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    # --- in place of moto's ---

    def _start(self, instance_ids: list[str]) -> list[tuple[Any, Any]]:
        return self._begin("start", instance_ids, "pending", "running", MAY_START)

    def _stop(self, instance_ids: list[str]) -> list[tuple[Any, Any]]:
        if any(instance.disable_api_stop is True for instance in self._ec2.get_multi_instances_by_id(instance_ids)):
            return list(self._own["stop"](instance_ids))  # moto refuses
        return self._begin("stop", instance_ids, "stopping", "stopped", MAY_STOP)

    def _terminate(self, instance_ids: list[str]) -> list[tuple[Any, Any]]:
        return self._begin("terminate", instance_ids, "shutting-down", "terminated", tuple(STATES))

    def _begin(
        self, name: str, ids: list[str], by_way_of: str, to: str, possible: tuple[str, ...]
    ) -> list[tuple[Any, Any]]:
        found = list(self._ec2.get_multi_instances_by_id(ids))
        for instance in found:
            if instance.state not in possible:
                text = f"The instance '{instance.id}' is not in a state from which it can {name} ({instance.state})."
                raise EC2ClientError("IncorrectInstanceState", text)
        answer = [(instance, copy.copy(instance._state)) for instance in found]
        for instance in found:
            if instance.state not in (by_way_of, to):
                _put(instance, by_way_of)
                with self._wake:
                    self._under_way[instance.id] = to
                work = threading.Thread(
                    target=self._finish, args=(name, instance, by_way_of, to), name=f"{name} {instance.id}", daemon=True
                )
                work.start()
        return answer

    def _finish(self, name: str, instance: Any, by_way_of: str, to: str) -> None:
        """In a thread: the state lasts as long as it shall, the power goes, then moto does its own."""
        with self._wake:

            def over() -> bool:
                return self._closing or self._under_way.get(instance.id) != to

            self._wake.wait_for(over, self._delays_ms[by_way_of] / 1000)
            if name != "start":
                self._wake.wait_for(lambda: over() or instance.id not in self._stuck)
            if over():
                return  # somebody terminates it in between
        if name != "start":
            self._cut_power(instance.id)
        if not self._closing:
            self._change(lambda: self._own[name]([instance.id]))
        with self._wake:
            self._under_way.pop(instance.id, None)
            self._wake.notify_all()


def _put(instance: Any, state: str) -> None:
    instance._state.name = state
    instance._state.code = STATES[state]
