"""What Komainu says to people: one declared text in English and Japanese, and one use of it with its values."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ja"]
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """A text declared once, beside the code that says it. Placeholders are `{name}` in both languages."""

    code: str
    "Unique and stable, for example `KM2101`; filters and documents refer to it."
    en: str
    "The English text. For the rows of requirement T exactly the seed's words."
    ja: str
    "The Japanese text, with the same placeholders."
    level: Level = "info"

    def said(self, **values: "str | int | Said") -> "Said":
        """This message with its values filled in; one that was said itself, in each language."""
        ja = {name: value.ja if isinstance(value, Said) else value for name, value in values.items()}
        en = {name: value.en if isinstance(value, Said) else value for name, value in values.items()}
        return Said(self.code, self.en.format(**en), self.ja.format(**ja), self.level)


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it was said once. It travels in outcomes, events and alerts, and needs no catalogue to be read."""

    code: str
    en: str
    ja: str
    level: Level = "info"

    def text(self, language: Language = "en") -> str:
        """The sentence in the reader's language."""
        return self.ja if language == "ja" else self.en

    def as_json(self) -> dict[str, str]:
        """Both languages, for a program or for another time."""
        return {"code": self.code, "level": self.level, "en": self.en, "ja": self.ja}


class Refused(ValueError):
    """A value was refused by a rule of its own; raised by validators of parameters, and shown to the administrator."""

    def __init__(self, said: Said) -> None:
        """`said` names what is wrong, why it matters and the remedy."""
        super().__init__(said.en)
        self.said = said
