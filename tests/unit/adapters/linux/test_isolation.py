"""What the kernel is asked to do. That it does it is shown with packets, in tests/ports/test_isolation.py."""

import struct

import pytest

from komainu.adapters.linux import isolation, nftables as nft
from komainu.adapters.linux.isolation import LEAST_MS, NftIsolation
from komainu.ports import Guarded

ADD, DELETE = 0x0A0C, 0x0A0E


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[nft.Request]]:
    """Each transaction."""
    transactions: list[list[nft.Request]] = []
    monkeypatch.setattr(isolation.nft, "carry_out", lambda requests: transactions.append(list(requests)))
    return transactions


def test_time_is_renewed_by_add_delete_add_in_one_transaction(asked: list[list[nft.Request]]) -> None:
    NftIsolation().hold(5_000)
    (transaction,) = asked
    for family in (nft.INET, nft.ARP):
        assert [each.kind for each in transaction if each.family == family] == [ADD, DELETE, ADD]
    assert all(struct.pack(">Q", 5_000) in each.body for each in transaction if each.kind == ADD)


@pytest.mark.parametrize("for_ms", [-1, 0, 1, LEAST_MS - 1])
def test_what_is_shorter_than_a_tick_is_no_time_and_not_for_ever(for_ms: int, asked: list[list[nft.Request]]) -> None:
    NftIsolation().hold(for_ms)
    (transaction,) = asked
    assert [each.kind for each in transaction] == [ADD, DELETE, ADD, DELETE]
    assert all(struct.pack(">Q", LEAST_MS) in each.body for each in transaction if each.kind == ADD)


def test_all_is_guarded_in_one_transaction_that_leaves_the_time_alone(asked: list[list[nft.Request]]) -> None:
    NftIsolation().guard(Guarded(("10.1.0.20", "2001:db8::20", "10.1.0.20"), (("tcp", 80), ("udp", 53))))
    (transaction,) = asked
    changed = [each for each in transaction if each.kind in (ADD, DELETE)]
    assert not [each for each in changed if b"right" in each.body]
    bodies = b"".join(each.body for each in changed)
    assert bodies.count(bytes([10, 1, 0, 20])) == 2, "once for packets, once for ARP; what is named twice counts once"
    assert bytes.fromhex("20010db8000000000000000000000020") in bodies
    assert bytes([6, 0, 0, 0, 0, 80, 0, 0]) in bodies
    assert bytes([17, 0, 0, 0, 0, 53, 0, 0]) in bodies


def test_lifting_takes_both_tables_away_whether_they_are_there_or_not(asked: list[list[nft.Request]]) -> None:
    NftIsolation().lift()
    (transaction,) = asked
    assert [(each.family, each.creates) for each in transaction] == [
        (nft.INET, True),
        (nft.INET, False),
        (nft.ARP, True),
        (nft.ARP, False),
    ]
