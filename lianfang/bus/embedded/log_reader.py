"""Reading the log: any process, read-only, straight from the file; never in the writer's way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lianfang.bus import Position, Record
from lianfang.bus.embedded.requests import moment_of, unpack_headers
from lianfang.errors import TransientError

_READ_BYTES = 16 * 1024 * 1024  # one poll never brings more, however large the records are
_COLUMNS = "record_offset, key, published_us, headers, value"


class LogReader:
    """A read-only connection to the log. One thread at a time; each read sees one committed state."""

    def __init__(self, path: Path) -> None:
        # Not immutable and not without locks: the shared memory beside the WAL is what keeps it consistent.
        address = f"file:{quote(str(path))}?mode=ro"
        self._ids: dict[str, int] = {}
        try:
            self._db = sqlite3.connect(
                address, uri=True, timeout=5, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise TransientError(f"{path}: {error}") from error

    def read(self, topic: str, offset: int, limit: int) -> list[Record]:
        """Return the records from ``offset`` on, in order: at most ``limit`` and about 16 MB."""
        sql = (
            f"SELECT {_COLUMNS} FROM records WHERE topic_id = ? AND record_offset >= ? "  # noqa: S608 - a constant
            "ORDER BY record_offset LIMIT ?"
        )
        records, size = [], 0
        topic_id = self._topic_id(topic)
        rows = self._execute(sql, (topic_id, offset, limit))
        for row in rows:
            records.append(_record(topic, row))
            size += len(row[4])
            if size >= _READ_BYTES:
                break
        rows.close()  # ends the read: an open one would keep the WAL from being folded in
        return records

    def read_some(self, topic: str, offsets: Iterable[int]) -> list[Record]:
        """Return the records at these offsets, those that are still kept."""
        found = []
        for offset in offsets:
            found += [r for r in self.read(topic, offset, 1) if r.position.offset == offset]
        return found

    def newest_by_key(self, topic: str, offset: int) -> list[tuple[str, int, int]]:
        """Return (key, newest offset, how many records) of every key with records from ``offset`` on."""
        sql = (
            "SELECT key, max(record_offset), count(*) FROM records "
            "WHERE topic_id = ? AND record_offset >= ? GROUP BY key ORDER BY 2"
        )
        return self._execute(sql, (self._topic_id(topic), offset)).fetchall()

    def bounds(self, topic: str) -> tuple[int, int]:
        """Return (earliest offset that is kept, offset of the next record); (0, 0) of an unknown topic."""
        sql = (
            "SELECT (SELECT min(record_offset) FROM records WHERE topic_id = topics.id), next_offset "
            "FROM topics WHERE name = ?"
        )
        row = self._row(sql, (topic,))
        if row is None:
            return 0, 0
        earliest, end = row
        return (end if earliest is None else earliest), end

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Return the offset that the group stored last."""
        sql = "SELECT next_offset FROM commits WHERE group_name = ? AND topic = ? AND partition = ?"
        row = self._row(sql, (group, topic, partition))
        return None if row is None else int(row[0])

    def generation(self, group: str) -> int:
        """Return the generation of the group's newest consumer."""
        row = self._row("SELECT generation FROM consumer_groups WHERE name = ?", (group,))
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _topic_id(self, topic: str) -> int:
        known = self._ids.get(topic)
        if known is None:
            row = self._row("SELECT id FROM topics WHERE name = ?", (topic,))
            if row is None:
                return -1
            known = self._ids[topic] = int(row[0])
        return known

    def _row(self, sql: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        rows = self._execute(sql, parameters).fetchall()
        return rows[0] if rows else None

    def _execute(self, sql: str, parameters: tuple[Any, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, parameters)
        except sqlite3.Error as error:
            raise TransientError(f"the log cannot be read: {error}") from error


def _record(topic: str, row: tuple[Any, ...]) -> Record:
    offset, key, published_us, headers, value = row
    return Record(Position(topic, 0, offset), key, value, unpack_headers(headers), moment_of(published_us))
