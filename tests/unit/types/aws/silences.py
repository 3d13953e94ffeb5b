"""What a check says of an API that does not answer, by policy: the same for every type, to the letter of T (N4)."""

from collections.abc import Callable
from dataclasses import dataclass

from komainu.model.outcome import Outcome, Result
from komainu.ports import CloudError
from komainu.types.aws.silence import Policy
from tests.doubles import cloud as aws


@dataclass(frozen=True, slots=True)
class Silence:
    """One of them."""

    policy: Policy
    error: Callable[[], CloudError]
    result: Result
    said: str = ""

    def assert_told(self, outcome: Outcome, monitor: str) -> None:
        """The outcome of the monitor's check is as it has to be."""
        said = "" if outcome.said is None else outcome.said.en
        assert outcome.result is self.result, outcome
        assert said == self.said.replace("%s", monitor), outcome
        assert f"{self.error()}" in outcome.detail, outcome


_105 = "Warn monitoring %s. (105 : Failed in the AWS CLI command.)"
_106 = "Warn monitoring %s. (106 : Timeout occurred.)"
_199 = "Warn monitoring %s. (199 : Internal error. (status=3))"
_5 = "Detected an error in monitoring %s. (5 : Failed in the AWS CLI command.)"
_6 = "Detected an error in monitoring %s. (6 : Timeout occurred.)"

SILENCES = (
    Silence("warn", aws.unreachable, Result.UNKNOWN, _105),
    Silence("warn", aws.connection_lost, Result.UNKNOWN, _105),
    Silence("warn", aws.unauthorized, Result.UNKNOWN, _105),
    Silence("warn", aws.throttled, Result.UNKNOWN, _105),
    Silence("warn", aws.no_credentials, Result.UNKNOWN, _105),
    Silence("warn", aws.no_answer, Result.UNKNOWN, _106),
    Silence("warn", aws.connect_timeout, Result.UNKNOWN, _106),
    Silence("warn", aws.defect, Result.UNKNOWN, _199),
    Silence("recover", aws.unreachable, Result.FAILED, _5),
    Silence("recover", aws.throttled, Result.FAILED, _5),
    Silence("recover", aws.no_answer, Result.FAILED, _6),
    Silence("recover", aws.defect, Result.UNKNOWN, _199),
    Silence("ignore", aws.throttled, Result.SUCCEEDED),
    Silence("ignore", aws.no_answer, Result.SUCCEEDED),
    Silence("ignore", aws.defect, Result.UNKNOWN, _199),
)
