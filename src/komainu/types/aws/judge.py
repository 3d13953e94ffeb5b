"""What refusals and silence mean for one resource or one monitor, said in the rows of T.

A type gives its facts, and the error codes that it knows better than others; the rest is here once for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from komainu.model.message import Said
from komainu.model.outcome import Outcome, Result, failed, unknown
from komainu.ports import CloudError, CloudFault
from komainu.types.aws import silence
from komainu.types.aws.messages import (
    ACTIVATION,
    INTERNAL,
    MONITOR_ERROR,
    MONITOR_WARNING,
    Frame,
    InternalKind,
    Reason,
    reason_of,
)
from komainu.types.aws.silence import Policy


class Impossible(Exception):
    """The answers are all there, and they forbid what was to be done; or the kernel gave none."""

    def __init__(self, reason: Reason, detail: str = "", status: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Judge:
    """Of one resource on one node, with its check; or of a monitor of its own."""

    resource: str
    "Empty for a monitor of its own: its texts name no resource."
    monitor: str
    facts: Mapping[str, str]
    "What the texts name: addresses and ids."
    codes: Mapping[str, Reason] = field(default_factory=dict)
    "What error codes mean, up to the dot, beside what they mean for every type."

    def said(self, frame: Frame, reason: Reason, status: int = 0, **more: str | int) -> Said:
        """A row of T with the facts of this resource, and `more` of the moment. `status`: of an internal error."""
        message = frame.row(reason)
        return message.said(resource=self.resource, monitor=self.monitor, status=int(status), **self.facts, **more)

    def reason(self, error: CloudError) -> Reason:
        """The row of T for a call that did not succeed."""
        return reason_of(error, self.codes)

    def impossible(self, frame: Frame, why: Impossible) -> Outcome:
        """What the frame names cannot succeed here."""
        return failed(self.said(frame, why.reason, why.status), why.detail)

    def not_prepared(self, error: CloudError) -> Outcome:
        """A preparation had no good answer."""
        return silence.not_prepared(error, self.reason(error), self.said)

    def not_started(self, error: CloudError, detail: str = "", *, changing: bool) -> Outcome:
        """The API did not grant the start. `changing`: the error is that of a change, which may have been made."""
        reason = self.reason(error)
        said = self.said(ACTIVATION, reason, InternalKind.DEFECT if reason is INTERNAL else 0)
        lost = changing and error.fault is CloudFault.NO_ANSWER
        return (unknown if lost else failed)(said, detail or f"{error}")

    def wrong(self, reason: Reason, detail: str = "", **more: str | int) -> Outcome:
        """A check has found an error."""
        return failed(self.said(MONITOR_ERROR, reason, 0, **more), detail)

    def caution(self, reason: Reason, detail: str = "", **more: str | int) -> Outcome:
        """It is as it should be, and something is to be told nevertheless."""
        return Outcome(Result.SUCCEEDED, self.said(MONITOR_WARNING, reason, 0, **more), detail)

    def unseen(self, error: CloudError, policy: Policy) -> Outcome:
        """A check, or a probe, could not see what it looks at."""
        return silence.unseen(error, policy, self.said)

    def unsure(self, why: Impossible) -> Outcome:
        """The kernel did not say what a check or a probe asked it."""
        return unknown(self.said(MONITOR_WARNING, why.reason, why.status), why.detail)
