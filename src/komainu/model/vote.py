"""The record of the third vote: one object in a store, changed only by compare-and-swap on its version (N3).

It says who may act alone, and which nodes hold a complete copy of each mirror. docs/en/safety.md has the protocol.
"""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Owner(BaseModel):
    """Who holds the vote: one life of one daemon."""

    model_config = ConfigDict(frozen=True)

    node: str
    incarnation: str


class Record(BaseModel):
    """What is in the store. Unknown fields of a newer release are refused: they may mean that we must not write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    cluster: str
    config: int = Field(ge=1)
    "The version of the configuration of who wrote it."
    epoch: int = Field(ge=0)
    "Grows with every claim; copied to the superblocks of mirrors."
    owner: Owner | None = None
    mode: Literal["together", "alone"] = "together"
    "`alone`: the owner acts without the other nodes and renews. `together`: nobody does."
    current: dict[str, tuple[str, ...]] = {}
    "Per mirror, the nodes whose copy is complete; never empty (invariant I5)."
    wait_ms: int = Field(ge=1)
    "D of who wrote it: whoever waits takes the longer of this and its own."
    nonce: str
    "Fresh in every write: by it a writer knows its own write again when the answer was lost."

    def text(self) -> str:
        """As it is kept in the store: JSON with sorted keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def record(text: str) -> Record:
    """The record of a text. Raises ValueError for what is none, or is of a newer format."""
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise ValueError("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])) from None
