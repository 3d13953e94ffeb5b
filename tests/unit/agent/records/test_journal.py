"""The journal on disk: bounded, and whole after whatever happened to it."""

import errno
import os
from pathlib import Path

import pytest

from komainu.agent.records import journal as journals
from komainu.agent.records.journal import Journal, decode, encode


def line(seq: int, fill: int = 0) -> dict[str, object]:
    return {"seq": seq, "text": "あ" * fill}


def seqs(journal: Journal, most: int = 1_000) -> list[int]:
    return [entry["seq"] for entry in journal.tail(most)]


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.tail(10) == []
    journal.append([line(1), line(2)])
    journal.close()
    again = Journal(tmp_path / "journal")
    again.append([line(3, 2)])

    assert again.tail(10) == [line(1), line(2), line(3, 2)]
    assert seqs(again, 2) == [2, 3]
    again.close()


def test_it_keeps_so_many_files_of_such_a_size(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=2_000, files=3)
    for seq in range(200):
        journal.append([line(seq, 10)])
    journal.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}

    assert sorted(sizes) == ["journal.1.jsonl", "journal.2.jsonl", "journal.jsonl"]
    assert all(size <= 2_000 for size in sizes.values())
    assert seqs(journal)[-1] == 199
    kept = [read.body["seq"] for read in journals.read(tmp_path) if read.body is not None]
    assert kept == list(range(kept[0], 200))
    assert seqs(journal, 60) == kept[-60:], "the end of a journal may lie in more than one file"


def test_a_line_that_was_torn_by_a_loss_of_power_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    journal.close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq": 2, "te')
    again = Journal(tmp_path)
    assert seqs(again) == [1]
    again.append([line(3)])

    assert seqs(again) == [1, 3]
    again.close()


def test_a_full_disk_is_an_error_and_what_comes_later_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    with monkeypatch.context() as full:
        # A disk takes what it still has room for, and then nothing.
        full.setattr(Journal, "_write", lambda self, descriptor, data: os.write(descriptor, data[:5]))
        with pytest.raises(OSError, match="no space left"):
            journal.append([line(2)])

        def none(self: Journal, descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(Journal, "_write", none)
        with pytest.raises(OSError, match="No space left"):
            journal.append([line(3)])
    journal.append([line(4)])

    assert seqs(journal) == [1, 4]
    journal.close()


def test_lines_of_other_programs_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b'[1]\n"x"\n{"seq": "a"}\n\xff\xfe\n{"seq": 5}\n')

    assert seqs(Journal(tmp_path)) == [5]


def test_a_line_with_one_other_bit_is_damaged() -> None:
    whole = encode({"seq": 7, "text": "abc"})
    assert whole.endswith(b"\n")
    assert decode(whole[:-1]) == {"seq": 7, "text": "abc"}
    for index in range(len(whole) - 1):
        for bit in range(8):
            spoilt = bytearray(whole[:-1])
            spoilt[index] ^= 1 << bit
            assert decode(bytes(spoilt)) is None, bytes(spoilt)


def test_half_a_surrogate_is_no_reason_to_lose_a_line() -> None:
    assert decode(encode({"seq": 1, "text": "a\ud800"})[:-1]) == {"seq": 1, "text": "a?"}


def test_snapshots_are_no_entries(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([{"kind": "snapshot", "seq": 0}, line(1), {"kind": "snapshot", "seq": 1}, line(2)])

    assert seqs(journal) == [1, 2]
    assert [read.body["seq"] for read in journals.read(tmp_path) if read.body is not None] == [0, 1, 1, 2]
    journal.close()


def test_every_file_begins_with_a_snapshot(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=1_000, files=3)
    for seq in range(1, 50):
        journal.append([line(seq, 10)], lambda seq=seq: {"kind": "snapshot", "seq": seq - 1})  # type: ignore[misc]
    journal.close()

    for path in tmp_path.iterdir():
        snapshot, first, *_ = [read.body for read in journals.read(path)]
        assert snapshot is not None
        assert first is not None
        assert (snapshot["kind"], snapshot["seq"]) == ("snapshot", first["seq"] - 1)
        assert sum("kind" in (read.body or {}) for read in journals.read(path)) == 1


def test_lines_that_begin_with_a_snapshot_need_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([{"kind": "snapshot", "seq": 0}, line(1)], lambda: {"kind": "snapshot", "seq": 99})

    assert [read.body["seq"] for read in journals.read(tmp_path) if read.body is not None] == [0, 1]
    journal.close()


def test_after_lost_lines_comes_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    with monkeypatch.context() as full:
        full.setattr(Journal, "_write", lambda self, descriptor, data: 0)
        with pytest.raises(OSError, match="no space left"):
            journal.append([line(2)])
    with pytest.raises(TypeError):
        journal.append([{"seq": 3, "text": object()}])
    journal.append([line(4)], lambda: {"kind": "snapshot", "seq": 3})
    journal.append([line(5)], lambda: {"kind": "snapshot", "seq": 4})

    assert [read.body["seq"] for read in journals.read(tmp_path) if read.body is not None] == [1, 3, 4, 5]
    journal.close()


def test_what_was_synced_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    journal = Journal(tmp_path, file_bytes=150, files=2)
    assert not journal.sync(), "nothing is open"
    journal.append([line(1, 20)])
    assert journal.sync()
    assert len(synced) == 1
    journal.append([line(2, 20)])
    assert len(synced) == 2, "a file is whole on the disk before the next one begins"

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    assert not journal.sync()


def test_reading_tells_damage_from_a_torn_end(tmp_path: Path) -> None:
    whole = [encode(line(seq)) for seq in (1, 2, 3)]
    (tmp_path / "journal.1.jsonl").write_bytes(whole[0] + b"\x00\x00\x00\n" + whole[1])
    (tmp_path / "journal.jsonl").write_bytes(whole[2] + whole[2][:-9])
    (tmp_path / "journal.old.jsonl").write_bytes(whole[0])
    told = [(read.file, read.number, read.body and read.body["seq"], read.torn) for read in journals.read(tmp_path)]

    assert told == [
        ("journal.1.jsonl", 1, 1, False),
        ("journal.1.jsonl", 2, None, False),
        ("journal.1.jsonl", 3, 2, False),
        ("journal.jsonl", 1, 3, False),
        ("journal.jsonl", 2, None, True),
    ]


def test_a_file_that_is_not_there_is_an_error_and_an_empty_folder_is_none(tmp_path: Path) -> None:
    assert list(journals.read(tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        list(journals.read(tmp_path / "missing"))


def test_files_that_change_their_names_while_they_are_read_are_read_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, file_bytes=300, files=4)
    for seq in range(1, 12):
        journal.append([line(seq, 10)])
    reading = journals.read(tmp_path)
    seen = [next(reading)]
    for seq in range(12, 20):
        journal.append([line(seq, 10)])
    seen += reading
    found = [read.body["seq"] for read in seen if read.body is not None]

    assert found[: found.index(11) + 1] == list(range(found[0], 12))
    assert found == sorted(found)
    journal.close()
