from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.bus.embedded import RingSettings, rings
from lianfang.bus.embedded.requests import Registration, microseconds
from lianfang.bus.embedded.rings import RingPublisher, RingShelf, remove_abandoned, ring_path, scan
from lianfang.errors import EvidenceMissing, PermanentError, TransientError
from lianfang.events import FRAMES, FrameReference

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RING = RingSettings(1, 128 * 1024)
AFTER_LOSS = 1000


def register(key: str, lost: bool) -> Registration:
    """Stand for the log: a ring that was there before and is lost goes on from 1000."""
    del key
    return Registration(7, AFTER_LOSS if lost else 0)


def publisher(folder: Path, ring: RingSettings = RING) -> RingPublisher:
    return RingPublisher(folder, ring, register)


def append(to: RingPublisher, value: bytes = b"picture", at: datetime = NOW) -> int:
    return to.append("cam", b"\x80", value, microseconds(at)).offset


@given(st.text(min_size=1, max_size=30))
def test_any_key_names_a_file_in_the_folder(key: str) -> None:
    folder = Path("/data/frames")
    try:
        path = ring_path(folder, key)
    except PermanentError:
        with pytest.raises(UnicodeEncodeError):
            key.encode()
        return
    assert path.parent == folder
    assert path.suffix == ".ring"
    assert path.name.isascii()
    assert len(path.name) <= 120


@pytest.mark.parametrize("key", ["../gate", "..", ".", "a/b", "a\0b", "河边", "Gate", "gate ", "x" * 300])
def test_an_unsafe_key_works_like_any(tmp_path: Path, key: str) -> None:
    ours = publisher(tmp_path)
    ours.append(key, b"\x80", b"picture", 0)
    ours.close()
    assert {path.parent for path in tmp_path.rglob("*.ring")} == {tmp_path}
    (reader,) = scan(tmp_path, {})[0].values()
    assert reader.description.key == key


def test_keys_that_differ_have_files_that_differ() -> None:
    keys = ["gate", "Gate", "gate ", "g/ate", "+gate", "河", "边"]
    assert len({ring_path(Path(), key).name.lower() for key in keys}) == len(keys)


@pytest.mark.parametrize("key", ["", "x" * 513, "\ud800"], ids=["empty", "long", "surrogate"])
def test_a_key_that_cannot_be_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(PermanentError, match="key"):
        ring_path(tmp_path, key)


def test_a_second_writer_is_refused_and_named(tmp_path: Path) -> None:
    first, second = publisher(tmp_path), publisher(tmp_path)
    append(first)
    with pytest.raises(TransientError, match=r"cam\.ring: process \d+ still writes this ring"):
        append(second)
    first.close()
    assert append(second) == AFTER_LOSS + 1


def test_offsets_grow_when_the_settings_change(tmp_path: Path) -> None:
    first = publisher(tmp_path)
    before = [append(first) for _ in range(3)]
    first.close()
    larger = publisher(tmp_path, RingSettings(2, 256 * 1024))
    assert append(larger) > before[-1]
    assert (tmp_path / "cam.ring").stat().st_size > RING.max_bytes


@pytest.mark.parametrize("boots", [1, 2])
def test_offsets_jump_when_the_host_was_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boots: int
) -> None:
    """What a power cut kept of the file is not trusted: offsets go on from where the log says."""
    first = publisher(tmp_path)
    assert append(first) == AFTER_LOSS
    first.close()
    for boot in range(1, boots + 1):
        base = 5000 * boot
        monkeypatch.setattr(rings, "boot_id", partial(bytes, [boot] * 16))
        later = RingPublisher(tmp_path, RING, partial(_registered, base))
        assert append(later) == base
        assert append(later) == base + 1
        later.close()


@pytest.mark.parametrize("content", [None, b"", b"no ring" * 1000], ids=["gone", "empty", "garbage"])
def test_offsets_jump_when_the_ring_is_lost(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "cam.ring"
    if content is not None:
        path.write_bytes(content)
    assert append(publisher(tmp_path)) == AFTER_LOSS


def test_a_full_disk_is_an_error_at_creation_that_leaves_nothing(tmp_path: Path) -> None:
    ours = publisher(tmp_path)
    with _files_at_most(64 * 1024), pytest.raises(TransientError, match=r"no room for 131\d+ bytes.*'cam'"):
        append(ours)
    assert [path.name for path in tmp_path.iterdir()] == ["cam.lock"]
    assert append(ours) == AFTER_LOSS  # there is room again


def test_a_reader_follows_a_ring_that_was_replaced(tmp_path: Path) -> None:
    shelf = RingShelf(tmp_path)
    first = publisher(tmp_path)
    old = append(first)
    reference = FrameReference(topic=FRAMES, partition=7, offset=old, camera_id="cam", epoch="e", seq=0)
    with pytest.raises(EvidenceMissing, match="another frame"):  # no epoch in its headers: not the one meant
        shelf.fetch(reference)
    first.close()
    larger = publisher(tmp_path, RingSettings(2, 256 * 1024))
    append(larger)
    with pytest.raises(EvidenceMissing, match="not kept"):
        shelf.fetch(reference)


def test_rings_of_cameras_taken_away_are_deleted(tmp_path: Path) -> None:
    ours = publisher(tmp_path)
    append(ours, at=NOW - timedelta(hours=25))
    assert remove_abandoned(tmp_path, NOW) == []  # old, but held by its writer
    ours.close()
    assert remove_abandoned(tmp_path, NOW - timedelta(hours=2)) == []  # not old enough
    assert remove_abandoned(tmp_path, NOW) == ["cam"]
    assert list(tmp_path.glob("*.ring")) == []


def _registered(base_offset: int, _key: str, _lost: bool) -> Registration:
    return Registration(7, base_offset)


@contextmanager
def _files_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
