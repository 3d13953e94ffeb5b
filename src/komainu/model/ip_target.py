"""Something that an IP monitor asks: by ICMP echo, by a TCP connection, or by a question to a name server (A2)."""

import re
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused
from komainu.model.reach import BAD_LISTEN, BAD_PING, THIS_MACHINE, door, machine, place

NOT_ONE = Message(
    "KM4221",
    "A target is one of `icmp`, `tcp` and `dns`, and this one has {count} of them. Write each target as an entry of "
    "its own.",
    "ターゲットには `icmp`、`tcp`、`dns` のどれか 1 つを書きますが、{count} 個あります。"
    "ターゲットごとに項目を分けて書いてください。",
    "error",
)
BAD_DNS = Message(
    "KM4222",
    "`{value}` is no IP address of a name server. Write one such as `10.0.0.2`, the resolver of a VPC 10.0.0.0/16.",
    "`{value}` はネームサーバの IP アドレスではありません。VPC（10.0.0.0/16）のリゾルバなら `10.0.0.2` のように"
    "書いてください。",
    "error",
)
NAME_BESIDE = Message(
    "KM4223",
    "A name server is asked for a name: `dns` and `name` belong together. Write both, or neither.",
    "ネームサーバには名前を問い合わせるため、`dns` と `name` は組で書きます。両方を書くか、両方を削除してください。",
    "error",
)
BAD_NAME = Message(
    "KM4224",
    "`{value}` is no name that a name server could be asked for. Write one such as `ec2.ap-northeast-1.amazonaws.com`.",
    "`{value}` はネームサーバに問い合わせることのできる名前ではありません。`ec2.ap-northeast-1.amazonaws.com` の"
    "ように書いてください。",
    "error",
)
MESSAGES: Final = (NOT_ONE, BAD_PING, BAD_LISTEN, BAD_DNS, NAME_BESIDE, BAD_NAME, THIS_MACHINE)

Way = Literal["icmp", "tcp", "dns"]
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)


class IpTarget(BaseModel):
    """One thing that always answers, and the way to ask it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    icmp: str = Field(
        default="",
        max_length=45,
        json_schema_extra=ja(
            "ping に応答する IP アドレス（NAT インスタンスなど）。NAT ゲートウェイは ping に応答しない。"
        ),
    )
    "An IP address that answers to ping: an instance that is always on, a NAT instance. A NAT gateway never answers."
    tcp: str = Field(
        default="",
        max_length=262,
        json_schema_extra=ja(
            "TCP で接続できる `ホスト:ポート`（インタフェースエンドポイントやリージョンのエンドポイントの 443）。"
            "データは送らない。"
        ),
    )
    (
        "`host:port` where a TCP connection can be made: an interface endpoint or the endpoint of the region, port "
        "443. Nothing is sent."
    )
    dns: str = Field(
        default="",
        max_length=45,
        json_schema_extra=ja(
            "ネームサーバの IP アドレス。VPC のリゾルバは、VPC の先頭アドレスに 2 を加えたもの。応答の内容は問わない。"
        ),
    )
    "The IP address of a name server; that of a VPC is its first address plus two. Any answer of it counts."
    name: str = Field(default="", max_length=253, json_schema_extra=ja("`dns` のサーバに問い合わせる名前。"))
    "The name that the server of `dns` is asked for."

    @field_validator("icmp")
    @classmethod
    def _a_machine(cls, value: str) -> str:
        return machine(value, BAD_PING)

    @field_validator("dns")
    @classmethod
    def _a_server(cls, value: str) -> str:
        return machine(value, BAD_DNS)

    @field_validator("tcp")
    @classmethod
    def _a_place(cls, value: str) -> str:
        return door(value)

    @field_validator("name")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if value and not _NAME.fullmatch(value):
            raise Refused(BAD_NAME.said(value=value))
        return value

    @model_validator(mode="after")
    def _just_one(self) -> Self:
        count = sum(map(bool, (self.icmp, self.tcp, self.dns)))
        if count != 1:
            raise Refused(NOT_ONE.said(count=count))
        if bool(self.dns) != bool(self.name):
            raise Refused(NAME_BESIDE.said())
        return self

    @property
    def way(self) -> Way:
        """How it is asked."""
        return "icmp" if self.icmp else "tcp" if self.tcp else "dns"

    @property
    def text(self) -> str:
        """As it is written."""
        return self.icmp or self.tcp or self.dns

    @property
    def host(self) -> str:
        """The name or the IP address that is asked, without brackets."""
        return place(self.tcp)[0] if self.tcp else self.text

    @property
    def port(self) -> int:
        """The TCP port; 0 where there is none."""
        return place(self.tcp)[1] if self.tcp else 0
