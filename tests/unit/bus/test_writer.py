from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lianfang.bus import Position
from lianfang.bus.embedded import writer as writer_module
from lianfang.bus.embedded.log import LogStore
from lianfang.bus.embedded.log_reader import LogReader
from lianfang.bus.embedded.requests import Append, Request, microseconds
from lianfang.bus.embedded.writer import LogWriter
from lianfang.clock import ManualClock
from lianfang.errors import TransientError
from tests.support.bus_processes import eventually

WAIT_S = 30.0
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FULL = sqlite3.OperationalError("database or disk is full")


class Gate:
    """Stands in the way of the store: batches wait for it, and fail with what it holds."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.failure: Exception | None = None
        self.batches: list[int] = []

    def store(self, path: Path) -> LogStore:
        gate = self

        class GatedStore(LogStore):
            def apply(self, requests: Sequence[Request]) -> list[Any]:
                assert gate.open.wait(WAIT_S)
                gate.batches.append(len(requests))
                if gate.failure is not None:
                    raise gate.failure
                return super().apply(requests)

        return GatedStore(path)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def writer(tmp_path: Path, gate: Gate, clock: ManualClock) -> Iterator[LogWriter]:
    path = tmp_path / "log.sqlite3"
    writer = LogWriter(path, lambda: gate.store(path), clock)
    yield writer
    gate.open.set()
    writer.close()


def record(value: bytes = b"value") -> Append:
    return Append("topic.v1", "gate", b"\x80", value, microseconds(NOW))


def test_what_is_queued_meanwhile_is_one_batch(writer: LogWriter, gate: Gate) -> None:
    gate.open.clear()
    futures = [writer.append(record())]
    eventually(lambda: not writer._queue, "the first batch is taken")
    futures += [writer.append(record()) for _ in range(100)]
    gate.open.set()
    assert [future.result(WAIT_S).offset for future in futures] == list(range(101))
    assert gate.batches == [1, 100]


def test_readers_are_told_after_the_futures(writer: LogWriter) -> None:
    done: list[bool] = []
    told = threading.Event()

    def tell() -> None:
        done.append(future.done())
        told.set()

    ticket = writer.ticket()
    writer.on_written = tell
    future = writer.append(record())
    writer.wait(ticket, WAIT_S)
    assert told.wait(WAIT_S)
    assert done == [True]
    assert writer.ticket() > ticket


@pytest.mark.parametrize("failure", [FULL, RuntimeError("a bug")], ids=["disk full", "bug"])
def test_a_batch_that_cannot_be_written_fails_and_the_next_is_written(
    writer: LogWriter, gate: Gate, failure: Exception
) -> None:
    assert writer.append(record()).result(WAIT_S).offset == 0
    gate.failure = failure
    with pytest.raises(TransientError, match=rf"log\.sqlite3: not written: .*{failure}"):
        writer.append(record()).result(WAIT_S)
    with pytest.raises(TransientError, match="not written"):
        writer.subscribe("group")
    gate.failure = None
    assert writer.append(record()).result(WAIT_S) == Position("topic.v1", 0, 1)


def test_a_log_that_cannot_be_opened_again_is_tried_again(
    tmp_path: Path, gate: Gate, clock: ManualClock
) -> None:
    path, opens = tmp_path / "log.sqlite3", list[int]()

    def open_store() -> LogStore:
        opens.append(len(opens))
        if len(opens) == 2:
            raise FULL
        return gate.store(path)

    writer = LogWriter(path, open_store, clock)
    gate.failure = FULL
    with pytest.raises(TransientError):
        writer.append(record()).result(WAIT_S)
    gate.failure = None
    with pytest.raises(TransientError):
        writer.append(record()).result(WAIT_S)  # the second opening
    assert writer.append(record()).result(WAIT_S).offset == 0
    assert len(opens) == 3
    writer.close()


@pytest.mark.parametrize(
    ("name", "limit", "value", "room"),
    [("_QUEUE_RECORDS", 3, b"", 3), ("_QUEUE_BYTES", 3_000, bytes(1_000), 2)],
    ids=["records", "bytes"],
)
def test_a_full_queue_refuses(
    writer: LogWriter,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    limit: int,
    value: bytes,
    room: int,
) -> None:
    monkeypatch.setattr(writer_module, name, limit)
    gate.open.clear()
    accepted = [writer.append(record(value))]
    eventually(lambda: not writer._queue, "the first batch is taken")
    accepted += [writer.append(record(value)) for _ in range(room)]
    with pytest.raises(TransientError, match=f"{room} records wait to be written: no room"):
        writer.append(record(value))
    gate.open.set()
    assert [future.result(WAIT_S).offset for future in accepted] == list(range(room + 1))
    assert writer.append(record(value)).result(WAIT_S).offset == room + 1


def test_close_writes_what_is_queued_and_refuses_more(writer: LogWriter, gate: Gate) -> None:
    gate.open.clear()
    futures = [writer.append(record()) for _ in range(20)]
    gate.open.set()
    writer.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(TransientError, match="closed"):
        writer.append(record())
    writer.close()  # once more does no harm


def test_a_future_cannot_be_cancelled(writer: LogWriter, gate: Gate) -> None:
    gate.open.clear()
    future = writer.append(record())
    assert not future.cancel()
    gate.open.set()
    assert future.result(WAIT_S).offset == 0


def test_old_records_go_while_the_writer_rests(writer: LogWriter, tmp_path: Path, clock: ManualClock) -> None:
    for _ in range(3):
        writer.append(record()).result(WAIT_S)
    reader = LogReader(tmp_path / "log.sqlite3")
    clock.advance_to(NOW + timedelta(days=8))
    eventually(lambda: reader.bounds("topic.v1") == (3, 3), "the records are past seven days")
    reader.close()
