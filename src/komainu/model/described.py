"""Descriptions of keys and parameters in Japanese: the English ones are their docstrings."""

from typing import Any


def ja(text: str, **more: Any) -> dict[str, Any]:
    """For `json_schema_extra`: the description in Japanese, with what else shall stand in the schema."""
    return {"description_ja": text, **more}
