"""What systemd is told: that the daemon is ready, that it lives, that it stops (sd_notify)."""

import logging
import os
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class Notifier:
    """Speaks to the service manager, or to nobody when there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """The socket is named by the service manager in the environment."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]

    def ready(self) -> None:
        """The daemon takes part in its cluster."""
        self._tell("READY=1")

    def alive(self) -> None:
        """The event loop turns."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._tell(f"STATUS={text}")

    def stopping(self, timeout_ms: int) -> None:
        """The daemon ends, and needs so long for it."""
        self._tell(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={timeout_ms * 1000}")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)
                speaker.sendto(text.encode(), self._address)
        except OSError as error:
            _log.warning("the service manager cannot be told %r: %s", text, error)
