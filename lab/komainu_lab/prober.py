"""The client that measures: an HTTP GET every few milliseconds, each over a new connection, none waiting for another.

    python3 -I -S prober.py ADDRESS PORT INTERVAL_MS TIMEOUT_MS

One line on standard output per request that ended: the time it was sent, the time it was answered (CLOCK_BOOTTIME in
ns) and who answered; `-` for the latter two when it was refused or not answered in time.
"""

import errno
import os
import select
import socket
import sys
import time
from collections.abc import Iterator

REQUEST = b"GET / HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"


def now_ns() -> int:
    """CLOCK_BOOTTIME: the clock of every record of the lab."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def who(answer: bytes) -> str:
    """The name in a complete, good answer; empty otherwise."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"HTTP/1.1 200 ") or not body.endswith(b"\n"):
        return ""
    return body.decode("ascii", "replace").strip()


class Request:
    """One request on its way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sent_ns = now_ns()
        self.answer = b""
        self.asked = False
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.refused = self.sock.connect_ex(address) not in (0, errno.EINPROGRESS)

    def go_on(self) -> bool:
        """Do what the socket is ready for; true when the request has ended."""
        try:
            if not self.asked:
                if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    return True
                self.sock.send(REQUEST)
                self.asked = True
                return False
            data = self.sock.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self.answer += data
        return not data or bool(who(self.answer))


class Prober:
    """The loop: sends on schedule, collects answers, gives up on time."""

    def __init__(self, address: tuple[str, int], interval_ns: int, timeout_ns: int) -> None:
        self.address = address
        self.interval_ns = interval_ns
        self.timeout_ns = timeout_ns
        self.poll = select.epoll()
        self.waiting: dict[int, Request] = {}

    def run(self) -> Iterator[str]:
        """One line per request that ended, for ever."""
        due_ns = now_ns()
        while True:
            for number, _ in self.poll.poll(max(0.0, (due_ns - now_ns()) / 1e9)):
                if number in self.waiting and self.waiting[number].go_on():
                    yield self.end(number)
                elif number in self.waiting and self.waiting[number].asked:
                    self.poll.modify(number, select.EPOLLIN)
            while now_ns() >= due_ns:
                yield from self.begin()
                due_ns += self.interval_ns
            # Dictionaries keep the order of sending: the oldest comes first.
            while self.waiting and now_ns() - next(iter(self.waiting.values())).sent_ns >= self.timeout_ns:
                yield self.end(next(iter(self.waiting)))

    def begin(self) -> Iterator[str]:
        """Send one request."""
        request = Request(self.address)
        self.waiting[request.sock.fileno()] = request
        if request.refused:
            yield self.end(request.sock.fileno())
        else:
            self.poll.register(request.sock.fileno(), select.EPOLLOUT)

    def end(self, number: int) -> str:
        """Close a request and say how it ended."""
        request = self.waiting.pop(number)
        request.sock.close()
        name = who(request.answer)
        return f"{request.sent_ns} {now_ns() if name else '-'} {name or '-'}\n"


def main() -> None:
    """Probe until killed."""
    address, port, interval_ms, timeout_ms = sys.argv[1:5]
    prober = Prober((address, int(port)), int(interval_ms) * 1_000_000, int(timeout_ms) * 1_000_000)
    for line in prober.run():
        os.write(1, line.encode())


if __name__ == "__main__":
    main()
