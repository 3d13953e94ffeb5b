"""The process that cleans up after a lab process that could not: killed, crashed, or interrupted at a bad moment.

    python3 -m komainu_lab.guardian LAB_NAME STATE_DIRECTORY     (standard input: a pipe whose other end the lab holds)

At the end of its input it ends every process of the lab (also frozen ones), removes the control groups and the state
directory. After an orderly teardown nothing of that is left, and it does nothing.
"""

import shutil
import signal
import sys
from pathlib import Path

from komainu_lab.cgroups import lab_groups


def main() -> int:
    """Wait for the end of the lab, then clean up."""
    name, state = sys.argv[1], Path(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    for group in lab_groups(name):
        group.end()
    shutil.rmtree(state, ignore_errors=True)
    state.with_suffix(".lock").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
