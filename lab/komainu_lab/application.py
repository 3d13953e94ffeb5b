"""The trivial application of the lab: an HTTP server that answers with its host name, up in a few milliseconds.

    python3 -I -S application.py PORT [FILE]

With a file it writes the time there every 10 ms (CLOCK_BOOTTIME in ns), a line each: what it does besides serving.

Standard library only, in fact hardly that: the time to start it is part of every figure that the lab measures.
"""

import _thread
import os
import sys
import time
from _socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPV6_V6ONLY,
    SO_RCVTIMEO,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)

TCP_DEFER_ACCEPT = 9
HALF_A_SECOND = (0).to_bytes(8, "little") + (500_000).to_bytes(8, "little")


WRITES_EVERY_NS = 10_000_000


def write(path: str) -> None:
    """Write the time on schedule, for ever; what was missed while it did not run is not made up for."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    while True:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(file, b"%d\n" % now)
        time.sleep((WRITES_EVERY_NS - now % WRITES_EVERY_NS) / 1e9)


def listen(port: int) -> socket:
    """A listening socket for IPv4 and IPv6; for IPv4 alone where the kernel has no IPv6."""
    both = os.path.exists("/proc/net/if_inet6")
    listener = socket(AF_INET6 if both else AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    if both:
        listener.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
    # The kernel hands a connection over when the request is there: a client that says nothing holds nobody up.
    listener.setsockopt(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)
    listener.bind(("::" if both else "0.0.0.0", port))
    listener.listen(1024)
    return listener


def main() -> None:
    """Serve for ever."""
    if len(sys.argv) > 2:
        _thread.start_new_thread(write, (sys.argv[2],))
    name = os.uname().nodename.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    answer = head % (len(name) + 1) + name + b"\n"
    listener = listen(int(sys.argv[1]))
    while True:
        number, _ = listener._accept()  # type: ignore[attr-defined]
        connection = socket(fileno=number)
        try:
            connection.setsockopt(SOL_SOCKET, SO_RCVTIMEO, HALF_A_SECOND)
            connection.recv(4096)
            connection.send(answer)
        except OSError:  # the client went away
            pass
        connection.close()


if __name__ == "__main__":
    main()
