"""The transcripts once more, as they come out where members of an older release have to be heeded.

`python -m tests.scenarios.other_rules RULES FILE ...` prints the digests of the final states.
"""

import sys
from pathlib import Path

from tests.scenarios.transcript import Transcript, exactly


def play_under(rules: int, text: str) -> tuple[int, int, str]:
    """The same story, decided by these rules: how many commands were played, how many not, and the last digest.

    What the story tells need not come about: then a command that rests on it (the end of an action that was not begun)
    has nothing to act upon and is left out. Raises transcript.CoreError when the core fails, breaks a law or is not at
    rest after an event.
    """
    transcript = Transcript(rules)
    played = left_out = 0
    for line in text.splitlines():
        if line and not line.startswith(("#", " ")):
            try:
                transcript.play(line)
                played += 1
            except (KeyError, IndexError, ValueError):
                left_out += 1
    return played, left_out, exactly(transcript.state)


if __name__ == "__main__":
    for name in sys.argv[2:]:
        print(name, play_under(int(sys.argv[1]), Path(name).read_text(encoding="utf-8"))[-1])
