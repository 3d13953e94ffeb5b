"""What to do about a message of a cloud resource or a monitor: likely causes and remedies, for docs/*/messages.md.

An entry of `komainu_lab.remedy_texts`, `remedy_announcements` or `remedy_reach` goes by the sentence of the message,
which several messages share: one for the activation, one for the monitor, and so on.
"""

import re
from collections.abc import Mapping

from komainu.model.message import Language, Message
from komainu_lab import remedy_announcements, remedy_reach, remedy_texts
from komainu_lab.remedy_texts import Remedy

REMEDIES = (*remedy_texts.REMEDIES, *remedy_announcements.REMEDIES, *remedy_reach.REMEDIES)
FRAMES = ("KM31", "KM32", "KM33", "KM34", "KM35", "KM36", "KM42", "KM44")
"The beginnings of the codes whose messages end with a number and a sentence in brackets."


def sentence(message: Message) -> tuple[str, str] | None:
    """Number and sentence of a message of one of the frames; None for any other."""
    found = re.search(r"\((\d+) : (.*)\)$", message.en) if message.code[:4] in FRAMES else None
    return (found[1], found[2]) if found else None


def missing(messages: Mapping[str, Message]) -> tuple[str, ...]:
    """The sentences that no entry is about."""
    found = dict.fromkeys(told[1] for told in map(sentence, messages.values()) if told)
    return tuple(each for each in found if _about(each) is None)


def _about(said: str) -> Remedy | None:
    """The entry that is about a sentence; of two that begin it the one that knows more of it."""
    fitting = (remedy for remedy in REMEDIES if said.startswith(remedy.sentence))
    return max(fitting, key=lambda remedy: len(remedy.sentence), default=None)


def remedies_page(messages: Mapping[str, Message], language: Language) -> str:
    """The part of the messages' page, with every entry that a declared message needs."""
    which = 0 if language == "en" else 1
    why, what = (("Likely causes", "考えられる原因")[which], ("What to do", "対処方法")[which])
    lines: list[str] = []
    for remedy in REMEDIES:
        meant = [(each.code, told) for each in messages.values() if (told := sentence(each))]
        shown = [(code, told) for code, told in meant if _about(told[1]) is remedy]
        if not shown:
            continue
        numbers = dict.fromkeys(told[0] for _, told in shown)
        lines += [f"### {', '.join(numbers)}: `{shown[0][1][1]}`", "", ", ".join(code for code, _ in shown), ""]
        for title, texts in ((why, remedy.causes), (what, remedy.actions)):
            lines += [f"**{title}**", "", *(f"- {text[which]}" for text in texts), ""]
    return "\n".join(lines).rstrip() + "\n"
