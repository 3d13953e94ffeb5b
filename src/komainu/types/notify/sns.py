"""`sns`: alerts to a topic of Amazon SNS (W5)."""

from pydantic import BaseModel, ConfigDict, Field

from komainu.model.message import Message
from komainu.model.outcome import SUCCEEDED, Outcome, failed, unknown
from komainu.ports.cloud import CloudError, CloudFault
from komainu.ports.notifiers import Notice, NotifierHost, NotifierType
from komainu.types.notify import letter

SUBJECT_LENGTH = 99
"SNS takes subjects of less than 100 ASCII characters."
TEXT_BYTES = 200_000
"SNS takes messages of at most 256 KiB, attributes included."

REFUSED = Message(
    "KM3931",
    "Notification {name}: Amazon SNS refused the message ({code}). Does the topic {topic} exist, and may this node "
    "publish to it (sns:Publish)?",
    "通知 {name}: Amazon SNS がメッセージを拒否しました ({code})。トピック {topic} の有無と、このノードの権限 "
    "(sns:Publish) を確認してください。",
    "error",
)
UNREACHABLE = Message(
    "KM3932",
    "Notification {name}: Amazon SNS cannot be reached from this node ({code}). Nothing was sent.",
    "通知 {name}: このノードから Amazon SNS に接続できないため送信していません ({code})。",
    "error",
)
NO_ANSWER = Message(
    "KM3933",
    "Notification {name}: it is not known whether Amazon SNS took the message ({code}).",
    "通知 {name}: Amazon SNS がメッセージを受け付けたかどうか分かりません ({code})。",
    "warning",
)

MESSAGES = (REFUSED, UNREACHABLE, NO_ANSWER)


class Params(BaseModel):
    """The parameters of a notification by Amazon SNS."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    topic_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
        json_schema_extra={
            "description_ja": "標準トピックの ARN（例: `arn:aws:sns:ap-northeast-1:123456789012:alerts`）。"
        },
    )
    "The ARN of a standard topic, for example `arn:aws:sns:ap-northeast-1:123456789012:alerts`."


class Sns:
    """One configured topic: `komainu.ports.NotifierHands`."""

    def __init__(self, params: Params, host: NotifierHost) -> None:
        self._topic = params.topic_arn
        self._host = host

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """One message."""
        subject = letter.short_subject(notice, SUBJECT_LENGTH)
        try:
            await self._host.topics.publish(self._topic, subject, _text(notice), _attributes(notice), timeout_ms)
        except CloudError as error:
            detail = f"{error.code}: {error.text}"
            values = {"name": self._host.notification, "code": error.code, "topic": self._topic}
            if error.fault is CloudFault.REFUSED:
                return failed(REFUSED.said(**values), detail)
            if error.fault is CloudFault.UNREACHABLE:
                return failed(UNREACHABLE.said(**values), detail)
            return unknown(NO_ANSWER.said(**values), detail)
        return SUCCEEDED


def _text(notice: Notice) -> str:
    text = letter.body(notice).encode(errors="replace")
    return text.decode() if len(text) <= TEXT_BYTES else text[:TEXT_BYTES].decode(errors="ignore") + "\n..."


def _attributes(notice: Notice) -> dict[str, str]:
    """What the filters of subscriptions can ask for."""
    attributes = {"cluster": notice.cluster, "level": notice.level, "sender": notice.sender}
    if notice.count == 1 and notice.alerts:
        alert = notice.alerts[0]
        attributes |= {"code": alert.code, "module": alert.module}
        if alert.node:
            attributes["node"] = alert.node
    return attributes


SNS = NotifierType(
    name="sns",
    title=Message("KM3065", "Amazon SNS", "Amazon SNS"),
    description=Message(
        "KM3066",
        "Alerts are published to a topic of Amazon SNS, with this node's credentials. They need `sns:Publish`.",
        "アラートをノードの認証情報で Amazon SNS のトピックに発行する。権限 `sns:Publish` が必要。",
    ),
    params=Params,
    messages=MESSAGES,
    make=Sns,
)
