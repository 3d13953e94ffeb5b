"""The parameters of `awsvip` (V1)."""

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from komainu.model.described import ja
from komainu.model.message import Refused
from komainu.types.aws.eni import EniId
from komainu.types.aws.silence import ApiFailure
from komainu.types.aws.vip_messages import NO_VIP

_Table = Annotated[str, StringConstraints(pattern=r"^rtb-[0-9a-z]+$")]
_Role = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$")]


class Params(BaseModel):
    """The parameters of an AWS virtual IP (V1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    address: IPv4Address | IPv6Address = Field(
        json_schema_extra=ja(
            "VIP アドレス。VPC の CIDR の範囲外にする。ルートテーブルには /32（IPv6 は /128）で登録しておく。"
        )
    )
    "The virtual address. It lies outside the VPC's CIDR blocks; the route tables have it as a /32 route (IPv6: /128)."
    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-z]+$")] = Field(
        json_schema_extra=ja("ノードが属する VPC の ID。ノードによって異なる場合は個別に設定する。")
    )
    "The VPC of the node. Nodes may be in different VPCs: each rewrites the tables of its own."
    eni_id: EniId = Field(
        json_schema_extra=ja("VIP のルーティング先となる、このノードの ENI の ID。ノードごとの設定が必須。")
    )
    "The network interface of the node that the routes shall point at. Every node has its own."
    roles: dict[_Table, _Role] = Field(
        default={},
        json_schema_extra=ja(
            "他のアカウントが所有するルートテーブル（共有 VPC）を読み書きするためのロールの ARN。"
            "キーはルートテーブルの ID。"
        ),
    )
    (
        "For route tables that another account owns (a shared VPC): the ARN of the role that reads and writes each of "
        "them, by the id of the route table."
    )
    api_failure: ApiFailure = "warn"

    @field_validator("address")
    @classmethod
    def _usable(cls, address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        scoped = isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped)
        if scoped or address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local:
            raise Refused(NO_VIP.said(address=str(address)))
        return address
