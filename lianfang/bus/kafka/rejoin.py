"""A fault of kafka-python 3.0.12, mended: a join that ends between two polls is forgotten.

``BaseCoordinator.join_group_async`` starts another join where the last one is done, as it is when the group's
answer came while nobody polled. The member then asks again, the group begins anew for all, and members that
poll briefly (a detector that is busy polls without waiting) may never agree: three of them in one thread did
not in 30 s. Here a join is done only once a poll has taken its result.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.consumer import ConsumerCoordinator


class _Join:
    """The future of a join, never done to who only looks; who waits for it is answered at once."""

    is_done = False

    def __init__(self, future: Any) -> None:  # noqa: ANN401 - kafka-python is untyped
        self._future = future

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._future, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        found: Generator[Any, Any, Any] = self._future.__await__()
        return found


class _Coordinator(ConsumerCoordinator):  # type: ignore[misc]
    """A coordinator that forgets no join."""

    _join: _Join | None = None

    @property
    def _join_task(self) -> _Join | None:
        return self._join

    @_join_task.setter
    def _join_task(self, future: Any) -> None:  # noqa: ANN401
        self._join = None if future is None else _Join(future)


def mend(consumer: KafkaConsumer) -> None:
    """Mend a consumer that has not polled yet."""
    coordinator = consumer._coordinator  # noqa: SLF001 - it offers no other way in
    coordinator.__dict__.pop("_join_task", None)
    coordinator.__class__ = _Coordinator
