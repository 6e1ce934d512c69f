"""The log of everything but frames: one SQLite file, changed by one connection only.

What a fall of the process can lose: nothing that was acknowledged (WAL). What a power cut can lose: the
last transactions (``synchronous=NORMAL`` does not wait for the disk at a commit; on a common SSD that is
up to the last 30 s, and what the WAL held since its last checkpoint at the most). Offsets are not
reused after that: AUTOINCREMENT would be, being rolled back with the rest, so the log counts *eras*, one
for every start of the host, written through to the disk before the first record of the era, and offsets
of an era begin at ``era << 36``. A reader whose stored offset lies in what was lost goes on with the first
record after it. Only if the file itself is gone can a stored offset lie beyond the end; that, like
every offset out of range, means the earliest record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lianfang.bus import Position
from lianfang.bus.embedded.host import boot_id
from lianfang.bus.embedded.requests import (
    Append,
    Commit,
    Register,
    Registration,
    Request,
    Subscribe,
    microseconds,
)
from lianfang.errors import LianfangError, TransientError
from lianfang.events import DEAD_LETTER, OBSERVATIONS, READINGS, SETTINGS

RETENTION: Mapping[str, timedelta] = {
    OBSERVATIONS: timedelta(hours=24),  # back-tests read it
    READINGS: timedelta(hours=24),
    "alerts.v1": timedelta(days=7),
    DEAD_LETTER: timedelta(days=30),
    SETTINGS: timedelta(days=36500),  # what was said last holds until something else is said
}
OTHER_RETENTION = timedelta(days=7)
ERA_BITS = 36  # 72 years of 30 records a second; 131,071 eras stay exact in a JavaScript number
_VERSION = 1
_TRIM_ROWS, _TRIM_BYTES = 500, 4 * 1024 * 1024  # a step of clearing that delays the next batch by few ms
_SCHEMA = """
BEGIN;
CREATE TABLE host (boot BLOB NOT NULL, era INTEGER NOT NULL);
CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next_offset INTEGER NOT NULL);
CREATE TABLE records (
    topic_id INTEGER NOT NULL, record_offset INTEGER NOT NULL, key TEXT NOT NULL,
    published_us INTEGER NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (topic_id, record_offset)) WITHOUT ROWID;
CREATE TABLE consumer_groups (name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (
    group_name TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, topic, partition)) WITHOUT ROWID;
CREATE TABLE rings (key TEXT PRIMARY KEY, partition INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"""


class LogStore:
    """The connection that changes the log. One thread at a time."""

    def __init__(self, path: Path, retention: Mapping[str, timedelta] = RETENTION) -> None:
        self._retention = retention
        self._db = _connect(path)
        self._topics: dict[str, tuple[int, int]] = {}  # name -> (id, next offset)
        try:
            self._enter_boot()
            self._load_topics()
        except sqlite3.Error:
            self._db.close()
            raise

    def apply(self, requests: Sequence[Request]) -> list[Any]:
        """Do all requests in one transaction and return their results.

        A result is a Position, a generation, a Registration, None, or the LianfangError of one refused
        request. sqlite3.Error: nothing of it was done.
        """
        # A registration must outlive a power cut; the others must outlive the process, which is far cheaper.
        through = any(isinstance(request, Register) for request in requests)
        if through:
            self._db.execute("PRAGMA synchronous=FULL")
        topics, rows = dict(self._topics), list[tuple[Any, ...]]()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            results = [self._do(request, topics, rows) for request in requests]
            self._db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)
            changed = [
                (end, topic_id)
                for name, (topic_id, end) in topics.items()
                if topics[name] != self._topics.get(name)
            ]
            self._db.executemany("UPDATE topics SET next_offset = ? WHERE id = ?", changed)
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        finally:
            if through:
                self._db.execute("PRAGMA synchronous=NORMAL")
        self._topics = topics
        return results

    def trim(self, now: datetime) -> int:
        """Delete a few of the records that are past their topic's retention; return how many."""
        deleted = 0
        for name, (topic_id, _) in self._topics.items():
            cutoff = microseconds(now - self._retention.get(name, OTHER_RETENTION))
            through = self._expired_through(topic_id, cutoff)
            if through is not None:
                sql = "DELETE FROM records WHERE topic_id = ? AND record_offset <= ?"
                deleted += self._db.execute(sql, (topic_id, through)).rowcount
        return deleted

    def close(self) -> None:
        """Close the file; the WAL is folded into it when nobody else reads."""
        self._db.close()

    def _do(self, request: Request, topics: dict[str, tuple[int, int]], rows: list[tuple[Any, ...]]) -> Any:  # noqa: ANN401
        match request:
            case Append():
                topic_id, offset = topics.get(request.topic) or self._new_topic(request.topic)
                topics[request.topic] = (topic_id, offset + 1)
                rows.append(
                    (topic_id, offset, request.key, request.published_us, request.headers, request.value)
                )
                return Position(request.topic, 0, offset)
            case Commit():
                return self._commit(request)
            case Subscribe():
                sql = (
                    "INSERT INTO consumer_groups VALUES (?, 1) "
                    "ON CONFLICT DO UPDATE SET generation = generation + 1 RETURNING generation"
                )
                return int(self._value(sql, (request.group,)))
            case Register():
                return self._register(request)

    def _commit(self, request: Commit) -> LianfangError | None:
        sql = "SELECT generation FROM consumer_groups WHERE name = ?"
        newest = self._value(sql, (request.group,))
        if request.generation not in (None, newest):
            return TransientError(f"group {request.group!r} has a newer consumer: nothing was committed")
        sql = "INSERT OR REPLACE INTO commits VALUES (?, ?, ?, ?)"
        self._db.executemany(sql, [(request.group, *offset) for offset in request.offsets])
        return None

    def _register(self, request: Register) -> Registration:
        partition = self._value("SELECT partition FROM rings WHERE key = ?", (request.key,))
        if partition is None:
            partition = self._value("SELECT coalesce(max(partition) + 1, 0) FROM rings")
            self._db.execute("INSERT INTO rings VALUES (?, ?)", (request.key, partition))
        elif request.lost:
            self._db.execute("UPDATE host SET era = era + 1")
        return Registration(partition, self._era_offset())

    def _new_topic(self, name: str) -> tuple[int, int]:
        sql = "INSERT INTO topics (name, next_offset) VALUES (?, ?) RETURNING id, next_offset"
        row: tuple[int, int] = self._db.execute(sql, (name, self._era_offset())).fetchall()[0]
        return row

    def _enter_boot(self) -> None:
        boot = self._value("SELECT boot FROM host")
        if boot == boot_id():
            return
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("BEGIN IMMEDIATE")
        if boot is None:
            self._db.execute("INSERT INTO host VALUES (?, 0)", (boot_id(),))
        else:
            self._db.execute("UPDATE host SET boot = ?, era = era + 1", (boot_id(),))
            self._db.execute("UPDATE topics SET next_offset = max(next_offset, ?)", (self._era_offset(),))
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA synchronous=NORMAL")

    def _load_topics(self) -> None:
        rows = self._db.execute("SELECT name, id, next_offset FROM topics")
        self._topics = {name: (topic_id, end) for name, topic_id, end in rows}

    def _expired_through(self, topic_id: int, cutoff_us: int) -> int | None:
        sql = (
            "SELECT record_offset, published_us, length(value) FROM records "
            "WHERE topic_id = ? ORDER BY record_offset LIMIT ?"
        )
        last, size = None, 0
        for offset, published_us, value_bytes in self._db.execute(sql, (topic_id, _TRIM_ROWS)).fetchall():
            if published_us >= cutoff_us or size > _TRIM_BYTES:
                break
            last, size = offset, size + value_bytes
        return last

    def _era_offset(self) -> int:
        return int(self._value("SELECT era FROM host")) << ERA_BITS

    def _value(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - what SQLite holds
        rows = self._db.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # SQLite would make it readable for all; its WAL gets the same mode
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        if version == 0:
            db.executescript(_SCHEMA)
    except sqlite3.Error as error:
        db.close()
        raise LianfangError(f"{path} cannot be used as the log: {error}") from error
    if version not in (0, _VERSION):
        db.close()
        raise LianfangError(f"{path} has the format {version}, this program writes {_VERSION}")
    return db
