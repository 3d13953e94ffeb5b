"""`awsevw`: what AWS announces for the instance: maintenance, a spot interruption, the end by an Auto Scaling group.

By its policy an announcement is told, or an error that moves the groups off while there is time (a drain). The
metadata service is asked, which costs no call to the API.
"""

from dataclasses import replace
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.described import ja
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome
from komainu.ports import Announcement, AnnouncementKind, CloudError, MonitorHost, MonitorTraits, MonitorType
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import INTERNAL, MONITOR_ERROR, MONITOR_WARNING, InternalKind, Reason
from komainu.types.aws.patience import within_ms

MAINTENANCE = Reason(
    "53",
    7,
    "AWS has scheduled maintenance of this instance: {events}",
    "AWS がこのインスタンスのメンテナンスを予定しています: {events}",
)
SPOT = Reason(
    "54",
    8,
    "AWS is going to interrupt this spot instance: {events}",
    "AWS がこのスポットインスタンスを中断します: {events}",
)
REBALANCE = Reason(
    "55",
    9,
    "AWS may interrupt this spot instance soon: {events}",
    "AWS がこのスポットインスタンスを近く中断するおそれがあります: {events}",
)
LIFECYCLE = Reason(
    "56",
    10,
    "The Auto Scaling group is going to stop or end this instance: {events}",
    "Auto Scaling グループがこのインスタンスを停止または終了します: {events}",
)
SEVERAL = Reason(
    "57",
    11,
    "AWS has announced {count} events for this instance: {events}",
    "AWS がこのインスタンスについて {count} 件のイベントを通知しています: {events}",
)
NO_METADATA = Reason(
    "58",
    12,
    "The instance metadata service does not answer: it is not known what AWS announces.",
    "インスタンスメタデータサービスが応答しないため、AWS からの通知を確認できません。",
)
STALE = Reason(
    "59",
    13,
    "The instance metadata service does not answer, or not in full; AWS has announced for this instance: {events}",
    "インスタンスメタデータサービスが応答しないか、一部しか応答しません。これまでに通知されたイベント: {events}",
)

SILENCE_MS = 30_000
"For so long what was heard last holds: several checks at the usual interval."

_REASONS: Final = {
    AnnouncementKind.SPOT: SPOT,
    AnnouncementKind.LIFECYCLE: LIFECYCLE,
    AnnouncementKind.MAINTENANCE: MAINTENANCE,
    AnnouncementKind.REBALANCE: REBALANCE,
}

Policy = Literal["ignore", "alert", "drain"]
OwnPolicy = Literal["policy", "ignore", "alert", "drain"]


class EventParams(BaseModel):
    """What is made of each kind of announcement."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    policy: Policy = Field(
        default="alert",
        json_schema_extra=ja(
            "通知を受けたときの動作。ignore: 何もしない。alert: 警告のみ。drain: 異常とみなし、"
            "回復動作によりグループを移動する。"
        ),
    )
    (
        "What an announcement leads to: `ignore` nothing, `alert` a Caution, `drain` an Error, so that recovery moves "
        "the groups off."
    )
    maintenance: OwnPolicy = Field(
        default="policy",
        json_schema_extra=ja("予定されたメンテナンス（再起動、停止、リタイア）の場合。`policy`: 上の値に従う。"),
    )
    "For scheduled maintenance (reboot, stop, retirement): `policy` is what stands there."
    spot: OwnPolicy = Field(
        default="policy",
        json_schema_extra=ja("スポットインスタンスの中断（約 2 分前に通知される）の場合。`policy`: 上の値に従う。"),
    )
    "For the interruption of a spot instance, which is announced two minutes before: `policy` is what stands there."
    rebalance: OwnPolicy = Field(
        default="policy",
        json_schema_extra=ja("スポットインスタンスの再調整の推奨の場合。`policy`: 上の値に従う。"),
    )
    "For the recommendation to rebalance, a spot instance that is at risk: `policy` is what stands there."
    lifecycle: OwnPolicy = Field(
        default="policy",
        json_schema_extra=ja("Auto Scaling グループによる停止または終了の場合。`policy`: 上の値に従う。"),
    )
    "For the stop or the end by an Auto Scaling group: `policy` is what stands there."

    def of(self, kind: AnnouncementKind) -> Policy:
        """The policy for that kind."""
        own: OwnPolicy = getattr(self, kind.value)
        return self.policy if own == "policy" else own


class Events:
    """What is announced to one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: EventParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._judge = Judge("", host.monitor, {})
        self._kinds = tuple(kind for kind in AnnouncementKind if params.of(kind) != "ignore")
        self._known: dict[AnnouncementKind, tuple[Announcement, ...]] = {}
        "What was announced when the metadata service last said something of that kind."
        self._heard_ms: dict[AnnouncementKind, int] = {}

    async def begin(self) -> None:
        """Everything that is announced is told anew."""
        self._known, self._heard_ms = {}, {}

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when nothing is announced, as a Caution for what is to be told, FAILED for what is to drain.

        Silence takes nothing back: else groups would come back to a node that ends. It is UNKNOWN (N4), or told with
        what is known, when it has lasted for SILENCE_MS, at once when nothing was heard before.
        """
        metadata = self._host.metadata
        if metadata is None:
            return self._judge.unsure(Impossible(INTERNAL, "there is no metadata service", InternalKind.DEFECT))
        answers = await metadata.announced(within_ms(timeout_ms))
        before, now_ms, silent = self._all(), self._host.now_ms(), []
        for kind in self._kinds:
            answer = answers[kind]
            if isinstance(answer, CloudError):
                silent.append(f"{kind.value}: {answer}")
            else:
                self._known[kind], self._heard_ms[kind] = answer, now_ms
        overdue = any(now_ms - self._heard_ms.get(kind, now_ms - SILENCE_MS) >= SILENCE_MS for kind in self._kinds)
        announced = self._all()
        if overdue and not announced:
            return self._judge.unsure(Impossible(NO_METADATA, "\n".join(silent)))
        outcome = self._told(announced, overdue=overdue)
        if outcome.succeeded and len(announced) > 1:
            for each in announced:
                if each not in before:
                    self._host.report(self._told((each,)))  # each has its alert, also beside others
        return replace(outcome, detail="\n".join(filter(None, (outcome.detail, *silent))))

    async def end(self) -> None:
        """Nothing is left behind."""

    def _all(self) -> tuple[Announcement, ...]:
        return tuple(each for kind in self._kinds for each in self._known.get(kind, ()))

    def _told(self, announced: tuple[Announcement, ...], *, overdue: bool = False) -> Outcome:
        """What to make of all that is announced. It drains when anything of it does; that is named first."""
        if not announced:
            return SUCCEEDED
        draining = tuple(each for each in announced if self._params.of(each.kind) == "drain")
        told = (*draining, *(each for each in announced if each not in draining))
        reason = STALE if overdue else SEVERAL if len(told) > 1 else _REASONS[told[0].kind]
        detail = "\n".join(f"{each.kind.value}: {_event(each)}" for each in told)
        named = ", ".join(f"{each.kind.value}: {_event(each)}" if len(told) > 1 else _event(each) for each in told)
        tell = self._judge.wrong if draining else self._judge.caution
        return tell(reason, detail, events=named, count=len(told))


def _event(announced: Announcement) -> str:
    """In the words of AWS, the same in every language."""
    at = f" {announced.at}" if announced.at else ""
    return f"{announced.what}{at} ({announced.id})" if announced.id else f"{announced.what}{at}"


_TOLD: Final = (*_REASONS.values(), SEVERAL, STALE)
MESSAGES: Final = (
    *(MONITOR_ERROR.row(reason) for reason in _TOLD),
    *(MONITOR_WARNING.row(reason) for reason in (*_TOLD, NO_METADATA, INTERNAL)),
)
AWSEVW = MonitorType(
    name="awsevw",
    title=Message("KM3047", "AWS event monitor", "AWS イベントモニタ"),
    description=Message(
        "KM3048",
        "Tells what AWS announces for the instance (scheduled maintenance, spot interruption, rebalance "
        "recommendation, end by an Auto Scaling group), and by its policy moves the groups off in time.",
        "インスタンスについて AWS が通知するイベント（予定されたメンテナンス、スポットの中断、再調整の推奨、"
        "Auto Scaling グループによる終了）を知らせ、設定によりグループを事前に移動する。",
    ),
    params=EventParams,
    per_node_required=(),
    traits=MonitorTraits(
        environments=("aws",), interval_ms=5_000, timeout_ms=5_000, moves_groups=True, words_count=True
    ),
    messages=MESSAGES,
    make=Events,
)
