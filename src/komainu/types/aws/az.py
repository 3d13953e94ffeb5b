"""`awsazw`: the state of the Availability Zone that a node is in, as AWS tells it (A1).

It is also a check that this node can use the API of AWS at all.
"""

from dataclasses import replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.described import ja
from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu.ports import CloudError, CloudFault, MonitorHost, MonitorTraits, MonitorType, Zone
from komainu.types.aws.judge import Impossible, Judge
from komainu.types.aws.messages import (
    API_FAILED,
    INTERNAL,
    MONITOR_ERROR,
    MONITOR_WARNING,
    TIMEOUT,
    InternalKind,
    Reason,
)
from komainu.types.aws.patience import CALL_TIMEOUT_MS, within_ms
from komainu.types.aws.silence import Policy

INVALID_ZONE = Reason(
    "51", 5, "Invalid availability zone: [{zone}]", "アベイラビリティーゾーンが正しくありません: [{zone}]"
)
ZONE_STATE = Reason(
    "52",
    7,
    "Availability zone {zone} is {state}.",
    "アベイラビリティーゾーン {zone} の状態は {state} です。",
)

LAST_STATE = Reason(
    "50",
    8,
    "Availability zone {zone} was {state} when AWS answered last; since then AWS has not told its state.",
    "アベイラビリティーゾーン {zone} の状態は、最後に応答があった時点で {state} でした。その後は確認できていません。",
)

CONFIRMED: Final = 2
"So often in a row AWS has to say that the zone is unavailable before silence leaves it so: as with the usual retries."

_AVAILABLE: Final = "available"
_UNAVAILABLE: Final = "unavailable"
_NO_SUCH_ZONE: Final = "InvalidParameterValue"


class ZoneParams(BaseModel):
    """Which zone is looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    zone: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9-]+$",
        json_schema_extra=ja(
            "ノードが属するアベイラビリティーゾーンの名前（`ap-northeast-1a` など）。ノードごとに設定する。"
        ),
    )
    "The name of the Availability Zone that the node is in, such as `ap-northeast-1a`: each node has its own."
    api_failure: Policy = Field(
        default="warn",
        json_schema_extra=ja(
            "AWS API から答えが得られないとき、またはゾーンが存在しないときの動作。"
            "ignore: 何もしない（存在しないゾーンは警告）。warn: 警告のみ。recover: 異常とみなす。"
        ),
    )
    (
        "What it makes of an AWS API that does not answer, and of a zone that does not exist: `ignore` the former, "
        "`warn` only, or treat it as an error and `recover`."
    )


class AvailabilityZone:
    """One zone, looked at from one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: ZoneParams, host: MonitorHost) -> None:
        self._params = params
        self._host = host
        self._judge = Judge("", host.monitor, {"zone": params.zone})
        self._unavailable = 0
        "How often in a row AWS has said so, when it last told the state."

    async def begin(self) -> None:
        """Nothing is resident, and nothing known."""
        self._unavailable = 0

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when the zone is available, and as a Caution when it is neither that nor unavailable."""
        if self._host.cloud is None:
            return self._judge.unsure(Impossible(INTERNAL, "there is no API of a cloud", InternalKind.DEFECT))
        limit_ms = min(within_ms(timeout_ms), CALL_TIMEOUT_MS)
        try:
            zone = await self._host.cloud.zone(self._params.zone, limit_ms)
        except CloudError as error:
            if error.fault is CloudFault.REFUSED and error.code == _NO_SUCH_ZONE:
                return self._invalid(f"{error}")
            return self._silent(error)
        return self._invalid("AWS answered with an empty list") if zone is None else self._told(zone)

    async def end(self) -> None:
        """Nothing is left behind."""

    def _told(self, zone: Zone) -> Outcome:
        detail = "\n".join(zone.messages)
        self._unavailable = self._unavailable + 1 if zone.state == _UNAVAILABLE else 0
        if zone.state == _AVAILABLE:
            return replace(SUCCEEDED, detail=detail)
        if self._unavailable:
            return self._judge.wrong(ZONE_STATE, detail, state=zone.state)
        return self._judge.caution(ZONE_STATE, detail, state=zone.state)

    def _invalid(self, detail: str) -> Outcome:
        self._unavailable = 0
        told = self._judge.wrong if self._params.api_failure == "recover" else self._judge.caution
        return told(INVALID_ZONE, detail)

    def _silent(self, error: CloudError) -> Outcome:
        """An API that does not answer says nothing about the zone; it is a Caution, because nobody can use the API.

        So it does not take back that the zone is unavailable, whatever the policy; nor does it confirm it.
        """
        if self._unavailable >= CONFIRMED:
            return self._judge.wrong(LAST_STATE, f"{error}", state=_UNAVAILABLE)
        found = self._judge.unseen(error, self._params.api_failure)
        expected = error.fault is not CloudFault.INTERNAL
        return replace(found, result=Result.SUCCEEDED) if expected and found.result is Result.UNKNOWN else found


MESSAGES: Final = (
    *(MONITOR_ERROR.row(reason) for reason in (API_FAILED, TIMEOUT, INVALID_ZONE, ZONE_STATE, LAST_STATE)),
    *(MONITOR_WARNING.row(reason) for reason in (API_FAILED, TIMEOUT, INVALID_ZONE, ZONE_STATE, INTERNAL)),
)
AWSAZW = MonitorType(
    name="awsazw",
    title=Message("KM3045", "AWS AZ monitor", "AWS AZ モニタ"),
    description=Message(
        "KM3046",
        "Asks AWS for the state of the Availability Zone that the node is in; so it also finds out whether the API of "
        "AWS can be used.",
        "ノードが属するアベイラビリティーゾーンの状態を AWS に問い合わせる。"
        "AWS API を使用できるかどうかの確認にもなる。",
    ),
    params=ZoneParams,
    per_node_required=(),
    traits=MonitorTraits(environments=("aws",), interval_ms=60_000, timeout_ms=30_000, retries=1, words_count=True),
    messages=MESSAGES,
    make=AvailabilityZone,
)
