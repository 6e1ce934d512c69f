"""Recordings that people have sent, at hand where they are played: also while the store is away.

They are rows of the store, so that every alert service has them. Each keeps them as files, and looks every
few seconds whether there are others: a broadcast never waits for the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from alerts.store import Store
from alerts.store.recordings import digests, recording_id, sound_of
from lianfang.errors import TransientError

_log = structlog.get_logger()
_EVERY_S = 3.0


class Recordings:
    """Those of an installation, as files below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mapping[str, Path] = {}

    def find(self, language: str, text: str) -> Path | None:
        """Return the recording of a text; None where there is none."""
        return self._files.get(recording_id(language, text))

    def refresh(self, store: Store) -> None:
        """Have those that the store has now."""
        with store.read() as session:
            wanted = digests(session)
            for digest in set(wanted.values()):
                file = self._file(digest)
                if not file.is_file() and (wav := sound_of(session, digest)) is not None:
                    self._write(file, wav)
        self._files = {id_: file for id_, digest in wanted.items() if (file := self._file(digest)).is_file()}
        for file in self._folder.glob("*.wav"):
            if file not in self._files.values():
                file.unlink(missing_ok=True)

    async def follow(self, store: Store) -> None:
        """Refresh now and then, until cancelled; what cannot be read now stays as it was."""
        trouble = ""
        while True:
            try:
                await asyncio.to_thread(self.refresh, store)
            except (TransientError, OSError) as error:
                if not trouble:
                    _log.warning("recordings_not_read", error=str(error))
                trouble = str(error)
            else:
                trouble = ""
            await asyncio.sleep(_EVERY_S)

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.wav"

    def _write(self, file: Path, wav: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = file.with_suffix(".part")
        made.write_bytes(wav)
        made.replace(file)
