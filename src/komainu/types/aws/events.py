"""`awsevw`: what AWS announces for the instance: maintenance, a spot interruption, the end by an Auto Scaling group.

By its policy an announcement is told, or an error that moves the groups off while there is time (a drain). The
metadata service is asked, which costs no call to the API.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import Announcement, AnnouncementKind, CloudError, MonitorHost, MonitorTraits, MonitorType
from komainu.types.aws.messages import INTERNAL, MONITOR_ERROR, MONITOR_WARNING, Frame, InternalKind, Reason
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
    "The Auto Scaling group is going to end this instance: {events}",
    "Auto Scaling グループがこのインスタンスを終了します: {events}",
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

_REASONS: Final = {
    AnnouncementKind.SPOT: SPOT,
    AnnouncementKind.LIFECYCLE: LIFECYCLE,
    AnnouncementKind.MAINTENANCE: MAINTENANCE,
    AnnouncementKind.REBALANCE: REBALANCE,
}

Policy = Literal["ignore", "alert", "drain"]
OwnPolicy = Literal["policy", "ignore", "alert", "drain"]


def _ja(text: str) -> dict[str, Any]:
    return {"description_ja": text}


class EventParams(BaseModel):
    """What is made of each kind of announcement."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    policy: Policy = Field(
        default="alert",
        json_schema_extra=_ja(
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
        json_schema_extra=_ja("予定されたメンテナンス（再起動、停止、リタイア）の場合。`policy`: 上の値に従う。"),
    )
    "For scheduled maintenance (reboot, stop, retirement): `policy` is what stands there."
    spot: OwnPolicy = Field(
        default="policy",
        json_schema_extra=_ja("スポットインスタンスの中断（約 2 分前に通知される）の場合。`policy`: 上の値に従う。"),
    )
    "For the interruption of a spot instance, which is announced two minutes before: `policy` is what stands there."
    rebalance: OwnPolicy = Field(
        default="policy",
        json_schema_extra=_ja("スポットインスタンスの再調整の推奨の場合。`policy`: 上の値に従う。"),
    )
    "For the recommendation to rebalance, a spot instance that is at risk: `policy` is what stands there."
    lifecycle: OwnPolicy = Field(
        default="policy",
        json_schema_extra=_ja("Auto Scaling グループによる終了の場合。`policy`: 上の値に従う。"),
    )
    "For the end by an Auto Scaling group: `policy` is what stands there."

    def of(self, kind: AnnouncementKind) -> Policy:
        """The policy for that kind."""
        own: OwnPolicy = getattr(self, kind.value)
        return self.policy if own == "policy" else own


class Events:
    """What is announced to one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: EventParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._known: tuple[Announcement, ...] = ()
        "What was announced when the metadata service answered last."

    async def begin(self) -> None:
        """Everything that is announced is told anew."""
        self._known = ()

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when nothing is announced, as a Caution for what is to be told, FAILED for what is to drain."""
        metadata = self._host.metadata
        if metadata is None:
            said = self._said(MONITOR_WARNING, INTERNAL, status=InternalKind.DEFECT)
            return unknown(said, "there is no metadata service")
        try:
            announced = await metadata.announced(within_ms(timeout_ms))
        except CloudError as error:
            # What was announced is not taken back by silence: else the groups would come back to a node that ends.
            known = self._judge(self._known)
            if known.said is not None:
                return known
            return unknown(self._said(MONITOR_WARNING, NO_METADATA), f"{error}")
        announced = tuple(each for each in announced if self._params.of(each.kind) != "ignore")
        news = [each for each in announced if each not in self._known]
        self._known = announced
        outcome = self._judge(announced)
        if outcome.succeeded:
            for each in news if len(announced) > 1 else ():
                self._host.report(self._judge((each,)))  # each has its alert, also beside others
        return outcome

    async def end(self) -> None:
        """Nothing is left behind."""

    def _judge(self, announced: tuple[Announcement, ...]) -> Outcome:
        """What to make of all that is announced; of what drains when anything does."""
        draining = tuple(each for each in announced if self._params.of(each.kind) == "drain")
        told = draining or announced
        if not told:
            return SUCCEEDED
        reason = SEVERAL if len(told) > 1 else _REASONS[told[0].kind]
        detail = "\n".join(f"{each.kind.value}: {_event(each)}" for each in announced)
        if draining:
            return failed(self._said(MONITOR_ERROR, reason, told), detail)
        return Outcome(Result.SUCCEEDED, self._said(MONITOR_WARNING, reason, told), detail)

    def _said(self, frame: Frame, reason: Reason, announced: tuple[Announcement, ...] = (), *, status: int = 0) -> Said:
        return frame.row(reason).said(
            monitor=self._host.monitor,
            events=", ".join(map(_event, announced)),
            count=len(announced),
            status=status,
        )


def _event(announced: Announcement) -> str:
    """In the words of AWS, the same in every language."""
    at = f" {announced.at}" if announced.at else ""
    return f"{announced.what}{at} ({announced.id})" if announced.id else f"{announced.what}{at}"


_TOLD: Final = (*_REASONS.values(), SEVERAL)
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
    traits=MonitorTraits(environments=("aws",), interval_ms=5_000, timeout_ms=5_000, moves_groups=True),
    messages=(
        *(MONITOR_ERROR.row(reason) for reason in _TOLD),
        *(MONITOR_WARNING.row(reason) for reason in (*_TOLD, NO_METADATA, INTERNAL)),
    ),
    make=Events,
)
