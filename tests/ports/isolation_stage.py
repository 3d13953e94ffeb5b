"""Two namespaces and a cable: a node, and the world that knocks at its addresses.

Both are children of a test, each in a network namespace of its own: `python -m tests.ports.isolation_stage` is the
world, a child of the node. It obeys orders that come line by line.
"""

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

VIP, VIP6, OWN, OWN6, WORLD, WORLD6 = (
    "10.1.0.20",
    "2001:db8:1::20",
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.2",
    "2001:db8::2",
)
ECHO, OTHER = 7_007, 7_008
WITHIN_S = 10.0
"A bound against hanging."
SILENCE_S = 0.3
"The world counts as unanswered after this. The cable has no delay and loses nothing."


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for it, but not for ever."""
    deadline = threading.Event()
    timer = threading.Timer(WITHIN_S, deadline.set)
    timer.start()
    try:
        while not holds():
            assert not deadline.is_set(), f"not within {WITHIN_S} s: {what}"
    finally:
        timer.cancel()


def knock(address: str, port: int) -> bool:
    """Whether a UDP packet for there is answered."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(SILENCE_S)
        client.connect((address, port))
        client.send(b"hello")
        try:
            return client.recv(100) == b"hello"
        except TimeoutError:
            return False


@contextmanager
def echoing(*addresses: str) -> Iterator[None]:
    """UDP packets for these are answered from the very address they came for, by threads."""
    sockets = []
    for address in addresses:
        for port in (ECHO, OTHER):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_DGRAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.settimeout(SILENCE_S)
            sockets.append(listener)
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                data, client = listener.recvfrom(100)
                listener.sendto(data, client)
            except (TimeoutError, PermissionError):  # it came in, and was cut off before the answer went out
                continue

    threads = [threading.Thread(target=serve, args=(listener,)) for listener in sockets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(WITHIN_S)
        for listener in sockets:
            listener.close()


def sends(source: str, port: int, to: str) -> None:
    """Send one packet from there; whether it leaves is for the world to say."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sender.bind((source, port))
        # The kernel tells the sender of a datagram that it was dropped on its way out.
        with suppress(PermissionError):
            sender.sendto(b"out", (to, OTHER))


@contextmanager
def cable() -> "Iterator[Callable[[str], str]]":
    """In a namespace of our own: lay a cable to a world; what gives it orders, and answers what it says of them."""
    command = ["unshare", "--net", sys.executable, "-W", "error", "-m", "tests.ports.isolation_stage"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as far:
        assert far.stdin is not None
        assert far.stdout is not None
        orders, answers = far.stdin, far.stdout

        def ask(order: str) -> str:
            orders.write(order + "\n")
            orders.flush()
            answer = answers.readline().strip()
            assert answer, f"the world has ended: {order}"
            return answer

        assert answers.readline() == "ready\n"
        for words in (
            "link set lo up",
            f"link add left type veth peer name right netns {far.pid}",
            "link set left up",
            f"address add {OWN}/24 dev left",
            f"address add {VIP}/32 dev left",
            f"address add {OWN6}/64 dev left nodad",
            f"address add {VIP6}/128 dev left nodad",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        assert ask("settle") == "settled"
        for address in (OWN, OWN6):
            until(lambda address=address: ask(f"knock {address} 1") == "refused", "the cable works")  # type: ignore[misc]
        try:
            yield ask
        finally:
            orders.close()


class World:
    """It obeys, one order a line."""

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._ears = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]

    def obey(self, order: str, *words: str) -> str:
        return str(getattr(self, f"_{order}")(*words))

    def _settle(self) -> str:
        for words in (
            "link set lo up",
            "link set right up",
            f"address add {WORLD}/24 dev right",
            f"address add {WORLD6}/64 dev right nodad",
            f"route add {VIP} via {OWN}",
            f"route add {VIP6} via {OWN6}",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        self._ears[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for ear, address in zip(self._ears, ("0.0.0.0", "::"), strict=True):
            ear.bind((address, OTHER))
        return "settled"

    def _knock(self, address: str, port: str) -> str:
        try:
            return "answered" if knock(address, int(port)) else "silence"
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "silence"

    def _connect(self, address: str, port: str) -> str:
        try:
            self._connection = socket.create_connection((address, int(port)), SILENCE_S)
        except TimeoutError:
            return "nothing"
        return "connected"

    def _say(self, text: str) -> str:
        assert self._connection is not None
        self._connection.sendall(text.encode())
        return "said"

    def _listen(self) -> str:
        assert self._connection is not None
        try:
            return self._connection.recv(100).decode()
        except TimeoutError:
            return "nothing"

    def _forget(self) -> str:
        while self._heard() != "nothing":
            pass
        return "forgotten"

    def _heard(self) -> str:
        for ear in self._ears:
            ear.settimeout(SILENCE_S)
            try:
                return str(ear.recvfrom(100)[1][0])
            except TimeoutError:
                continue
        return "nothing"

    def _take(self, address: str) -> str:
        subprocess.run(["ip", "route", "del", address], check=True)
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "right"], check=True)
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((address, ECHO))

        def serve() -> None:
            with listener:
                listener.settimeout(WITHIN_S)
                data, client = listener.recvfrom(100)
                listener.sendto(data, client)

        threading.Thread(target=serve, daemon=True).start()
        return "taken"

    def _who(self, address: str) -> str:
        """Ask the segment whose address it is."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as ear:
            ear.bind(("right", 0x0806))
            me = ear.getsockname()[4]
            question = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + me + socket.inet_aton(WORLD) + bytes(6)
            ear.send(b"\xff" * 6 + me + b"\x08\x06" + question + socket.inet_aton(address))
            ear.settimeout(SILENCE_S)
            try:
                while True:
                    frame = ear.recv(2048)
                    if frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(address):
                        return "somebody"
            except TimeoutError:
                return "nobody"


def world() -> None:
    """In the child: obey until the orders end."""
    mine = World()
    print("ready", flush=True)
    for line in sys.stdin:
        print(mine.obey(*line.split()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    world()
