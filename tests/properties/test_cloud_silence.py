"""Whatever a cloud says and does not say, in any order: silence is neither an event nor the absence of one (N4).

A model beside each monitor keeps what the cloud said last and when; nothing that the monitor finds may go beyond it.
"""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings, strategies as st

from komainu.model.outcome import Outcome, Result
from komainu.ports import Announced, Announcement, AnnouncementKind, CloudError, CloudFault, Zone
from komainu.types.aws.az import AWSAZW, CONFIRMED
from komainu.types.aws.events import AWSEVW, SILENCE_MS
from tests.doubles import cloud as faults
from tests.unit.types.monitor_stage import Node

KINDS = tuple(AnnouncementKind)
SILENCE = st.sampled_from((faults.no_answer(), faults.unreachable(), faults.throttled(), faults.defect()))
POLICIES = ("ignore", "alert", "drain")
SOME = {kind: Announcement(kind, "", f"word-of-{kind.value}", "") for kind in KINDS}
ANSWER = st.one_of(st.booleans(), SILENCE)
"Announced or not, or no answer."
CHECKS = st.lists(
    st.tuples(st.integers(0, 2 * SILENCE_MS), st.tuples(ANSWER, ANSWER, ANSWER, ANSWER)), min_size=1, max_size=12
)


@dataclass
class Script:
    """`komainu.ports.Metadata`: the answers of one check."""

    answers: tuple[bool | CloudError, ...] = ()
    clock_ms: int = 0

    async def announced(self, timeout_ms: int) -> Announced:
        return {
            kind: answer if isinstance(answer, CloudError) else (SOME[kind],) * answer
            for kind, answer in zip(KINDS, self.answers, strict=True)
        }


def _is_normal(outcome: Outcome) -> bool:
    return outcome.succeeded and outcome.said is None


@settings(deadline=None)
@given(CHECKS, st.tuples(*[st.sampled_from(POLICIES)] * len(KINDS)))
def test_announcements(checks: list[tuple[int, tuple[bool | CloudError, ...]]], policies: tuple[str, ...]) -> None:
    script = Script()
    policy = dict(zip(KINDS, policies, strict=True))
    params = {kind.value: word for kind, word in policy.items()}
    node = Node(AWSEVW, params, None, metadata=script, now_ms=lambda: script.clock_ms)
    minded = [kind for kind in KINDS if policy[kind] != "ignore"]
    last: dict[AnnouncementKind, bool] = {}
    heard: dict[AnnouncementKind, int] = {}
    for pause_ms, answers in checks:
        script.clock_ms += pause_ms
        script.answers = answers
        for kind, answer in zip(KINDS, answers, strict=True):
            if not isinstance(answer, CloudError):
                last[kind], heard[kind] = answer, script.clock_ms
        outcome = asyncio.run(node.check())
        stale = [kind for kind in minded if kind not in heard or script.clock_ms - heard[kind] >= SILENCE_MS]
        holds = [kind for kind in minded if last.get(kind)]
        drains = [kind for kind in holds if policy[kind] == "drain"]
        assert (outcome.result is Result.FAILED) == bool(drains), "an error is an announcement, and each is one"
        assert _is_normal(outcome) == (not holds and not stale), "normal is what was heard not long ago"
        assert (outcome.result is Result.UNKNOWN) == bool(stale and not holds)
        assert outcome.said is None or all(SOME[kind].what in outcome.said.en for kind in holds), (
            "all that is known is told"
        )


class Sky:
    """The part of `komainu.ports.Cloud` that is asked for a zone."""

    answer: Zone | CloudError | None = None

    async def zone(self, zone: str, timeout_ms: int) -> Zone | None:
        if isinstance(self.answer, CloudError):
            raise self.answer
        return self.answer


STATES = ("available", "information", "impaired", "constrained", "unavailable", "something-new")
SKIES = st.lists(st.one_of(st.sampled_from(STATES), SILENCE), min_size=1, max_size=12)


@settings(deadline=None)
@given(SKIES, st.sampled_from(("ignore", "warn")))
def test_zones(skies: list[str | CloudError], policy: str) -> None:
    sky = Sky()
    node = Node(AWSAZW, {"zone": "x-1a", "api_failure": policy}, None, cloud=sky)
    burns = 0
    for each in skies:
        sky.answer = each if isinstance(each, CloudError) else Zone("x-1a", each)
        outcome = asyncio.run(node.check())
        if isinstance(each, CloudError):
            assert (outcome.result is Result.FAILED) == (burns >= CONFIRMED), "silence adds nothing, and takes nothing"
            may_be_silent = policy == "ignore" and each.fault is not CloudFault.INTERNAL and burns < CONFIRMED
            assert _is_normal(outcome) == may_be_silent
        else:
            burns = burns + 1 if each == "unavailable" else 0
            assert (outcome.result is Result.FAILED) == bool(burns)
            assert _is_normal(outcome) == (each == "available")
