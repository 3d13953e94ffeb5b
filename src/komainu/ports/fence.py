"""Fencing: making sure that another node is gone (N3). What a fence type declares, what it sees, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome
from komainu.model.traits import Environment
from komainu.ports.cloud import Cloud


class FenceDevice(Protocol):
    """How one other node is ended from here. Idempotent; never raises for what can be expected to go wrong."""

    async def fence(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED only when the node is certainly off, and was off after this was asked; else FAILED or UNKNOWN.

        A node that was replaced by another machine is not the one that was meant: FAILED, and the text says so.
        """

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """What would keep it from working (permission, identity), all of it. Changes nothing."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class FenceHost:
    """What a fence device sees of the node it works on."""

    node: str
    cluster: str
    target: str
    "The node that is to be fenced."
    cloud: Cloud | None
    wanted: Callable[[], bool] = _always
    (
        "False when nobody wants it any more: the node is back, or another one may have the right by now. A device "
        "asks right before everything that ends the node, since an attempt may last for minutes."
    )


def _nothing_to_say(params: Mapping[str, Any]) -> tuple[Said, ...]:
    """The advice of a type that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class FenceType:
    """The declaration of a fence type. One per file in komainu.arbitration."""

    name: str
    "As in the configuration: `ec2_stop`."
    title: Message
    description: Message
    params: type[BaseModel]
    "As in ResourceType; what is needed to fence one node."
    per_node_required: tuple[str, ...]
    "Parameters that must be given for every node: how that one is fenced."
    environments: tuple[Environment, ...]
    "Where it can be used."
    messages: tuple[Message, ...]
    make: Callable[[Any, FenceHost], FenceDevice]
    "Called with the validated parameters of the node that is to be fenced."
    advise: Callable[[Mapping[str, Any]], tuple[Said, ...]] = _nothing_to_say
    "Called with the validated parameters of every node, by node name: what gives reason to warn."
