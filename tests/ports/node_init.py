"""PID 1 of a test node: private directories, loopback up, children reaped. Its death is the node's loss of power."""

import os
import signal
import socket
import subprocess
import sys

PRIVATE = {
    "/run": "755",
    "/dev/shm": "1777",
    "/var/lib/corosync": "700",
    "/etc/corosync": "755",
    "/var/log": "755",
}


def private_directories() -> None:
    """What a node of its own needs for itself."""
    for directory, mode in PRIVATE.items():
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", directory], check=True)
    for directory in ("/run/lock", "/var/log/corosync", "/etc/corosync/uidgid.d"):
        os.makedirs(directory)


def main() -> None:
    name, ready = sys.argv[1], int(sys.argv[2])
    if name:  # without a name it is the switch, which has nothing of its own but its network
        socket.sethostname(name)
        private_directories()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps what is left to us
    os.write(ready, b"1")
    os.close(ready)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
