"""What every section of `cluster.yaml` has in common, as a declaration."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the file; a key that is not declared is an error.

    A key made by `left_out` may be left out and is filled in later; written without a value it is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def left_out() -> Any:
    """Stands for a key that is not written; as a factory it stays out of the schema."""
    return None


def form_of(value: Any) -> str:
    """Which of its two forms a value has that is either one word or a section; a discriminator of pydantic."""
    return "section" if isinstance(value, (dict, Section)) else "word"
