"""The routes of a VPC to one address that shall point at one ENI: writing them, and what reading them back means.

EC2 is eventually consistent. After our own write an answer may still show the target of before; for a while that is
"not yet visible", and says nothing against the write (V6).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from komainu.ports import CloudError, Route
from komainu.types.aws.accounts import Accounts, Seen
from komainu.types.aws.patience import CALL_TIMEOUT_MS, in_time_ms, now, patiently

AT_ONCE = 10
"ReplaceRoutes in flight at the same time."
READ_BACK_MS = (1_000, 5_000, 15_000)
"When what was written is looked at, counted from the end of the writing."
VISIBLE_WITHIN_MS = 30_000
"For so long after our own write of a table another target in it is not yet visible, rather than changed."
ROUTE_GONE = ("InvalidRouteTableID.NotFound", "InvalidRoute.NotFound", "InvalidParameterValue")
"Refusals of ReplaceRoute that mean: the table, or its route, is not there any more."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where packets to an address shall go."""

    vpc: str
    destination: str
    "CIDR of one address, for example `10.1.0.20/32`."
    interface: str
    "The ENI."


class Routes:
    """The routes to one destination in one VPC, as one node means them to be."""

    def __init__(self, wanted: Wanted, acting: Accounts, watching: Accounts, now_ms: Callable[[], int]) -> None:
        """`acting` is for writes, `watching` for looks; `now_ms` is the clock of the grace time."""
        self._wanted = wanted
        self._acting = acting
        self._watching = watching
        self._now_ms = now_ms
        self._written_ms: dict[str, int] = {}

    async def look(self, timeout_ms: int) -> Seen:
        """The routes as the accounts show them now, within the node's budget of calls."""
        return await self._watching.look(self._wanted.vpc, self._wanted.destination, timeout_ms)

    async def write(self, tables: tuple[str, ...], deadline: float) -> dict[str, CloudError]:
        """Point the routes of the tables at the interface, in parallel; answers the tables that failed.

        Each table is tried again by itself until the deadline, a time of `patience.now()`.
        """
        gate = asyncio.Semaphore(AT_ONCE)
        errors: dict[str, CloudError] = {}

        async def one(table: str) -> None:
            async def attempt(_: int) -> None:
                async with gate:  # what is left counts from here
                    await self._acting.replace_route(
                        table, self._wanted.destination, self._wanted.interface, in_time_ms(deadline)
                    )

            try:
                await patiently(attempt, deadline)
            except CloudError as error:
                errors[table] = error
            else:
                self._written_ms[table] = self._now_ms()

        await asyncio.gather(*(one(table) for table in tables))
        return errors

    def written(self, table: str) -> bool:
        """True when this table's ReplaceRoute was answered since `forget`."""
        return table in self._written_ms

    def forget(self) -> None:
        """Nothing that was written counts any more: a new start, or a stop."""
        self._written_ms.clear()

    def elsewhere(self, routes: tuple[Route, ...]) -> tuple[tuple[Route, ...], tuple[Route, ...]]:
        """The routes that point elsewhere: those that were changed, and those that are not yet visible."""
        away = [route for route in routes if route.interface != self._wanted.interface]
        return tuple(route for route in away if not self._fresh(route)), tuple(filter(self._fresh, away))

    async def look_back(self, seen: Callable[[tuple[Route, ...]], None]) -> None:
        """Look until every route is seen to point here; then a table that was added meanwhile is written as well.

        `seen` is called with each answer. Nothing that was written is written again: whether somebody else changed it
        is for the check to say.
        """
        begun = now()
        for at_ms in READ_BACK_MS:
            await asyncio.sleep(max(0.0, begun + at_ms / 1000 - now()))
            found = await self.look(CALL_TIMEOUT_MS)
            routes = found.routes
            if not found.errors:
                seen(routes)
            away = [route.table for route in routes if route.interface != self._wanted.interface]
            if any(self.written(table) for table in away):
                continue  # not visible yet, or changed by somebody, who may have the address by now
            # A table that was added since the tables were listed has never been told: that is part of the start.
            errors = await self.write(tuple(away), now() + CALL_TIMEOUT_MS / 1000)
            # Of an account that did not answer nothing is known; the next look, or the check, asks again.
            if not errors and not found.errors:
                return

    def _fresh(self, route: Route) -> bool:
        written_ms = self._written_ms.get(route.table)
        return written_ms is not None and self._now_ms() - written_ms < VISIBLE_WITHIN_MS


def told(routes: tuple[Route, ...]) -> str:
    """Routes for the detail of an outcome: `rtb-1 -> eni-2; rtb-3 -> no network interface`."""
    return "; ".join(f"{route.table} -> {route.interface or 'no network interface'}" for route in routes)
