"""Resource types of the tests' own, and a small configuration that is right."""

from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, field_validator, model_validator

from komainu.config.declared import Declared
from komainu.config.problem import Problem
from komainu.config.read import Reading, read
from komainu.model.message import Message, Refused, Said
from komainu.model.traits import Traits
from komainu.ports import FenceType, LeaseType, MonitorTraits, MonitorType, NotifierType, ResourceType

GOOD = """\
cluster:
  name: sample
  environment: aws
  arbitration: operator
nodes:
  - {name: node1, links: [10.0.110.100]}
  - {name: node2, links: [10.0.120.100]}
groups:
  - name: failover1
    resources:
      - name: move1
        type: move
        params: {address: 10.1.0.20, zone: a}
        per_node:
          node1: {port: port-1}
          node2: {port: port-2}
      - name: app1
        type: app
        params: {command: [/bin/true]}
"""

TWO_FORMS = Message("KM9901", "Write `command` or `start`, not both.", "`command` と `start` の一方だけ。", "error")
ZONES_DIFFER = Message("KM9902", "The zones differ.", "ゾーンが異なる。", "warning")


class Part(BaseModel):
    """What the parameters below have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Move(Part):
    """An address that moves, with something that every node has for itself."""

    address: IPv4Address = Field(json_schema_extra={"description_ja": "移動するアドレス。"})
    "The address that moves."
    port: str = Field(pattern="^port-[0-9]+$", json_schema_extra={"description_ja": "ノードのポート。"})
    "The node's port."
    zone: str = Field(json_schema_extra={"description_ja": "ゾーン。"})
    "The zone."


class App(Part):
    """An application in one of two forms."""

    command: tuple[str, ...] = ()
    "What runs."
    start: str | None = None
    "What starts it."

    @model_validator(mode="after")
    def _one_form(self) -> "App":
        if self.command and self.start:
            raise Refused(TWO_FORMS.said())
        return self


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Limits(Part):
    """A section inside the parameters."""

    most: int = Field(default=3, ge=1, json_schema_extra={"description_ja": "上限。"})
    "The most there may be."


class Every(Part):
    """Every kind of field that a type may have."""

    text: str = Field(min_length=2, max_length=5, json_schema_extra={"description_ja": "文字列の項目。"})
    "A text field."
    whole: int = Field(gt=0, lt=10, json_schema_extra={"description_ja": "整数の項目。"})
    "A whole field."
    fraction: float = Field(default=0.5, le=1, json_schema_extra={"description_ja": "数値の項目。"})
    "A fraction field."
    truth: bool = Field(default=False, json_schema_extra={"description_ja": "真偽の項目。"})
    "A truth field."
    choice: Literal["one", "two"] = Field(default="one", json_schema_extra={"description_ja": "選択の項目。"})
    "A choice field."
    colour: Colour = Field(default=Colour.RED, json_schema_extra={"description_ja": "色の項目。"})
    "A colour field."
    words: tuple[str, ...] = Field(default=("a",), max_length=2, json_schema_extra={"description_ja": "一覧の項目。"})
    "A list field."
    by_key: dict[str, str] = Field(default={}, json_schema_extra={"description_ja": "キーの項目。"})
    "A field of keys."
    address: IPv4Address | None = Field(default=None, json_schema_extra={"description_ja": "アドレスの項目。"})
    "An address field."
    either: int | list[int] = Field(default=1, json_schema_extra={"description_ja": "どちらかの項目。"})
    "A field of two forms."
    limits: Limits = Field(default=Limits(), json_schema_extra={"description_ja": "節の項目。"})
    "A section field."
    many: tuple[Limits, ...] = Field(default=(), json_schema_extra={"description_ja": "節の一覧の項目。"})
    "A field of sections."
    peer: IPvAnyAddress | None = Field(default=None, json_schema_extra={"description_ja": "相手の項目。"})
    "A peer field."
    file: Path | None = Field(default=None, json_schema_extra={"description_ja": "ファイルの項目。"})
    "A file field."

    @field_validator("text")
    @classmethod
    def _not_bad(cls, text: str) -> str:
        if text == "bad":
            raise ValueError("bad is bad")
        return text


def _zones(params: Mapping[str, Any]) -> tuple[Said, ...]:
    zones = dict.fromkeys(each.zone for each in params.values())
    return (ZONES_DIFFER.said(),) if len(zones) > 1 else ()


def _make(params: Any, host: Any) -> Any:
    raise AssertionError("reading a configuration makes nothing")


def resource_type(name: str, params: type[BaseModel], traits: Traits, **more: Any) -> ResourceType:
    """A type declared at run time."""
    values: dict[str, Any] = {
        "monitor": f"{name}w",
        "title": Message("KM9910", f"the {name}", f"{name} リソース"),
        "description": Message("KM9911", f"What {name} does.", f"{name} の説明。"),
        "per_node_required": (),
        "messages": (),
        **more,
    }
    return ResourceType(name=name, params=params, traits=traits, make=_make, **values)


MOVE = resource_type(
    "move",
    Move,
    Traits(exclusive=False, environments=("aws",), order=10, addresses=("address",)),
    per_node_required=("port",),
    advise=_zones,
)
FLOAT = resource_type("float", Move, Traits(exclusive=True, environments=("onprem",), order=10, addresses=("address",)))
APP = resource_type(
    "app",
    App,
    Traits(
        exclusive=True, exclusive_may_be_cleared=True, listed=True, start_timeout_ms=7_000, check_interval_ms=31_000
    ),
)
EVERY = resource_type("every", Every, Traits(exclusive=False))

TYPES = {each.name: each for each in (MOVE, FLOAT, APP, EVERY)}


class Ping(Part):
    """What a monitor of its own asks."""

    host: str = Field(json_schema_extra={"description_ja": "相手。"})
    "The host that is asked."
    source: str = Field(default="", json_schema_extra={"description_ja": "送信元。"})
    "Where the question comes from."


def monitor_type(name: str, params: type[BaseModel], traits: MonitorTraits, **more: Any) -> MonitorType:
    """A monitor type declared at run time."""
    values: dict[str, Any] = {
        "title": Message("KM9912", f"the {name}", f"{name} モニタ"),
        "description": Message("KM9913", f"What {name} finds.", f"{name} の説明。"),
        "per_node_required": (),
        "messages": (),
        **more,
    }
    return MonitorType(name=name, params=params, traits=traits, make=_make, **values)


PING = monitor_type("ping", Ping, MonitorTraits(interval_ms=30_000, timeout_ms=9_000, retries=2, first_wait_ms=5))
FROM = monitor_type("from", Ping, MonitorTraits(), per_node_required=("source",))
INSIDE = monitor_type("inside", Ping, MonitorTraits(watches_target=True))
OF_APP = monitor_type("ofapp", Ping, MonitorTraits(resource_type="app"))
DRAINS = monitor_type("drains", Ping, MonitorTraits(moves_groups=True))
INDOORS = monitor_type("indoors", Ping, MonitorTraits(environments=("onprem",)))

MONITORS = {each.name: each for each in (PING, FROM, INSIDE, OF_APP, DRAINS, INDOORS)}


class Post(Part):
    """Where a letter goes."""

    to: str = Field(json_schema_extra={"description_ja": "宛先。"})
    "The address."


POST = NotifierType(
    name="mail",
    title=Message("KM9914", "the post", "郵便"),
    description=Message("KM9915", "What the post does.", "郵便の説明。"),
    params=Post,
    messages=(),
    make=_make,
)

NOTIFIERS = {POST.name: POST}

URN_SLOW = Message("KM9903", "The urn is slow.", "投票箱は遅い。", "warning")


class Urn(Part):
    """Where votes are cast."""

    place: str = Field(json_schema_extra={"description_ja": "場所。"})
    "The place."


def _slow(params: Mapping[str, Any]) -> tuple[Said, ...]:
    return (URN_SLOW.said(),) if params[""].place == "far away" else ()


URN = LeaseType(
    name="urn",
    title=Message("KM9916", "the urn", "投票箱"),
    description=Message("KM9917", "What the urn is.", "投票箱の説明。"),
    params=Urn,
    messages=(),
    make=_make,
    advise=_slow,
)


class Plug(Part):
    """What is pulled."""

    socket: str = Field(json_schema_extra={"description_ja": "差込口。"})
    "The socket."
    hard: bool = Field(default=True, json_schema_extra={"description_ja": "強く。"})
    "Whether it is pulled hard."


PLUG = FenceType(
    name="plug",
    title=Message("KM9918", "the plug", "プラグ"),
    description=Message("KM9919", "What the plug is.", "プラグの説明。"),
    params=Plug,
    per_node_required=("socket",),
    environments=("aws",),
    messages=(),
    make=_make,
)

LEASES = {URN.name: URN}
FENCES = {PLUG.name: PLUG}
DECLARED = Declared(TYPES, MONITORS, NOTIFIERS, LEASES, FENCES)


def reading(text: str) -> Reading:
    """The text read with the types of this file."""
    return read(text.encode(), TYPES, monitors=MONITORS, notifiers=NOTIFIERS, leases=LEASES, fences=FENCES)


def changed(*changes: tuple[str, str]) -> str:
    """The right configuration with pieces replaced; every piece must be there once."""
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the sample"
        text = text.replace(old, new)
    return text


def said(text: str, level: str = "error") -> list[tuple[int, str, str]]:
    """Line, path and code of every problem of that level."""
    return [(each.line, each.path, each.said.code) for each in reading(text).problems if each.said.level == level]


def only(text: str, level: str = "error") -> Problem:
    """The one problem of that level."""
    found = [each for each in reading(text).problems if each.said.level == level]
    assert len(found) == 1, [(each.path, each.said.en) for each in found]
    return found[0]
