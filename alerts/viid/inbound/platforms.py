"""The servers for the platforms of a configuration that may ask something of us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter

from alerts.store import Store
from alerts.viid.inbound.intake import Surroundings
from alerts.viid.inbound.kinds import intakes
from alerts.viid.inbound.server import Outcome, PlatformServer
from alerts.viid.inbound.settings import answering
from lianfang.clock import Clock
from lianfang.config import Config


class Platforms:
    """Serves each of them at an address of its own: only that one faces the police's network."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        current: Callable[[], Config],
        registry: CollectorRegistry,
    ) -> None:
        """Take receivers from ``config``; ``current`` gives the configuration in force now."""
        self._stanzas, self._store, self._clock, self._current = answering(config), store, clock, current
        self._listening: set[str] = set()
        self._requests = Counter(
            "lianfang_platform_requests",
            "Requests of platforms by what became of them: taken, refused, busy or unauthorised",
            ["receiver", "path", "outcome"],
            registry=registry,
        )

    def ready(self) -> Mapping[str, str]:
        """Return per platform "ok", or that it is not listened to."""
        return {name: "ok" if name in self._listening else "not listening" for name in self._stanzas}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve all of them inside the block; LookupError and LianfangError as of each."""
        async with AsyncExitStack() as opened:
            for name, stanza in self._stanzas.items():
                there = Surroundings(
                    name,
                    stanza.device_code,
                    ZoneInfo(stanza.timezone),
                    stanza.within,
                    self._store,
                    self._clock,
                    self._current,
                )
                assert stanza.answers is not None  # noqa: S101 - or it would not be among them
                server = PlatformServer(stanza.answers, there, intakes(there), partial(self._count, name))
                await opened.enter_async_context(server.serving())
                self._listening.add(name)
                opened.callback(self._listening.discard, name)
            yield

    def _count(self, receiver: str, path: str, outcome: Outcome) -> None:
        self._requests.labels(receiver=receiver, path=path, outcome=outcome).inc()
