"""How an attempt ended. There are three answers, not two: an API that does not answer has not failed (N4)."""

from dataclasses import dataclass
from enum import StrEnum

from komainu.model.message import Said


class Result(StrEnum):
    """The three outcomes of everything that touches the world."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one start, stop, check, prepare or fence."""

    result: Result
    said: Said | None = None
    "Why, in the administrator's words; always there unless the result is SUCCEEDED."
    detail: str = ""
    "The fuller technical reason (an SDK's error, the last output of a script); never holds credentials."

    @property
    def succeeded(self) -> bool:
        """True when the attempt is known to have done what was asked."""
        return self.result is Result.SUCCEEDED


SUCCEEDED = Outcome(Result.SUCCEEDED)


def failed(said: Said, detail: str = "") -> Outcome:
    """The attempt is known not to have succeeded."""
    return Outcome(Result.FAILED, said, detail)


def unknown(said: Said, detail: str = "") -> Outcome:
    """Nobody can say whether the attempt took effect."""
    return Outcome(Result.UNKNOWN, said, detail)
