"""The folder of rings: one file per camera, one writer per file, any number of readers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from lianfang.bus import Position, Record
from lianfang.bus.embedded.host import FileLock, boot_id, holder
from lianfang.bus.embedded.requests import Registration, microseconds, moment_of, unpack_headers
from lianfang.bus.embedded.ring import NEXT, Description, RingFile, RingSettings, create, encoded_key
from lianfang.bus.embedded.ring_io import RingReader, RingWriter, StoredFrame
from lianfang.errors import EvidenceMissing, TransientError
from lianfang.events import FRAMES, FrameReference

ABANDONED_AFTER = timedelta(days=1)  # longer than any evidence waits for its frames
_SUFFIX = ".ring"
_PLAIN = re.compile(r"[a-z0-9_-]{1,100}")


def ring_path(folder: Path, key: str) -> Path:
    """Return the file of a key: its own name where that is safe in any file system, else a digest of it."""
    encoded = encoded_key(key)
    if _PLAIN.fullmatch(key):
        return folder / f"{key}{_SUFFIX}"
    return folder / f"+{hashlib.blake2b(encoded, digest_size=16).hexdigest()}{_SUFFIX}"


def record_of(description: Description, frame: StoredFrame) -> Record:
    """Return a stored frame as a record of the topic of frames."""
    return Record(
        position=Position(FRAMES, description.partition, frame.offset),
        key=description.key,
        value=frame.value,
        headers=unpack_headers(frame.headers),
        published_at=moment_of(frame.published_us),
    )


class RingPublisher:
    """Writes frames, each key into its own ring, which it holds until ``close``. Thread-safe."""

    def __init__(
        self, folder: Path, settings: RingSettings, register: Callable[[str, bool], Registration]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._register = register
        self._lock = threading.Lock()
        self._held: dict[str, _HeldRing] = {}

    def append(self, key: str, headers: bytes, value: bytes, published_us: int) -> Position:
        """Write a frame and return its position.

        TransientError where the disk is full or another process writes this ring; PermanentError for a frame
        that can never fit.
        """
        held = self._held.get(key)
        if held is None:
            with self._lock:
                held = self._held.get(key)
                if held is None:
                    held = self._held[key] = self._open(key)
        return held.append(headers, value, published_us)

    def forget(self, key: str) -> None:
        """Delete the ring of a key. Another process that writes it goes on where nobody reads any more."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is not None:
                held.release()
            ring_path(self._folder, key).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of every ring."""
        with self._lock:
            for held in self._held.values():
                held.release()
            self._held.clear()

    def _open(self, key: str) -> _HeldRing:
        path = ring_path(self._folder, key)
        claim = _claim(path)
        try:
            return _HeldRing(RingWriter(self._own(path, key)), claim)
        except BaseException:
            claim.release()
            raise

    def _own(self, path: Path, key: str) -> RingFile:
        file = RingFile.open(path, writable=True)
        partition, base_offset = self._register(key, file is None)
        wanted = Description(key, partition, self._settings.slots, self._settings.capacity, boot_id())
        if file is not None and file.description != wanted:
            base_offset = max(base_offset, file.words[NEXT])
            file.close()
            file = None
            path.unlink()  # first: the new one may need its room
        if file is None:
            create(path, wanted, base_offset)
            file = RingFile.open(path, writable=True)
        if file is None:
            raise TransientError(f"{path}: taken away while it was being made")
        return file


class _HeldRing:
    def __init__(self, writer: RingWriter, claim: FileLock) -> None:
        self._writer = writer
        self._claim = claim
        self._lock = threading.Lock()
        self._released = False

    def append(self, headers: bytes, value: bytes, published_us: int) -> Position:
        with self._lock:
            if self._released:
                raise TransientError("the bus is closed")
            offset = self._writer.append(headers, value, published_us)
            return Position(FRAMES, self._writer.partition, offset)

    def release(self) -> None:
        with self._lock:
            self._released = True
            self._writer.close()
            self._claim.release()


class RingShelf:
    """Readers of the rings of a folder, opened when asked for. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._readers: dict[str, RingReader] = {}

    def fetch(self, reference: FrameReference) -> Record:
        """Return the referenced frame; EvidenceMissing if it is gone or another stands there."""
        where = f"{reference.camera_id} {reference.epoch}/{reference.seq} at {reference.offset}"
        reader = self.reader(reference.camera_id) if reference.topic == FRAMES else None
        if reader is None or reader.description.partition != reference.partition:
            raise EvidenceMissing(f"frame {where}: no such ring")
        frame = reader.read(reference.offset)
        if frame is None:
            raise EvidenceMissing(f"frame {where}: not kept any more")
        record = record_of(reader.description, frame)
        if not _is(record.headers, reference):
            raise EvidenceMissing(f"frame {where}: another frame stands there")
        return record

    def close(self) -> None:
        """Forget every ring; each is unmapped when the last thread has done with it."""
        with self._lock:
            self._readers.clear()

    def reader(self, key: str) -> RingReader | None:
        """Return the reader of the ring that a key has now, None where it has none."""
        path = ring_path(self._folder, key)
        with self._lock:
            known = self._readers.get(key)
            with contextlib.suppress(FileNotFoundError):
                if known is not None and path.stat().st_ino == known.inode:
                    return known
            file = RingFile.open(path)
            if file is None or file.description.key != key:
                return None
            self._readers[key] = RingReader(file)
            return self._readers[key]


def scan(folder: Path, known: Mapping[str, int]) -> tuple[dict[str, RingReader], set[str]]:
    """Return (readers of the rings that are new or were replaced, by file name; all names there).

    ``known`` gives the inode of each file name that the caller reads already.
    """
    found, names = {}, set()
    for entry in _entries(folder):
        names.add(entry.name)
        if known.get(entry.name) != entry.inode():
            file = RingFile.open(folder / entry.name)
            if file is not None:
                found[entry.name] = RingReader(file)
    return found, names


def remove_abandoned(folder: Path, now: datetime) -> list[str]:
    """Delete rings that nobody holds and nobody wrote for a day (a camera taken away); return their keys."""
    removed = []
    for reader in scan(folder, {})[0].values():
        _, newest = reader.newest()
        key, path = reader.description.key, ring_path(folder, reader.description.key)
        old = newest is None or newest.published_us < microseconds(now - ABANDONED_AFTER)
        reader.close()
        claim = FileLock.take(path.with_suffix(".lock")) if old else None
        if claim is not None:
            path.unlink(missing_ok=True)
            claim.release()
            removed.append(key)
    return removed


def _claim(path: Path) -> FileLock:
    lock_path = path.with_suffix(".lock")
    claim = FileLock.take(lock_path)
    if claim is None:
        raise TransientError(f"{path}: process {holder(lock_path)} still writes this ring")
    return claim


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if entry.name.endswith(_SUFFIX))


def _is(headers: Mapping[str, str], reference: FrameReference) -> bool:
    found = (headers.get("camera_id"), headers.get("epoch"), headers.get("seq"))
    return found == (reference.camera_id, reference.epoch, str(reference.seq))
