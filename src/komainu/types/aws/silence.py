"""What is made of an API that does not answer a question. It is unknown, not failed, unless the policy says so (N4)."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from komainu.model.described import ja
from komainu.model.message import Said
from komainu.model.outcome import Outcome, Result, failed, unknown
from komainu.ports import CloudError, CloudFault
from komainu.types.aws.messages import (
    API_FAILED,
    INTERNAL,
    MONITOR_ERROR,
    MONITOR_WARNING,
    NOT_READY,
    READINESS_UNKNOWN,
    TIMEOUT,
    Frame,
    InternalKind,
    Reason,
)

OWN_LIMIT = "BudgetExhausted"
"""The node's own budget of calls left none, so nobody was asked (`komainu.adapters.aws.budget`)."""

Policy = Literal["ignore", "warn", "recover"]
ApiFailure = Annotated[
    Policy,
    Field(
        description="What the monitor makes of an AWS API that does not answer: `ignore` it, `warn` only, or treat it "
        "as an error and `recover`.",
        json_schema_extra=ja(
            "監視中に AWS API から答えが得られないときの動作。"
            "ignore: 何もしない。warn: 警告のみ。recover: 異常とみなす。"
        ),
    ),
]
"""The parameter `api_failure`, which all types have."""

Say = Callable[[Frame, Reason, int], Said]
"""A type's own words: frame, reason, and the status of an internal error."""


def unseen(error: CloudError, policy: Policy, say: Say) -> Outcome:
    """A check could not see what it looks at."""
    if error.fault is CloudFault.INTERNAL:
        return unknown(say(MONITOR_WARNING, INTERNAL, InternalKind.DEFECT), f"{error}")
    if policy == "ignore":
        return Outcome(Result.SUCCEEDED, detail=f"not looked at: {error}")
    reason = TIMEOUT if error.timed_out else API_FAILED
    if policy == "recover" and error.code != OWN_LIMIT:
        return failed(say(MONITOR_ERROR, reason, 0), f"{error}")
    return unknown(say(MONITOR_WARNING, reason, 0), f"{error}")


def refused(error: CloudError) -> bool:
    """The API has answered, and will answer the same again."""
    return error.fault is CloudFault.REFUSED and not error.transient


def not_prepared(error: CloudError, reason: Reason, say: Say) -> Outcome:
    """A preparation had no good answer. `reason` is the row of T for the error."""
    status = InternalKind.DEFECT if reason is INTERNAL else 0
    if refused(error):
        return failed(say(NOT_READY, reason, status), f"{error}")
    known = reason if reason in (API_FAILED, TIMEOUT, INTERNAL) else API_FAILED
    return unknown(say(READINESS_UNKNOWN, known, status), f"{error}")
