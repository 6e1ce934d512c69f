"""What several of these tests stand on; a module that needs another one of a name has its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.store import Store
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import SystemClock
from tests.support.api import Client, Site, serving


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    opened = EmbeddedBus.own(tmp_path / "bus", clock=SystemClock())
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(shared_site: Site) -> Iterator[Client]:
    with serving(shared_site.app()) as port:
        client = Client(port)
        client.login()
        yield client


@pytest.fixture
def site(shared_site: Site) -> Site:
    shared_site.clear()
    return shared_site
