"""Names to addresses: an address is not asked for, and a name server that hangs holds nobody up."""

import asyncio
import socket
import threading

import pytest

from komainu.types.resolving import Resolver

FOUND = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
]


def test_an_address_is_its_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("nobody needs to be asked"))

    async def story() -> None:
        assert await Resolver("192.0.2.1", 80, "m").addresses(1_000) == [(socket.AF_INET, ("192.0.2.1", 80))]
        assert await Resolver("2001:db8::1", 80, "m").addresses(1_000) == [(socket.AF_INET6, ("2001:db8::1", 80))]

    asyncio.run(story())


def test_a_name_has_all_its_addresses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: FOUND)
    answer = asyncio.run(Resolver("gate.example", 443, "m").addresses(10_000))
    assert answer == [
        (socket.AF_INET6, ("2001:db8::1", 443, 0, 0)),
        (socket.AF_INET, ("192.0.2.1", 443)),
    ]


def test_a_name_server_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20) and [])

    async def story() -> None:
        resolver = Resolver("gate.example", 443, "m")
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await resolver.addresses(100)
        let_go.set()

    asyncio.run(story())
