"""By whose rights a route table is read and written: the node's own, or those of a role (P: a shared VPC).

Who takes part in a VPC that another account shares may see its route tables, but not change them: that takes a role of
the account that owns them. Each table has one of the two, whatever the other one shows of it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from komainu.ports import Cloud, CloudError, Route


@dataclass(frozen=True, slots=True)
class Seen:
    """What the accounts answered to one question."""

    routes: tuple[Route, ...]
    errors: tuple[CloudError, ...] = ()
    "Of those that gave no answer: of their tables nothing is known."


class Accounts:
    """The cloud with the node's own rights, and with those of the roles that some route tables take."""

    def __init__(self, own: Cloud, roles: Mapping[str, str]) -> None:
        """`roles` has the ARN of a role for each table that needs one."""
        self.own = own
        self._roles = dict(roles)
        self._assumed = {role: own.assume(role) for role in dict.fromkeys(self._roles.values())}

    async def look(self, vpc: str, destination: str, timeout_ms: int) -> Seen:
        """The routes to that destination in the VPC, as far as they can be seen; all accounts are asked at once."""
        answers = await asyncio.gather(
            self.own.routes(vpc, destination, timeout_ms),
            *(cloud.routes(vpc, destination, timeout_ms) for cloud in self._assumed.values()),
            return_exceptions=True,
        )
        routes: list[Route] = []
        errors: list[CloudError] = []
        for role, answer in zip((None, *self._assumed), answers, strict=True):
            if isinstance(answer, CloudError):
                errors.append(_told_by(role, answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                routes += [route for route in answer if self._roles.get(route.table) == role]
        return Seen(tuple(routes), tuple(errors))

    async def routes(self, vpc: str, destination: str, timeout_ms: int) -> tuple[Route, ...]:
        """The same, complete. Raises CloudError when one account gives no answer."""
        seen = await self.look(vpc, destination, timeout_ms)
        if seen.errors:
            raise seen.errors[0]
        return seen.routes

    async def without(self, vpc: str, routes: tuple[Route, ...], timeout_ms: int) -> tuple[str, ...]:
        """The route tables of the VPC that have none of these routes (V1: information). Raises CloudError."""
        having = {route.table for route in routes}
        tables = dict.fromkeys((*await self.own.route_tables(vpc, timeout_ms), *self._roles))
        return tuple(table for table in tables if table not in having)

    async def replace_route(self, table: str, destination: str, interface: str, timeout_ms: int) -> None:
        """Point an existing route at an interface, by the rights that its table takes. Raises CloudError."""
        with self._by_rights_of(table) as cloud:
            await cloud.replace_route(table, destination, interface, timeout_ms)

    async def may_replace_route(self, route: Route, interface: str, timeout_ms: int) -> None:
        """Whether the rights that its table takes allow that; changes nothing. Raises CloudError when they do not."""
        with self._by_rights_of(route.table) as cloud:
            await cloud.may_replace_route(route.table, route.destination, interface, timeout_ms)

    @contextmanager
    def _by_rights_of(self, table: str) -> Iterator[Cloud]:
        role = self._roles.get(table)
        if role is None:
            yield self.own
            return
        try:
            yield self._assumed[role]
        except CloudError as error:
            raise _told_by(role, error) from error


def _told_by(role: str | None, error: CloudError) -> CloudError:
    """The same error, with the role by which the call was made: else it is looked for in the wrong account."""
    if role is None:
        return error
    text = f"{error.text} (as {role})"
    return CloudError(error.fault, error.code, text, timed_out=error.timed_out, transient=error.transient)
