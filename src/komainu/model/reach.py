"""Something outside of the cluster that always answers: by it a node finds out whether it is cut off (A4)."""

import ipaddress
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused

NOT_ONE = Message(
    "KM4921",
    "A target is one of `ping`, `listen` and `http`, and this one has {count} of them. Write each target as an entry "
    "of its own.",
    "ターゲットには `ping`、`listen`、`http` のどれか 1 つを書きますが、{count} 個あります。"
    "ターゲットごとに項目を分けて書いてください。",
    "error",
)
BAD_PING = Message(
    "KM4922",
    "`{value}` is no IP address of a machine. Write one that answers to ping, for example `10.0.10.10`; a name is not "
    "possible here, since name resolution may be cut off as well.",
    "`{value}` はマシンの IP アドレスではありません。ping に応答するアドレスを `10.0.10.10` のように書いてください。"
    "名前解決もできなくなることがあるため、名前は使えません。",
    "error",
)
BAD_LISTEN = Message(
    "KM4923",
    "`{value}` is no place to connect to. Write `host:port`, for example `ec2.ap-northeast-1.amazonaws.com:443` or "
    "`[2001:db8::1]:443`.",
    "`{value}` には接続できません。`ホスト:ポート` の形で、`ec2.ap-northeast-1.amazonaws.com:443` や "
    "`[2001:db8::1]:443` のように書いてください。",
    "error",
)
BAD_HTTP = Message(
    "KM4924",
    "`{value}` is not an address that could be asked. Write `http://host/path` or `https://host:port/path`, without "
    "user and password.",
    "`{value}` には要求を送れません。`http://ホスト/パス` または `https://ホスト:ポート/パス` の形で、ユーザ名と"
    "パスワードを付けずに書いてください。",
    "error",
)
THIS_MACHINE = Message(
    "KM4925",
    "`{value}` is this machine itself, something that only its own link knows, or no single machine: it says nothing "
    "about the network. Write the address of something outside of the cluster.",
    "`{value}` は自分自身、リンクローカル、または特定のマシンを指さないアドレスのため、ネットワークの状態は"
    "わかりません。クラスタの外にあるもののアドレスを書いてください。",
    "error",
)

Way = Literal["ping", "listen", "http"]


class ReachTarget(BaseModel):
    """One thing that always answers, and the way to ask it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ping: str = Field(
        default="", max_length=45, json_schema_extra=ja("ICMP エコーに応答する IP アドレス。NAT ゲートウェイは不可。")
    )
    "An IP address that answers to ICMP echo. A NAT gateway does not."
    listen: str = Field(
        default="",
        max_length=262,
        json_schema_extra=ja("TCP で接続できる `ホスト:ポート`（LISTEN 確認）。データは送らない。"),
    )
    "`host:port` where a TCP connection can be made (LISTEN check). Nothing is sent."
    http: str = Field(
        default="",
        max_length=2_000,
        json_schema_extra=ja("HTTP の応答を返す URL。ステータスコードと証明書は問わない。"),
    )
    "A URL that is answered by HTTP, with whatever status and certificate."

    @field_validator("ping")
    @classmethod
    def _an_address(cls, value: str) -> str:
        return machine(value, BAD_PING)

    @field_validator("listen")
    @classmethod
    def _a_place(cls, value: str) -> str:
        return door(value)

    @field_validator("http")
    @classmethod
    def _a_url(cls, value: str) -> str:
        if value:
            try:
                parts = urlsplit(value)
                right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
            except ValueError:
                right = False
            plain = value.isascii() and value.isprintable() and " " not in value
            if not right or not plain or parts.username is not None:
                raise Refused(BAD_HTTP.said(value=value))
            outside_if_address(parts.hostname or "", value)
        return value

    @model_validator(mode="after")
    def _just_one(self) -> Self:
        count = sum(map(bool, (self.ping, self.listen, self.http)))
        if count != 1:
            raise Refused(NOT_ONE.said(count=count))
        return self

    @property
    def way(self) -> Way:
        """How it is asked."""
        return "ping" if self.ping else "listen" if self.listen else "http"

    @property
    def text(self) -> str:
        """As it is written."""
        return self.ping or self.listen or self.http

    @property
    def host(self) -> str:
        """The name or the IP address that is asked, without brackets."""
        if self.listen:
            return place(self.listen)[0]
        return self.ping or urlsplit(self.http).hostname or ""

    @property
    def port(self) -> int:
        """The TCP port; 0 for ping."""
        if self.listen:
            return place(self.listen)[1]
        if self.ping:
            return 0
        parts = urlsplit(self.http)
        return parts.port or (443 if parts.scheme == "https" else 80)


def machine(value: str, otherwise: Message) -> str:
    """The address of a machine outside, or nothing. Raises Refused, with `otherwise` for what is no address."""
    if value:
        try:
            outside(value, value)
        except Refused:
            raise
        except ValueError as error:
            raise Refused(otherwise.said(value=value)) from error
    return value


def door(value: str) -> str:
    """`host:port` of a machine outside, or nothing. Raises Refused."""
    if value:
        host, port = place(value)
        if not host or not 0 < port < 65_536 or any(character.isspace() for character in value):
            raise Refused(BAD_LISTEN.said(value=value))
        outside_if_address(host, value)
    return value


def place(text: str) -> tuple[str, int]:
    """Host and port; what cannot be read is empty, or 0."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return "", 0  # an IPv6 address needs its brackets: where would the port begin?
    return host, int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0


def outside(address: str, written: str) -> None:
    """Raises ValueError for what is no address, and Refused for one that can be no machine outside of this one."""
    found = ipaddress.ip_address(address)
    near = found.is_loopback or found.is_link_local  # the metadata service of EC2 answers however cut off one is
    if near or found.is_multicast or found.is_unspecified or address == "255.255.255.255":
        raise Refused(THIS_MACHINE.said(value=written))


def outside_if_address(host: str, written: str) -> None:
    """The same for a host that may be a name: a name says nothing yet, unless it is that of this machine."""
    try:
        outside(host, written)
    except Refused:
        raise
    except ValueError:
        if host.rstrip(".").lower() == "localhost":
            raise Refused(THIS_MACHINE.said(value=written)) from None
