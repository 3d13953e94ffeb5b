"""The alert log on disk: a bounded database of the last alerts (W5). Used by one thread at a time.

SQLite, because the log has to answer questions about time, level, module and node, to stay within its bounds, and to
be whole after a loss of power. What was committed is on disk (`synchronous=FULL`). The database belongs to this
process alone (`locking_mode=EXCLUSIVE`): so no memory is mapped that a full or broken disk could take away under us.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from komainu.agent.alert_record import LEVELS, Record, module_of
from komainu.model.message import Level

MOST_RECORDS = 10_000
"As many as the product that the seed describes keeps."
MOST_STREAMS = 500
"So many of the newest streams are compared with other nodes."
SCHEMA = 1
BUSY_S = 1.0

_TABLE = """
CREATE TABLE alerts (
    stream TEXT NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, code TEXT NOT NULL,
    module TEXT NOT NULL, level INTEGER NOT NULL, en TEXT NOT NULL, ja TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (stream, n)
);
CREATE INDEX alerts_by_time ON alerts (at_ms, stream, n);
"""
_COLUMNS = "stream, n, at_ms, node, code, level, en, ja, detail"
_NAMES: tuple[Level, ...] = tuple(sorted(LEVELS, key=lambda name: LEVELS[name]))

Range = tuple[int, int]
"""The first and the last number of a stream that is there without a gap."""


class StoreBroken(Exception):
    """The database cannot be used now; the text has the reason."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for."""

    since_ms: int = 0
    until_ms: int | None = None
    level: Level = "info"
    "From this level on."
    module: str = ""
    node: str = ""
    code: str = ""
    "The beginning of the code."
    last: int = MOST_RECORDS

    def fits(self, record: Record) -> bool:
        """True when it asks for this one."""
        return (
            self.since_ms <= record.at_ms
            and (self.until_ms is None or record.at_ms <= self.until_ms)
            and LEVELS[record.level] >= LEVELS[self.level]
            and self.module in ("", module_of(record.code))
            and self.node in ("", record.node)
            and record.code.startswith(self.code)
        )


class AlertStore:
    """The database in one file. Every method raises StoreBroken, and the next call tries again."""

    def __init__(self, path: Path, most: int = MOST_RECORDS) -> None:
        """Nothing is opened yet. At most `most` alerts are kept, the newest by their time."""
        self._path = path
        self._most = most
        self._connection: sqlite3.Connection | None = None
        self.set_aside = ""
        "Why a database was begun anew, with what was there kept beside it; for whoever tells of it."

    def add(self, records: Iterable[Record]) -> list[Record]:
        """Keep them, durably, and answer those that are new; what is there already stays as it is."""
        new: list[Record] = []
        with self._database() as database, database:
            for r in records:
                row = (r.stream, r.n, r.at_ms, r.node, r.code, module_of(r.code), LEVELS[r.level], r.en, r.ja, r.detail)
                added = database.execute("INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                new += [r] if added.rowcount else []
            (count,) = database.execute("SELECT count(*) FROM alerts").fetchone()
            if count > self._most:
                oldest = "SELECT rowid FROM alerts ORDER BY at_ms, stream, n LIMIT ?"
                database.execute(f"DELETE FROM alerts WHERE rowid IN ({oldest})", (count - self._most,))
        return new

    def find(self, wanted: Wanted) -> list[Record]:
        """The last ones of those that are asked for, oldest first."""
        conditions, values = ["at_ms >= ?", "level >= ?"], [wanted.since_ms, LEVELS[wanted.level]]
        texts: list[Any] = []
        if wanted.until_ms is not None:
            conditions.append("at_ms <= ?")
            values.append(wanted.until_ms)
        for column, value in (("module", wanted.module), ("node", wanted.node)):
            if value:
                conditions.append(f"{column} = ?")
                texts.append(value)
        if wanted.code:
            conditions.append("substr(code, 1, ?) = ?")
            texts += [len(wanted.code), wanted.code]
        query = (
            f"SELECT {_COLUMNS} FROM alerts WHERE {' AND '.join(conditions)} "
            "ORDER BY at_ms DESC, stream DESC, n DESC LIMIT ?"
        )
        with self._database() as database:
            found = [_record(row) for row in database.execute(query, (*values, *texts, wanted.last))]
        return found[::-1]

    def streams(self) -> dict[str, Range]:
        """What is there of the newest streams: from the first number to the last one before a gap."""
        query = "SELECT stream, min(n), max(n), count(*) FROM alerts GROUP BY stream ORDER BY max(at_ms) DESC LIMIT ?"
        gap = (
            "SELECT min(n) FROM alerts AS each WHERE stream = ? AND NOT EXISTS "
            "(SELECT 1 FROM alerts WHERE stream = each.stream AND n = each.n + 1)"
        )
        with self._database() as database:
            found: dict[str, Range] = {}
            for stream, first, last, count in database.execute(query, (MOST_STREAMS,)).fetchall():
                if count != last - first + 1:
                    (last,) = database.execute(gap, (stream,)).fetchone()
                found[stream] = (first, last)
            return found

    def part(self, stream: str, first: int, last: int, most: int) -> list[Record]:
        """At most `most` alerts of a stream, from one number to another."""
        query = f"SELECT {_COLUMNS} FROM alerts WHERE stream = ? AND n BETWEEN ? AND ? ORDER BY n LIMIT ?"
        with self._database() as database:
            return [_record(row) for row in database.execute(query, (stream, first, last, most))]

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with closing(connection):
                connection.rollback()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The open database. A file that is no database, or of another release, is set aside."""
        try:
            try:
                yield self._connection or self._open()
            except sqlite3.DatabaseError as error:
                if not _is_damaged(error):
                    raise
                self._put_aside(str(error))
                raise StoreBroken(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            self._give_up()
            raise StoreBroken(str(error)) from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Made by us, so that nobody reads along; SQLite makes its journals with the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
        connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
        self._connection = connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {SCHEMA}; COMMIT;")
        elif version != SCHEMA:
            raise _OtherRelease(f"schema {version}, this release knows {SCHEMA}")
        return connection

    def _put_aside(self, reason: str) -> None:
        """Keep the file beside its place, so that the next call begins anew."""
        self._give_up()
        for ending in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + ending)
            if file.exists():
                file.replace(self._path.with_name(f"{self._path.name}.broken{ending}"))
        self.set_aside = reason

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return  # it was broken before; the file is opened afresh


class _OtherRelease(sqlite3.DatabaseError):
    """The database was made by a release that knows more."""


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    """True when the file itself is at fault; a full disk, or one that fails, is not."""
    if isinstance(error, _OtherRelease):
        return True
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _record(row: tuple[Any, ...]) -> Record:
    stream, n, at_ms, node, code, level, en, ja, detail = row
    return Record(stream, n, at_ms, node, code, _NAMES[level], en, ja, detail)
