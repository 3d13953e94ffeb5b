"""A node's budget of calls to the API (issue of the account's limit): monitors wait for it, takeovers never do.

EC2 limits requests by account and region: calls that a node makes all day long for its monitors may leave nothing to
the other node in the moment of a takeover. What watches and prepares therefore asks through `Budgeted`.
"""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from komainu.adapters.aws.faults import THROTTLED
from komainu.ports import Address, Cloud, CloudError, CloudFault, Instance, Interface, Route, Zone

T = TypeVar("T")

CALLS_PER_MINUTE = 30
LEAST_BURST, MOST_BURST = 10, 100
"""Of what may be asked at once: a node that starts prepares ten route tables together, and EC2 itself saves up no more
than 50 to 100 calls for a whole account."""
TOGETHER_MS = 5_000
"Requests that are refused within this time were under way together: the rate is halved once."
RECOVERY_MS = 60_000
"A rate that was halved is doubled again after about this time without throttling."
LEAST = 1 / 8
"Of the rate: so much is always left."
EXHAUSTED = "BudgetExhausted"


def burst_of(per_minute: int) -> int:
    """How much is saved up in quiet times: what comes together in 40 seconds, within bounds."""
    return min(MOST_BURST, max(LEAST_BURST, per_minute * 2 // 3))


class Budget:
    """A bucket of tokens: one for each call, filled steadily. Its clock never goes back (milliseconds)."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        per_minute: int = CALLS_PER_MINUTE,
        burst: int | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`burst`: by default what follows from `per_minute`.

        `jitter` answers 0 to 1: nodes that were throttled together do not come back together.
        """
        self._lock = threading.RLock()
        "The API's patience is asked for in the threads that send."
        self._now_ms = now_ms
        self._per_minute = per_minute
        self._burst = burst_of(per_minute) if burst is None else burst
        self._jitter = jitter
        self._tokens = float(self._burst)
        self._filled_ms = now_ms()
        self._share = 1.0
        self._halved_ms = -TOGETHER_MS
        self._recovers_ms = 0

    def take(self) -> int:
        """Take a token: 0. When there is none: in how many milliseconds there will be one."""
        with self._lock:
            self._fill()
            if self._tokens >= 1:
                self._tokens -= 1
                return 0
            return max(1, round((1 - self._tokens) * 60_000 / (self._per_minute * self._share)))

    def throttled(self) -> None:
        """The API asked for patience: half the rate for a while, and nothing saved up."""
        with self._lock:
            self._fill()
            now = self._now_ms()
            if self._share < 1 and now < self._halved_ms + TOGETHER_MS:
                return
            self._share = max(LEAST, self._share / 2)
            self._tokens = min(self._tokens, 1.0)
            self._halved_ms, self._recovers_ms = now, self._later(now)

    @property
    def per_minute(self) -> float:
        """The rate that holds now."""
        with self._lock:
            self._fill()
            return self._per_minute * self._share

    def _fill(self) -> None:
        now = self._now_ms()
        passed_ms, self._filled_ms = now - self._filled_ms, now
        self._tokens = min(float(self._burst), self._tokens + passed_ms * self._per_minute * self._share / 60_000)
        if self._share < 1 and now >= self._recovers_ms:
            self._share = min(1.0, self._share * 2)
            self._recovers_ms = self._later(now)

    def _later(self, now: int) -> int:
        return now + round(RECOVERY_MS * (0.75 + 0.5 * self._jitter()))


class Budgeted:
    """`komainu.ports.Cloud` within a budget: each call waits for a token, at most for its own timeout."""

    def __init__(self, cloud: Cloud, budget: Budget) -> None:
        """Several may share a budget."""
        self._cloud = cloud
        self._budget = budget

    async def vpc_cidrs(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.vpc_cidrs(vpc, left_ms))

    async def routes(self, vpc: str, destination: str, timeout_ms: int) -> tuple[Route, ...]:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.routes(vpc, destination, left_ms))

    async def route_tables(self, vpc: str, timeout_ms: int) -> tuple[str, ...]:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.route_tables(vpc, left_ms))

    async def replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(
            timeout_ms, lambda left_ms: self._cloud.replace_route(table, destination, interface, left_ms)
        )

    async def may_replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(
            timeout_ms, lambda left_ms: self._cloud.may_replace_route(table, destination, interface, left_ms)
        )

    async def interface(self, interface: str, timeout_ms: int) -> Interface:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.interface(interface, left_ms))

    async def address(self, allocation: str, timeout_ms: int) -> Address:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.address(allocation, left_ms))

    async def associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> str:
        """See Cloud."""
        return await self._within(
            timeout_ms, lambda left_ms: self._cloud.associate(allocation, interface, private_address, left_ms)
        )

    async def may_associate(self, allocation: str, interface: str, private_address: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(
            timeout_ms, lambda left_ms: self._cloud.may_associate(allocation, interface, private_address, left_ms)
        )

    async def disassociate(self, association: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(timeout_ms, lambda left_ms: self._cloud.disassociate(association, left_ms))

    async def assign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(timeout_ms, lambda left_ms: self._cloud.assign_private_address(interface, address, left_ms))

    async def unassign_private_address(self, interface: str, address: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(
            timeout_ms, lambda left_ms: self._cloud.unassign_private_address(interface, address, left_ms)
        )

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.zone(zone, left_ms))

    def assume(self, role: str) -> "Budgeted":
        """See Cloud. The same budget holds: limits of another account are not known here."""
        return Budgeted(self._cloud.assume(role), self._budget)

    def reconnect(self) -> None:
        """See Cloud."""
        self._cloud.reconnect()

    async def instance(self, instance: str, timeout_ms: int) -> Instance:
        """See Cloud."""
        return await self._within(timeout_ms, lambda left_ms: self._cloud.instance(instance, left_ms))

    async def stop_instance(self, instance: str, timeout_ms: int, *, skip_os: bool = True) -> str:
        """See Cloud."""
        return await self._within(
            timeout_ms, lambda left_ms: self._cloud.stop_instance(instance, left_ms, skip_os=skip_os)
        )

    async def may_stop_instance(self, instance: str, timeout_ms: int) -> None:
        """See Cloud."""
        await self._within(timeout_ms, lambda left_ms: self._cloud.may_stop_instance(instance, left_ms))

    async def _within(self, timeout_ms: int, call: Callable[[int], Awaitable[T]]) -> T:
        """Wait for a token, then call with the time that is left. Raises CloudError."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_ms / 1000
        while wait_ms := self._budget.take():
            left_ms = round((deadline_s - loop.time()) * 1000)
            if wait_ms >= left_ms:
                text = f"the node's budget of API calls leaves none within {timeout_ms} ms; nothing was sent"
                raise CloudError(CloudFault.UNREACHABLE, EXHAUSTED, text, timed_out=True, transient=True)
            await asyncio.sleep(wait_ms / 1000)
        left_ms = round((deadline_s - loop.time()) * 1000)
        try:
            return await call(max(1, left_ms))
        except CloudError as error:
            if error.code in THROTTLED:
                self._budget.throttled()
            raise
