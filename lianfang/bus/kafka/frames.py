"""Reading one frame back: evidence."""

from __future__ import annotations

import threading

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from lianfang.bus import Record
from lianfang.bus.kafka.access import Access, transient
from lianfang.bus.kafka.reading import record_of
from lianfang.bus.kafka.topics import Topic
from lianfang.errors import EvidenceMissing, TransientError
from lianfang.events import FrameReference

_FETCH_MS = 3000


class FrameReader:
    """Reads single records by their place. Thread-safe: one at a time."""

    def __init__(self, access: Access, version: tuple[int, ...]) -> None:
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._client = KafkaConsumer(
                **access.arguments,
                api_version=version,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=1,  # one batch comes all the same, and a frame has its own
                request_timeout_ms=_FETCH_MS,
            )
        except (KafkaError, OSError) as error:
            raise transient("no consumer", error) from error

    def fetch(self, topic: Topic, reference: FrameReference) -> Record:
        """Return the record of the frame.

        EvidenceMissing: it is gone, or another stands there. TransientError: no broker answers.
        """
        where = f"{reference.topic}/{reference.partition}/{reference.offset}"
        if reference.partition >= topic.partitions:
            raise EvidenceMissing(f"{where}: there are {topic.partitions} partitions")
        with self._lock:
            if self._closed:
                raise TransientError("the bus is closed")
            try:
                record = self._read(TopicPartition(reference.topic, reference.partition), reference.offset)
            except OffsetOutOfRangeError:
                record = None
            except KafkaError as error:
                raise transient(f"{where} cannot be read", error) from error
        if record is None:
            raise EvidenceMissing(f"{where} is not kept any more")
        if not _is(record, reference):
            raise EvidenceMissing(f"{where} holds another frame than the one of {reference.camera_id}")
        return record

    def close(self) -> None:
        """Release the connections."""
        with self._lock:
            self._closed = True
            self._client.close()

    def _read(self, place: TopicPartition, offset: int) -> Record | None:
        """Return the record at ``offset``, None where there is none."""
        if not offset < self._client.end_offsets([place], timeout_ms=_FETCH_MS)[place]:
            return None
        self._client.assign([place])
        self._client.seek(place, offset)
        found = self._client.poll(timeout_ms=_FETCH_MS, max_records=1).get(place)
        if not found:
            raise TransientError(f"{place.topic}/{place.partition}/{offset} did not come in {_FETCH_MS} ms")
        return record_of(found[0])


def _is(record: Record, reference: FrameReference) -> bool:
    headers = record.headers
    return (
        record.position.offset == reference.offset
        and record.key == reference.camera_id
        and headers.get("epoch") == reference.epoch
        and headers.get("seq") == str(reference.seq)
    )
