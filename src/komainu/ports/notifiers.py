"""Where alerts are sent to: what a kind of notification declares, what it sees, and what it does (W5)."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Language, Level, Message, Said
from komainu.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it is shown to people and programs."""

    id: str
    "The same on every node, and in every notification about it."
    at: str
    "Time in UTC, ISO 8601 with milliseconds, as the recording node's clock had it."
    node: str
    "The node it is about or comes from; empty: the cluster as a whole."
    module: str
    code: str
    level: Level
    en: str
    ja: str
    detail: str

    def text(self, language: Language) -> str:
        """The sentence in the reader's language."""
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent at once: one alert, or several that came together, or the summary of a storm."""

    cluster: str
    sender: str
    "The node that sends it."
    language: Language
    "The one chosen for the cluster."
    alerts: tuple[Alert, ...]
    "Oldest first."
    left_out: tuple[tuple[str, int], ...] = ()
    "In a storm: the codes of further alerts, and how many there were of each."
    test: bool = False
    "`komainu alerts test`: nothing has happened."

    @property
    def count(self) -> int:
        """How many alerts it stands for."""
        return len(self.alerts) + sum(count for _, count in self.left_out)

    @property
    def level(self) -> Level:
        """The highest among its alerts."""
        levels = Counter(alert.level for alert in self.alerts)
        return "error" if levels["error"] else "warning" if levels["warning"] else "info"


class Topics(Protocol):
    """The part of Amazon SNS that Komainu uses. It raises CloudError; `timeout_ms` bounds the whole call."""

    async def publish(self, topic: str, subject: str, text: str, attributes: Mapping[str, str], timeout_ms: int) -> str:
        """Publish a message to the topic of that ARN, in the ARN's region; the id that SNS gave it."""


@dataclass(frozen=True, slots=True)
class NotifierHost:
    """What a notification sees of its node."""

    node: str
    cluster: str
    notification: str
    "Its name in the configuration."
    topics: Topics


class NotifierHands(Protocol):
    """One configured notification on one node."""

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """SUCCEEDED: it was taken over by the other side. FAILED: surely not. UNKNOWN: nobody knows.

        Never raises for what can be expected to go wrong. Neither `said` nor `detail` ever holds a secret.
        """


def _nothing_to_say(params: Mapping[str, Any]) -> tuple[Said, ...]:
    """The advice of a kind that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class NotifierType:
    """The declaration of a kind of notification. One per file in komainu.types.notify."""

    name: str
    "As in the configuration: `mail`."
    title: Message
    description: Message
    params: type[BaseModel]
    "As in ResourceType."
    messages: tuple[Message, ...]
    make: Callable[[Any, NotifierHost], NotifierHands]
    "Called with the validated parameters."
    advise: Callable[[Mapping[str, Any]], tuple[Said, ...]] = _nothing_to_say
    "As in ResourceType."
