from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lianfang.bus.embedded import RingSettings, ring_io
from lianfang.bus.embedded.ring import RESERVED, SLOTS_AT, Description, RingFile, create
from lianfang.bus.embedded.ring_io import RingReader, RingWriter
from lianfang.errors import PermanentError

KILLED = "killed here"


def make(folder: Path, slots: int = 8, capacity: int = 1024, next_offset: int = 0) -> Path:
    path = folder / "cam.ring"
    create(path, Description("cam", 3, slots, capacity, bytes(16)), next_offset)
    return path


def open_writer(path: Path) -> RingWriter:
    file = RingFile.open(path, writable=True)
    assert file is not None
    return RingWriter(file)


def open_reader(path: Path) -> RingReader:
    file = RingFile.open(path)
    assert file is not None
    return RingReader(file)


def die_in(monkeypatch: pytest.MonkeyPatch, writer: RingWriter, value: bytes) -> None:
    """Have the writer end between the bytes of a frame and its slot."""
    with monkeypatch.context() as patched:

        def die(*_: bytes) -> int:
            raise RuntimeError(KILLED)

        patched.setattr(ring_io, "_checksum", die)
        with pytest.raises(RuntimeError, match=KILLED):
            writer.append(b"", value, 0)


class RingAgainstDeque(RuleBasedStateMachine):
    """Whatever is written, read, reopened and killed: a reader sees the newest frames, as they were written.

    The model is a deque of what was written. Which of it must still be there, and which cannot, follows from
    sizes alone; between the two (alignment and the unused end of a lap) the ring is free.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.monkeypatch = pytest.MonkeyPatch()
        self.written: deque[tuple[int | None, bytes, bytes]] = deque()  # None: died while writing it

    @initialize(
        slots=st.integers(1, 12), capacity=st.integers(8, 128), first=st.sampled_from([0, 5, 1 << 36])
    )
    def create_ring(self, slots: int, capacity: int, first: int) -> None:
        self.slots, self.capacity, self.next = slots, capacity * 8, first
        self.path = make(Path(self.folder.name), slots, self.capacity, first)
        self.writer, self.reader = open_writer(self.path), open_reader(self.path)

    @rule(fraction=st.floats(0, 0.5), header_bytes=st.integers(0, 3), fill=st.integers(0, 255))
    def append(self, fraction: float, header_bytes: int, fill: int) -> None:
        size = int(self.capacity * fraction)
        headers, value = b"h" * min(header_bytes, size), bytes([fill]) * max(0, size - header_bytes)
        assert self.writer.append(headers, value, fill) == self.next
        self.written.append((self.next, headers, value))
        self.next += 1

    @rule(fraction=st.floats(0, 0.5))
    def die_while_writing(self, fraction: float) -> None:
        value = b"torn" * (int(self.capacity * fraction) // 4)
        die_in(self.monkeypatch, self.writer, value)
        self.written.append((None, b"", value))
        self.reopen_writer()

    @rule()
    def reopen_writer(self) -> None:
        self.writer.close()
        self.writer = open_writer(self.path)

    @rule()
    def reopen_reader(self) -> None:
        self.reader.close()
        self.reader = open_reader(self.path)

    @invariant()
    def frames_are_whole_or_missing(self) -> None:
        after, frames_after, largest = 0, 0, 0
        for offset, headers, value in reversed(self.written):
            size = (len(headers) + len(value) + 7) // 8 * 8
            largest = max(largest, size)
            if offset is not None:
                frame = self.reader.read(offset)
                if frame is not None:
                    assert (frame.offset, frame.headers, frame.value) == (offset, headers, value)
                if frames_after < self.slots and after + size + largest <= self.capacity:
                    assert frame is not None, f"{offset} must be kept"
                if frames_after >= self.slots or after >= self.capacity + 8:
                    assert frame is None, f"{offset} cannot be kept"
                frames_after += 1
            after += size

    @invariant()
    def the_newest_is_found(self) -> None:
        offsets = [offset for offset, _, _ in self.written if offset is not None]
        assert self.reader.end == self.next
        assert self.reader.head == (offsets[-1] + 1 if offsets else 0)
        head, frame = self.reader.newest()
        assert head == self.reader.head
        if self.written and self.written[-1][0] is not None:
            assert frame is not None
            assert frame.offset == offsets[-1]
            assert self.reader.beginning() <= offsets[-1]

    def teardown(self) -> None:
        if hasattr(self, "writer"):
            self.writer.close()
            self.reader.close()
        self.folder.cleanup()


TestRingAgainstDeque = RingAgainstDeque.TestCase
TestRingAgainstDeque.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_frame_over_half_the_ring_is_refused_with_sizes(tmp_path: Path) -> None:
    writer = open_writer(make(tmp_path, capacity=1024))
    assert writer.append(b"", bytes(512), 0) == 0
    with pytest.raises(PermanentError, match=r"513 bytes.*at most 512 \(half of 1024\)"):
        writer.append(b"", bytes(513), 0)
    assert writer.append(b"", b"small", 0) == 1


@pytest.mark.parametrize("at", ["slot", "headers", "value"])
def test_a_damaged_frame_is_not_returned(tmp_path: Path, at: str) -> None:
    path = make(tmp_path)
    open_writer(path).append(b"headers", b"value", 1)
    reader = open_reader(path)
    assert reader.read(0) is not None
    place = {
        "slot": SLOTS_AT + 24,
        "headers": reader.description.bytes_at,
        "value": reader.description.bytes_at + 8,
    }
    file = RingFile.open(path, writable=True)
    assert file is not None
    file.view[place[at]] ^= 1
    assert reader.read(0) is None
    assert reader.newest() == (1, None)


def test_a_frame_overwritten_while_it_is_copied_is_not_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, capacity=1024)
    writer, reader = open_writer(path), open_reader(path)
    writer.append(b"", b"a" * 400, 0)
    original = RingReader._intact
    looks: list[bool] = []

    def intact(self: RingReader, start: int) -> bool:
        answer = original(self, start)
        if not looks:  # the writer comes between the look and the copy, and overwrites half of it
            writer.append(b"", b"b" * 400, 0)
            writer.append(b"", b"c" * 400, 0)
        looks.append(answer)
        return answer

    monkeypatch.setattr(RingReader, "_intact", intact)
    assert reader.read(0) is None
    assert looks == [True, False]


def test_a_writer_that_died_leaves_only_a_gap_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path)
    writer, reader = open_writer(path), open_reader(path)
    writer.append(b"", b"whole", 0)
    die_in(monkeypatch, writer, b"half")
    head, frame = reader.newest()
    assert (head, frame and frame.value) == (1, b"whole")
    successor = open_writer(path)
    assert successor.append(b"", b"next", 0) == 1
    head, frame = reader.newest()
    assert (head, frame and frame.value) == (2, b"next")
    assert reader.words[RESERVED] == 8 + 8 + 4  # whole, half, next


@pytest.mark.parametrize(
    "content",
    [b"", b"LFRING01", b"\0" * 8192, b"LFRING01" + b"\xff" * 8192],
    ids=["empty", "short", "zero", "garbage"],
)
def test_what_is_no_ring_is_not_opened(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cam.ring"
    path.write_bytes(content)
    assert RingFile.open(path) is None


def test_a_ring_cut_short_is_not_opened(tmp_path: Path) -> None:
    path = make(tmp_path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    assert RingFile.open(path) is None


@pytest.mark.parametrize(
    ("seconds", "max_bytes", "slots"),
    [
        (20, 48 * 1024 * 1024, 600),  # the default: 30 a second
        (600, 1024 * 1024, 256),  # never more slots than 4 KiB pictures would need
        (0.1, 64 * 1024, 8),
    ],
)
def test_settings_size_the_file(tmp_path: Path, seconds: float, max_bytes: int, slots: int) -> None:
    ring = RingSettings(seconds, max_bytes)
    assert ring.slots == slots
    path = make(tmp_path, ring.slots, ring.capacity)
    assert max_bytes - 8 <= path.stat().st_size <= max_bytes
    assert path.stat().st_blocks * 512 >= path.stat().st_size  # allocated, not sparse


@pytest.mark.parametrize(("seconds", "max_bytes"), [(0, 1024 * 1024), (-1, 1024 * 1024), (20, 64 * 1024 - 1)])
def test_settings_that_hold_nothing_are_refused(seconds: float, max_bytes: int) -> None:
    with pytest.raises(ValueError, match="holds no frame"):
        RingSettings(seconds, max_bytes)
