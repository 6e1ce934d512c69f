"""Faults of kafka-python 3.0.12, mended from outside. Tests of ours fail without each of the mends.

A join that ends between two polls is forgotten: ``BaseCoordinator.join_group_async`` starts another one where
the last is done. The member asks again, the group begins anew for all, and members that poll briefly (a busy
detector polls without waiting) may never agree: three of them in one thread did not in 30 s.

A partition that was paused may never be read again: what had been fetched of it is parked, and
``Fetcher.fetched_records`` takes it up only where it holds no other fetch, not even one that is used up. The
partition is not fetched meanwhile, for it seems to have records.

A connection that cannot be made, or whose TLS handshake fails, leaves its socket to the garbage collector.
With five clients that try once a second, a broker that is away for half an hour would cost a process every
file it may open.

A poll while a heartbeat is due, and the last one not answered, does not wait: it asks again a thousand times
a second, and each time leaves a waiter in memory: 180 MB in 12 s of a broker that stands still.

A place in a group is called stable long after the last broker has died; the heartbeats tell.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.net.inet import KafkaNetSocket
from kafka.structs import MemberState


class _ClosingSocket(KafkaNetSocket):  # type: ignore[misc] # kafka-python is untyped
    """Makes connections without a proxy, and closes what could not be connected."""

    SCHEMES = ("direct",)

    async def connect(
        self,
        net: Any,  # noqa: ANN401
        addrinfo: tuple[Any, ...],
        socket_options: Iterable[tuple[int, int, int]] = (),
        timeout_at: float | None = None,
    ) -> socket.socket:
        """Return a connected socket."""
        family, kind, protocol, _, address = addrinfo
        made: socket.socket = self.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            for option in socket_options:
                made.setsockopt(*option)
            await self.sock_connect(net, made, address, timeout_at=timeout_at)
        except BaseException:
            made.close()
            raise
        return made


CLOSING_SOCKETS: Mapping[str, str] = {"proxy_url": "direct://"}
"""Arguments of a client that closes the sockets that it cannot connect."""


class _ClosingSslSocket(ssl.SSLSocket):
    """Closes itself where the handshake fails."""

    def do_handshake(self, block: bool = False) -> None:
        """Go on with the handshake."""
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BaseException:
            self.close()
            raise


def close_on_failure(context: ssl.SSLContext) -> None:
    """Have the sockets of a context close themselves where the handshake fails."""
    context.sslsocket_class = _ClosingSslSocket


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


def keep_joins(consumer: KafkaConsumer) -> None:
    """Have a consumer that has not polled yet forget no join: it is done when a poll has taken its result."""
    coordinator = consumer._coordinator  # noqa: SLF001 - it offers no other way in
    coordinator.__dict__.pop("_join_task", None)
    coordinator.__class__ = _Coordinator


def unpark(consumer: KafkaConsumer) -> None:
    """Let the next poll take up what was fetched of partitions before they were paused."""
    fetcher = consumer._fetcher  # noqa: SLF001
    if fetcher._next_partition_records is not None and not fetcher._next_partition_records:  # noqa: SLF001
        fetcher._next_partition_records = None  # noqa: SLF001


def heard_at(consumer: KafkaConsumer) -> float:
    """Return the monotonic time of the last heartbeat that the group has answered, -inf before the first."""
    heard: float = consumer._coordinator.heartbeat.last_receive  # noqa: SLF001
    return heard


def spins(consumer: KafkaConsumer) -> bool:
    """Say whether a poll would not wait: a heartbeat is due, and the broker has not answered the last."""
    coordinator = consumer._coordinator  # noqa: SLF001
    return coordinator.state is MemberState.STABLE and coordinator.time_to_next_poll() <= 0
