"""The frames of one camera in their order, read back from the topic: out of those of all beside it."""

from __future__ import annotations

import time
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lianfang.bus import Record
from lianfang.bus.kafka.access import Access, transient
from lianfang.bus.kafka.reading import record_of
from lianfang.bus.kafka.topics import Topic
from lianfang.errors import TransientError

_CALL_MS = 3000
_LOOK_MS = 50
_READ_S = 3.0  # for what the brokers say that they have


class KafkaFootage:
    """See ``lianfang.bus.Footage``. It has a connection of its own, made at the first ``read``."""

    def __init__(
        self, access: Access, version: tuple[int, ...], topic: Topic, camera_id: str, since: datetime
    ) -> None:
        self._access, self._version = access, version
        self._camera = camera_id
        self._place = TopicPartition(topic.name, topic.partition_of(camera_id))
        self._since_ms = int(since.timestamp() * 1000)
        self._next: int | None = None
        self._client: KafkaConsumer | None = None

    def read(self, max_records: int = 50) -> list[Record]:
        """Return the next frames. TransientError: no broker answers, or not in 3 s."""
        try:
            client = self._opened()
            end = client.end_offsets([self._place], timeout_ms=_CALL_MS)[self._place]
            return self._until(client, end, max_records)
        except (KafkaError, OSError) as error:
            self.close()  # the next one begins where this one ended
            raise transient(f"frames of {self._camera} cannot be read", error) from error

    def close(self) -> None:
        """Release the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _until(self, client: KafkaConsumer, end: int, most: int) -> list[Record]:
        """Return up to ``most`` frames of the camera before the offset ``end``."""
        deadline, found = time.monotonic() + _READ_S, list[Record]()
        while not found and (client.position(self._place, timeout_ms=_CALL_MS) or 0) < end:
            entries = client.poll(timeout_ms=_LOOK_MS, max_records=most).get(self._place, [])
            records = [record_of(entry) for entry in entries]
            found = [r for r in records if r.key == self._camera]
            if records:
                self._next = records[-1].position.offset + 1
                deadline = time.monotonic() + _READ_S
            elif time.monotonic() > deadline:
                raise TransientError(f"frames of {self._camera} did not come in {_READ_S:g} s")
        return found

    def _opened(self) -> KafkaConsumer:
        if self._client is not None:
            return self._client
        client = KafkaConsumer(
            **self._access.arguments,
            api_version=self._version,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # what is not kept any more is passed over
            allow_auto_create_topics=False,
            fetch_max_wait_ms=_LOOK_MS,
            max_partition_fetch_bytes=1024 * 1024,  # what each reader holds; a larger frame comes, too
            request_timeout_ms=_CALL_MS,
        )
        try:
            client.assign([self._place])
            client.seek(self._place, self._begin(client) if self._next is None else self._next)
        except BaseException:
            client.close()
            raise
        self._client = client
        return client

    def _begin(self, client: KafkaConsumer) -> int:
        """Return the offset of the first record since then, the end where there is none."""
        found = client.offsets_for_times({self._place: self._since_ms}, timeout_ms=_CALL_MS)[self._place]
        if found is None:
            found = client.end_offsets([self._place], timeout_ms=_CALL_MS)[self._place]
            return int(found)
        return int(found.offset)
