"""Who changed something and why, in one text."""

from typing import Final

NOT_SAID: Final = "-"
"In the place of who or why, where nobody said it."


def signed(who: str, why: str) -> str:
    """Who it was and why, as far as that was said."""
    return ": ".join(each for each in (who, why) if each not in ("", NOT_SAID)) or NOT_SAID
