"""The mark that an operator stopped this node: a daemon that dies meanwhile must not take part when it returns."""

import logging
from pathlib import Path

NAME = "stopped"

_log = logging.getLogger(__name__)


class StopMark:
    """A file in memory, which a boot removes. It is there at once, for whatever starts this daemon again."""

    def __init__(self, run_folder: Path) -> None:
        """The folder may be missing."""
        self._path = run_folder / NAME

    def is_set(self) -> bool:
        """True while the node is stopped."""
        return self._path.exists()

    def set(self) -> None:
        """The node is stopped now. What prevents the mark is logged: the node is stopped all the same."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            _log.error("that this node is stopped cannot be marked: %s", error)

    def clear(self) -> None:
        """It was started, or its daemon ends."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.error("the mark that this node is stopped cannot be removed: %s", error)
