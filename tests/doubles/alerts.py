"""Alerts for tests of the alert log and of what sends them."""

from typing import Any

from komainu.agent.alert_record import Record
from komainu.model.message import Level, Said

NOON = 1_800_000_000_000
"Milliseconds since 1970, some day at some time."


def said(code: str = "KM7101", level: Level = "error", en: str = "it happened") -> Said:
    """Something that was said."""
    return Said(code, en, "起きました", level)


def alert(n: int = 1, stream: str = "s", **changes: Any) -> Record:
    """One alert of a stream; its time follows its number."""
    values: dict[str, Any] = {
        "stream": stream,
        "n": n,
        "at_ms": NOON + n,
        "node": "n1",
        "code": "KM7101",
        "level": "error",
        "en": f"alert {n}",
        "ja": f"アラート {n}",
    }
    return Record(**{**values, **changes})
