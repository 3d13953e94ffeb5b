"""`komainu.ports.Metadata`: the real one against the lab's metadata service, and the fake, by the same rules."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator

import pytest

from komainu.adapters.aws.imds import InstanceMetadata
from komainu.ports import Announcement, AnnouncementKind, CloudError, CloudFault, Metadata
from komainu_lab.vpc import imds
from komainu_lab.vpc.metadata import PLACES, Announcements
from tests.doubles.metadata import LIFECYCLE, REBALANCE, SPOT, FakeMetadata

pytestmark = pytest.mark.sockets

WHEN = "21 Jan 2027 09:00:43 GMT"


class Place(ABC):
    """One implementation, and what happens to its machine."""

    metadata: Metadata

    @abstractmethod
    def announce(self, *what: Announcement) -> None:
        """This is announced, and nothing else."""

    @abstractmethod
    def garble(self, kind: AnnouncementKind) -> None:
        """Of that kind nothing can be read."""

    @abstractmethod
    def silence(self) -> None:
        """Nobody answers any more."""

    @abstractmethod
    def close(self) -> None:
        """Nothing of it is left."""


class Real(Place):
    def __init__(self) -> None:
        self.announcements = Announcements()
        self.garbled: dict[str, str] = {}
        self.service = imds.Service(("127.0.0.1", 0), self._tree, lambda source: ("", {}))
        self.service.start()
        self.running = True
        self.metadata = self.real = InstanceMetadata(f"http://127.0.0.1:{self.service.server_port}")

    def _tree(self, source: str) -> imds.Tree:
        return {"meta-data/instance-id": "i-1", **self.announcements.of("node1"), **self.garbled}

    def announce(self, *what: Announcement) -> None:
        self.announcements.withdraw("node1")
        for each in what:
            self.announcements.announce("node1", each.kind.value, each.what, each.at)

    def garble(self, kind: AnnouncementKind) -> None:
        self.garbled[f"meta-data/{PLACES[kind.value]}"] = json.dumps({"it": "is something else"})

    def silence(self) -> None:
        self.service.stop()
        self.running = False

    def close(self) -> None:
        self.real.close()
        if self.running:
            self.service.stop()


class Fake(Place):
    def __init__(self) -> None:
        self.metadata = self.fake = FakeMetadata()

    def announce(self, *what: Announcement) -> None:
        self.fake.now = what

    def garble(self, kind: AnnouncementKind) -> None:
        self.fake.troubles[kind] = CloudError(CloudFault.INTERNAL, "TypeError", "something else")

    def silence(self) -> None:
        self.fake.trouble = CloudError(CloudFault.UNREACHABLE, "ConnectionRefusedError", "nobody is there")

    def close(self) -> None:
        """There is nothing of it."""


@pytest.fixture(params=[Real, Fake])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made: Place = request.param()
    yield made
    made.close()


def told(place: Place) -> dict[AnnouncementKind, tuple[tuple[str, str], ...] | CloudFault]:
    """By kind what is announced and when, or why nobody can say."""
    found = asyncio.run(place.metadata.announced(10_000))
    return {
        kind: answer.fault if isinstance(answer, CloudError) else tuple((each.what, each.at) for each in answer)
        for kind, answer in found.items()
    }


def test_every_kind_is_answered_when_nothing_is_announced(place: Place) -> None:
    assert told(place) == dict.fromkeys(AnnouncementKind, ())


def test_what_is_announced_is_of_its_kind_and_stays_until_it_is_taken_back(place: Place) -> None:
    stop = Announcement(AnnouncementKind.MAINTENANCE, "", "instance-stop", WHEN)
    reboot = Announcement(AnnouncementKind.MAINTENANCE, "", "system-reboot", WHEN)
    place.announce(SPOT, REBALANCE, LIFECYCLE, stop, reboot)
    expected = {
        AnnouncementKind.SPOT: ((SPOT.what, SPOT.at),),
        AnnouncementKind.REBALANCE: ((REBALANCE.what, REBALANCE.at),),
        AnnouncementKind.LIFECYCLE: (("Terminated", ""),),
        AnnouncementKind.MAINTENANCE: (("instance-stop", WHEN), ("system-reboot", WHEN)),
    }
    assert told(place) == expected
    assert told(place) == expected
    place.announce()
    assert told(place) == dict.fromkeys(AnnouncementKind, ())


@pytest.mark.parametrize("kind", [AnnouncementKind.SPOT, AnnouncementKind.MAINTENANCE, AnnouncementKind.LIFECYCLE])
def test_a_kind_that_cannot_be_read_is_no_absence_and_no_trouble_of_the_others(
    place: Place, kind: AnnouncementKind
) -> None:
    place.announce(REBALANCE)
    place.garble(kind)
    expected = dict.fromkeys(AnnouncementKind, ())
    assert told(place) == {
        **expected,
        AnnouncementKind.REBALANCE: ((REBALANCE.what, REBALANCE.at),),
        kind: CloudFault.INTERNAL,
    }


def test_silence_is_said_of_every_kind(place: Place) -> None:
    place.announce(SPOT)
    place.silence()
    assert told(place) == dict.fromkeys(AnnouncementKind, CloudFault.UNREACHABLE)
