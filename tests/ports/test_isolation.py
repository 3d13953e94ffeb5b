"""The port Isolation: one suite for the fake and for the kernel, and what only real packets can show.

The kernel's part runs in a child in a network namespace of its own: `python -m tests.ports.test_isolation CASE`. A
second child in another one is the world: it lies at the other end of a cable and knocks at the first one's addresses.
"""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from komainu.ports import Guarded, Isolation
from tests.doubles.isolation import FakeIsolation
from tests.ports.isolation_stage import (
    ECHO,
    OTHER,
    OWN,
    SILENCE_S,
    VIP,
    VIP6,
    WITHIN_S,
    WORLD,
    WORLD6,
    cable,
    echoing,
    knock,
    sends,
    until,
)

GUARDED = Guarded((VIP, VIP6), (("udp", ECHO), ("tcp", ECHO)))
SHORT_MS, PAST_MS, LONG_MS = 800, 1_000, 60_000


class Place:
    """A node with an isolation, and a world that knocks."""

    def __init__(
        self,
        isolation: Isolation,
        reaches: Callable[[str, int], bool],
        pass_ms: Callable[[int], None],
        ask: Callable[[str], str] = str,
    ) -> None:
        self.isolation = isolation
        self.reaches = reaches
        "Whether the world gets an answer to a UDP packet for that address and port."
        self.pass_ms = pass_ms
        self.ask = ask
        "What the world says to an order; there is a real one only at the end of a real cable."

    def sends(self, source: str, port: int, to: str) -> bool:
        """Whether the world sees a packet that this node sends from there."""
        self.ask("forget")
        sends(source, port, to)
        return self.ask("heard") == source

    def is_open(self) -> bool:
        """Whether the guarded things are open to the world. Half of them is neither."""
        found = [self.reaches(VIP, OTHER), self.reaches(VIP6, OTHER), self.reaches(OWN, ECHO)]
        assert len(dict.fromkeys(found)) == 1, found
        assert self.reaches(OWN, OTHER), "what is not guarded always passes"
        return found[0]


# --- what both keep to ---------------------------------------------------------------------------------------------


def what_is_guarded_is_cut_off_until_it_is_held(place: Place) -> None:
    assert place.is_open()
    place.isolation.guard(GUARDED)
    assert not place.is_open()
    place.isolation.hold(LONG_MS)
    assert place.is_open()


def what_is_held_is_cut_off_in_the_end(place: Place) -> None:
    place.isolation.guard(GUARDED)
    place.isolation.hold(SHORT_MS)
    assert place.reaches(VIP, OTHER)
    place.pass_ms(PAST_MS)
    assert not place.is_open()


def holding_what_is_held_counts_anew(place: Place) -> None:
    place.isolation.guard(GUARDED)
    place.isolation.hold(SHORT_MS)
    place.isolation.hold(LONG_MS)
    place.pass_ms(PAST_MS)
    assert place.is_open()


def holding_what_is_held_for_less_time_counts_anew(place: Place) -> None:
    place.isolation.guard(GUARDED)
    place.isolation.hold(LONG_MS)
    place.isolation.hold(SHORT_MS)
    place.pass_ms(PAST_MS)
    assert not place.is_open()


def what_has_expired_can_be_held_again(place: Place) -> None:
    place.isolation.guard(GUARDED)
    for _ in range(2):
        place.isolation.hold(SHORT_MS)
        assert place.reaches(VIP, OTHER)
        place.pass_ms(PAST_MS)
        assert not place.is_open()
    place.isolation.hold(LONG_MS)
    assert place.is_open()


def only_what_passes_still_can_be_held_on(place: Place) -> None:
    place.isolation.guard(GUARDED)
    with pytest.raises(FileNotFoundError):
        place.isolation.hold(LONG_MS, afresh=False)
    assert not place.is_open()
    place.isolation.hold(SHORT_MS)
    place.isolation.hold(SHORT_MS, afresh=False)
    assert place.is_open()
    place.pass_ms(PAST_MS)
    with pytest.raises(FileNotFoundError):
        place.isolation.hold(LONG_MS, afresh=False)
    assert not place.is_open()
    place.isolation.hold(LONG_MS)
    place.isolation.hold(0, afresh=False)
    assert not place.is_open()


def holding_for_no_time_cuts_off(place: Place) -> None:
    place.isolation.guard(GUARDED)
    for for_ms in (0, 1, 9):  # a kernel counts in ticks: a part of one is not for ever
        place.isolation.hold(LONG_MS)
        place.isolation.hold(for_ms)
        place.pass_ms(20)
        assert not place.is_open()


def guarding_anew_leaves_the_time_as_it_was(place: Place) -> None:
    place.isolation.guard(Guarded((VIP,)))
    place.isolation.hold(LONG_MS)
    place.isolation.guard(GUARDED)
    assert place.is_open()
    place.isolation.hold(SHORT_MS)
    place.isolation.guard(GUARDED)
    place.pass_ms(PAST_MS)
    place.isolation.guard(GUARDED)
    assert not place.is_open()


def what_is_guarded_no_more_passes(place: Place) -> None:
    place.isolation.guard(GUARDED)
    place.isolation.guard(Guarded((VIP6,)))
    assert place.reaches(VIP, OTHER)
    assert place.reaches(OWN, ECHO)
    assert not place.reaches(VIP6, OTHER)
    place.isolation.guard(Guarded())
    assert place.is_open()


def when_it_is_lifted_all_passes(place: Place) -> None:
    place.isolation.lift()  # nothing is there
    place.isolation.guard(GUARDED)
    place.isolation.lift()
    assert place.is_open()
    place.isolation.lift()
    place.isolation.guard(GUARDED)
    assert not place.is_open()


def what_was_held_before_it_was_lifted_is_not_held_after(place: Place) -> None:
    place.isolation.guard(GUARDED)
    place.isolation.hold(LONG_MS)
    place.isolation.lift()
    place.isolation.guard(GUARDED)
    assert not place.is_open()


def nothing_can_be_held_where_nothing_is_guarded(place: Place) -> None:
    with pytest.raises(FileNotFoundError):
        place.isolation.hold(LONG_MS)
    place.isolation.guard(GUARDED)
    place.isolation.lift()
    with pytest.raises(FileNotFoundError):
        place.isolation.hold(LONG_MS)


CASES: dict[str, Callable[[Place], None]] = {
    case.__name__: case
    for case in (
        what_is_guarded_is_cut_off_until_it_is_held,
        what_is_held_is_cut_off_in_the_end,
        holding_what_is_held_counts_anew,
        holding_what_is_held_for_less_time_counts_anew,
        what_has_expired_can_be_held_again,
        only_what_passes_still_can_be_held_on,
        holding_for_no_time_cuts_off,
        guarding_anew_leaves_the_time_as_it_was,
        what_is_guarded_no_more_passes,
        when_it_is_lifted_all_passes,
        what_was_held_before_it_was_lifted_is_not_held_after,
        nothing_can_be_held_where_nothing_is_guarded,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_fake(case: str) -> None:
    clock = [1_000]

    def pass_ms(ms: int) -> None:
        clock[0] += ms

    isolation = FakeIsolation(lambda: clock[0])
    CASES[case](Place(isolation, isolation.passes, pass_ms))


# --- what only the kernel can show ---------------------------------------------------------------------------------


def the_kernel_cuts_a_node_off_whose_daemon_stands_still(place: Place) -> None:
    """Somebody else holds, and is frozen in the middle of it. When it wakes, it holds again: only then it passes."""
    place.isolation.guard(GUARDED)
    command = [sys.executable, "-W", "error", "-m", __spec__.name, "daemon"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        try:
            assert daemon.stdout is not None
            daemon.stdout.readline()
            assert place.is_open()
            daemon.send_signal(signal.SIGSTOP)
            until(lambda: not place.reaches(VIP, OTHER), "the node is cut off")
            place.pass_ms(PAST_MS)
            assert not place.is_open()
            daemon.send_signal(signal.SIGCONT)
            until(lambda: place.reaches(VIP, OTHER), "it is held again")
            daemon.kill()
            daemon.wait(WITHIN_S)
            until(lambda: not place.reaches(VIP, OTHER), "the node is cut off")
        finally:
            daemon.kill()


def another_daemon_takes_over_what_it_finds(place: Place) -> None:
    from komainu.adapters.linux.isolation import NftIsolation

    place.isolation.guard(GUARDED)
    place.isolation.hold(LONG_MS)
    successor = NftIsolation()
    successor.guard(GUARDED)
    assert place.is_open()
    successor.hold(SHORT_MS)
    place.pass_ms(PAST_MS)
    assert not place.is_open()
    successor.lift()
    assert place.is_open()


def a_rule_set_that_somebody_emptied_is_noticed(place: Place) -> None:
    place.isolation.guard(GUARDED)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    with pytest.raises(FileNotFoundError):
        place.isolation.hold(LONG_MS)


def no_packet_is_lost_while_it_is_renewed(place: Place) -> None:
    """Each renewal is one transaction: there is no moment in which the old time is gone and the new one not there."""
    place.isolation.guard(GUARDED)
    place.isolation.hold(SHORT_MS)
    done = threading.Event()

    def renew() -> None:
        for _ in range(100):
            place.isolation.hold(LONG_MS)
        done.set()

    thread = threading.Thread(target=renew)
    thread.start()
    knocked = 0
    while not done.is_set():
        assert place.reaches(VIP, OTHER), f"packet {knocked} was lost"
        knocked += 1
    thread.join(WITHIN_S)
    assert knocked > 100


def a_connection_that_exists_is_cut_as_well(place: Place) -> None:
    """In both directions; and goes on as if nothing had been when the node is held again in time."""
    place.isolation.guard(Guarded((VIP,)))
    place.isolation.hold(LONG_MS)
    with socket.create_server((VIP, ECHO)) as server:
        server.settimeout(WITHIN_S)
        place.ask(f"connect {VIP} {ECHO}")
        connection, _ = server.accept()
        with connection:
            connection.settimeout(WITHIN_S)
            assert place.ask("say one") == "said"
            assert connection.recv(10) == b"one"
            place.isolation.hold(0)
            assert place.ask("say two") == "said"
            connection.sendall(b"there")
            connection.settimeout(SILENCE_S)
            with pytest.raises(TimeoutError):
                connection.recv(10)
            assert place.ask("listen") == "nothing"
            place.isolation.hold(LONG_MS)
            connection.settimeout(WITHIN_S)
            assert connection.recv(10) == b"two"
            until(lambda: place.ask("listen") == "there", "the other direction goes on as well")


def a_tcp_port_is_cut(place: Place) -> None:
    with socket.create_server((OWN, ECHO)), socket.create_server((OWN, OTHER)):
        place.isolation.guard(GUARDED)
        assert place.ask(f"connect {OWN} {ECHO}") == "nothing"
        assert place.ask(f"connect {OWN} {OTHER}") == "connected"
        place.isolation.hold(LONG_MS)
        assert place.ask(f"connect {OWN} {ECHO}") == "connected"


def nothing_of_it_goes_out(place: Place) -> None:
    place.isolation.guard(GUARDED)
    for source, to in ((VIP, WORLD), (VIP6, WORLD6)):
        assert not place.sends(source, OTHER, to)
        place.isolation.hold(LONG_MS)
        assert place.sends(source, OTHER, to)
        place.isolation.hold(0)
    assert not place.sends(OWN, ECHO, WORLD)
    assert place.sends(OWN, OTHER, WORLD)


def a_client_of_the_same_address_elsewhere_is_let_through(place: Place) -> None:
    """A node that was cut off may use what the others offer at the guarded address now."""
    place.isolation.guard(GUARDED)
    subprocess.run(["ip", "address", "del", f"{VIP}/32", "dev", "left"], check=True)
    assert place.ask(f"take {VIP}") == "taken"
    subprocess.run(["ip", "route", "add", VIP, "dev", "left"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(WITHIN_S)
        client.connect((VIP, ECHO))
        client.send(b"hello")
        assert client.recv(100) == b"hello"


def what_stays_on_the_node_passes(place: Place) -> None:
    place.isolation.guard(GUARDED)
    for address, port in ((VIP, OTHER), (VIP6, OTHER), (OWN, ECHO), ("127.0.0.1", ECHO)):
        assert knock(address, port), (address, port)


def an_address_that_is_translated_is_cut(place: Place) -> None:
    """The world knocks at the address, the packet is for another one by the time it is delivered."""
    table = "table ip t { chain c { type nat hook prerouting priority -100; ip daddr 10.1.0.20 dnat to 192.0.2.1; }; }"
    subprocess.run(["ip", "address", "del", f"{VIP}/32", "dev", "left"], check=True)
    subprocess.run(["nft", table], check=True)
    assert place.reaches(VIP, OTHER)
    place.isolation.guard(Guarded((VIP,)))
    assert not place.reaches(VIP, OTHER)
    place.isolation.hold(LONG_MS)
    assert place.reaches(VIP, OTHER)


def the_node_does_not_say_that_the_address_lives_here(place: Place) -> None:
    """A neighbour that asked it would go on sending to it, not to the node that has the address now."""
    place.isolation.guard(GUARDED)
    assert place.ask(f"who {VIP}") == "nobody"
    assert place.ask(f"who {OWN}") == "somebody"
    place.isolation.hold(LONG_MS)
    assert place.ask(f"who {VIP}") == "somebody"


KERNEL_CASES: dict[str, Callable[[Place], None]] = {
    case.__name__: case
    for case in (
        the_kernel_cuts_a_node_off_whose_daemon_stands_still,
        another_daemon_takes_over_what_it_finds,
        a_rule_set_that_somebody_emptied_is_noticed,
        no_packet_is_lost_while_it_is_renewed,
        a_connection_that_exists_is_cut_as_well,
        a_tcp_port_is_cut,
        nothing_of_it_goes_out,
        a_client_of_the_same_address_elsewhere_is_let_through,
        what_stays_on_the_node_passes,
        an_address_that_is_translated_is_cut,
        the_node_does_not_say_that_the_address_lives_here,
    )
}


@pytest.mark.lab
@pytest.mark.parametrize("case", [*CASES, *KERNEL_CASES])
def test_kernel(case: str) -> None:
    child = subprocess.run(
        ["unshare", "--net", sys.executable, "-W", "error", "-m", __spec__.name, case],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr


# --- the node, in the child ----------------------------------------------------------------------------------------


def main(name: str) -> None:
    """In the child: one case against the kernel."""
    from komainu.adapters.linux.isolation import NftIsolation

    with cable() as ask, echoing(VIP, OWN, "127.0.0.1", VIP6):
        reaches = lambda address, port: ask(f"knock {address} {port}") == "answered"  # noqa: E731
        place = Place(NftIsolation(), reaches, lambda ms: threading.Event().wait(ms / 1000) and None, ask)
        {**CASES, **KERNEL_CASES}[name](place)


def daemon() -> None:
    """In a child of the child: hold for a short time, again and again, until it is ended."""
    from komainu.adapters.linux.isolation import NftIsolation

    isolation = NftIsolation()
    while True:
        isolation.hold(SHORT_MS)
        sys.stdout.write("held\n")
        sys.stdout.flush()
        threading.Event().wait(SHORT_MS / 4000)


if __name__ == "__main__":
    daemon() if sys.argv[1] == "daemon" else main(sys.argv[1])
