from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.events import FrameReference
from tests.contract.bus_contract import BusContract, Harness, camera, group, publish_frame, topic
from tests.support.bus_processes import Child, own

__all__ = ["camera", "group", "topic"]
RING = RingSettings(seconds=2, max_bytes=256 * 1024)


class EmbeddedHarness(Harness):
    """An embedded bus of the folder, owned here or by another process."""

    def __init__(self, data_dir: Path, owned: bool) -> None:
        self._data_dir = data_dir
        self._owned = owned
        self.bus = self._open()

    def reopen(self) -> None:
        self.bus.close()
        self.bus = self._open()

    def expire(self, reference: FrameReference) -> None:
        for seq in range(reference.seq + 1, reference.seq + 5):
            publish_frame(self.bus, reference.camera_id, seq, bytes(100_000))

    def _open(self) -> EmbeddedBus:
        return EmbeddedBus.own(self._data_dir, RING) if self._owned else EmbeddedBus.join(self._data_dir)


class TestEmbeddedOwner(BusContract):
    """The bus in the process that owns it."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[EmbeddedHarness]:
        harness = EmbeddedHarness(tmp_path, owned=True)
        yield harness
        harness.bus.close()


class TestEmbeddedJoined(BusContract):
    """The bus in a process that has joined one owned by another."""

    @pytest.fixture(scope="class")
    @classmethod
    def data_dir(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        data_dir = tmp_path_factory.mktemp("joined")
        owner = Child(own, data_dir, RING)
        assert owner.receive() == "ready"
        yield data_dir
        owner.close()

    @pytest.fixture
    def harness(self, data_dir: Path) -> Iterator[EmbeddedHarness]:
        harness = EmbeddedHarness(data_dir, owned=False)
        yield harness
        harness.bus.close()
