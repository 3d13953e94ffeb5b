"""How a version of the configuration came about: who changed it, when and why (C11)."""

from dataclasses import dataclass

from komainu.model.config import Cluster


@dataclass(frozen=True, slots=True)
class Provenance:
    """Empty texts where that is not known: on a node that was away and took the version over."""

    at: str
    "When this node wrote it down: UTC, ISO 8601, to the second."
    who: str = ""
    why: str = ""
    origin: str = ""
    "The node where it was asked for."


@dataclass(frozen=True, slots=True)
class Version:
    """One version, complete."""

    cluster: Cluster
    provenance: Provenance
    text: str = ""
    "The file it was made from; empty when this node does not have it."
