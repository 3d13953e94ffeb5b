"""A store that keeps its conditions is found good, and each way of not keeping them is found."""

import asyncio
from collections.abc import Callable

import pytest

from komainu.arbitration import lease_proof
from komainu.arbitration.lease_proof import prove
from komainu.model.message import Message
from komainu.model.vote import Record
from komainu.ports import Held


class Cell:
    """An object that keeps its conditions."""

    def __init__(self) -> None:
        self.number = 0
        self.held: Held | None = None
        self.before: Held | None = None

    def put(self, text: str) -> str:
        self.number += 1
        self.before, self.held = self.held, Held(str(self.number), text)
        return self.held.version

    async def read(self, timeout_ms: int) -> Held | None:
        return self.held

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        return self.put(text) if self.held is not None and self.held.version == version else None

    async def create(self, text: str, timeout_ms: int) -> str | None:
        return self.put(text) if self.held is None else None


class Recreates(Cell):
    async def create(self, text: str, timeout_ms: int) -> str | None:
        return self.put(text)


class TakesAnyVersion(Cell):
    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        return self.put(text)


class TakesThePastVersion(Cell):
    """Only a version that it never gave is refused."""

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        return self.put(text) if int(version) <= self.number else None


class ReadsLate(Cell):
    """A read shows what was there before the last write."""

    async def read(self, timeout_ms: int) -> Held | None:
        return self.before or self.held


class NeverShows(Cell):
    async def read(self, timeout_ms: int) -> Held | None:
        return None


class RefusesAll(Cell):
    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        return None


class Crowded(Cell):
    """Another node writes between a read and the write that follows, now and then."""

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        if self.number % 2:
            self.put("of another")
        return await super().replace(version, text, timeout_ms)


def codes(cell: Cell) -> list[str]:
    return [said.code for said in asyncio.run(prove(cell, "s3://b/k.probe", 1_000))]


@pytest.mark.parametrize("cell", [Cell, Crowded])
def test_a_good_store_is_good_the_first_time_and_later(cell: Callable[[], Cell]) -> None:
    made = cell()
    for _ in range(3):
        assert codes(made) == []


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (Recreates, [lease_proof.IGNORES_CREATION]),
        (TakesAnyVersion, [lease_proof.IGNORES_VERSION]),
        (TakesThePastVersion, [lease_proof.IGNORES_VERSION]),
        (ReadsLate, [lease_proof.NEVER_TAKES]),
        (NeverShows, [lease_proof.OLD_READ]),
        (RefusesAll, [lease_proof.NEVER_TAKES]),
    ],
)
def test_every_broken_promise_is_found(cell: Callable[[], Cell], found: list[Message]) -> None:
    assert codes(cell()) == [message.code for message in found]


def test_a_read_that_stands_still_is_found() -> None:
    class StandsStill(Cell):
        """Writes are taken, under the version that is shown; reads show the first one for ever."""

        async def read(self, timeout_ms: int) -> Held | None:
            return None if self.held is None else Held("1", "the first")

        async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
            return self.put(text) if version == "1" else None

    found = codes(StandsStill())
    assert lease_proof.OLD_READ.code in found


def test_every_text_names_the_store_and_what_is_written_is_no_record() -> None:
    cell = TakesAnyVersion()
    (said,) = asyncio.run(prove(cell, "s3://b/k.probe", 1_000))
    assert "s3://b/k.probe" in said.en
    assert "s3://b/k.probe" in said.ja
    assert cell.held is not None
    with pytest.raises(ValueError, match="probe"):
        Record.model_validate_json(cell.held.text)
