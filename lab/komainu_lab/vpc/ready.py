"""How a child process of the lab says that it serves: one line on its standard output."""

import select
import subprocess
import sys

READY = "ready\n"


def say_ready() -> None:
    """In the child: it serves."""
    sys.stdout.write(READY)
    sys.stdout.flush()


def is_ready(process: subprocess.Popen[str], timeout_s: float) -> bool:
    """In the parent: wait for that line. False: the child ended without it, or the time is over."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], timeout_s)
    return bool(readable) and process.stdout.readline() == READY
