"""The trivial application of the lab: an HTTP server that answers with its host name, up in a few milliseconds.

    python3 -I -S application.py PORT

Standard library only, in fact hardly that: the time to start it is part of every figure that the lab measures.
"""

import os
import sys
from _socket import AF_INET, IPPROTO_TCP, SO_RCVTIMEO, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

TCP_DEFER_ACCEPT = 9
HALF_A_SECOND = (0).to_bytes(8, "little") + (500_000).to_bytes(8, "little")


def main() -> None:
    """Serve for ever."""
    name = os.uname().nodename.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    answer = head % (len(name) + 1) + name + b"\n"
    listener = socket(AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    # The kernel hands a connection over when the request is there: a client that says nothing holds nobody up.
    listener.setsockopt(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)
    listener.bind(("0.0.0.0", int(sys.argv[1])))
    listener.listen(1024)
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
