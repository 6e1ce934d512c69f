"""The files of a configuration, read once and replaced whole: nobody reads or leaves half a change."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lianfang.config.faults import Document
from lianfang.config.read import SECTIONS, document_of, text_of
from lianfang.errors import ConfigError, ConfigProblem, LianfangError


class Meanwhile(LianfangError):  # noqa: N818 - reads as the fact it states
    """Somebody else has changed a file since it was read: nothing was written."""


class Files:
    """The texts of a configuration and its inventory as they were when first read."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.texts: dict[Path, str] = {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other command change them meanwhile; Meanwhile where one is at it."""
        with self.config.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Meanwhile(f"{self.config}: another command is changing it") from error
            yield

    def document(self, instead: Mapping[Path, str] | None = None) -> Document:
        """Return them as plain data; ConfigError for what is wrong with their text.

        ``instead``: texts that are to stand in some of them. A file of the inventory that is not there yet is
        empty.
        """

        def read(file: Path) -> str:
            if instead is not None and file in instead:
                return instead[file]
            if file not in self.texts:
                missing = file != self.config and not file.exists()
                self.texts[file] = "{}\n" if missing else text_of(file)
            return self.texts[file]

        document = document_of(self.config, read)
        problems = document.problems or [*_no_entries(document)]
        if problems:
            raise ConfigError(problems)
        return document

    def part(self, document: Document, named: Path | None) -> Path:
        """Return the file for new entries: ``named``, else the first of the inventory, else the only one."""
        parts = [file for file in self.texts if file != self.config]
        if named is None:
            return parts[0] if parts else self.config
        found = [file for file in self.texts if file.resolve() == named.resolve()]
        if not found:
            known = ", ".join(map(str, self.texts))
            raise ConfigError(
                [document.problem(("inventory",), f"no {named}", f"one of {known}, for new entries")]
            )
        return found[0]

    def replace(self, texts: Mapping[Path, str]) -> None:
        """Write the new texts, each file as a whole; Meanwhile where anything is no more as it was read."""
        for file, text in self.texts.items():
            if (text_of(file) if file.exists() else "{}\n") != text:
                raise Meanwhile(f"{file}: somebody has changed it meanwhile; nothing was written, try again")
        written = [(_beside(file.resolve(), text), file.resolve()) for file, text in texts.items()]
        for fresh, file in written:
            fresh.replace(file)


def _no_entries(document: Document) -> Iterator[ConfigProblem]:
    """Yield what is no mapping of entries, where only those can be changed."""
    for section in SECTIONS:
        entries = document.data.get(section) or {}
        if not isinstance(entries, dict):
            yield document.problem((section,), "no mapping", "a mapping of ids")
            continue
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                yield document.problem((section, name), "no mapping", "a mapping of keys")


def _beside(file: Path, text: str) -> Path:
    """Return a new file beside ``file`` that holds ``text``, safely on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as fresh:
        fresh.write(text)
        fresh.flush()
        os.fsync(fresh.fileno())
    if file.exists():
        shutil.copymode(file, name)
    else:
        Path(name).chmod(0o644)
    return Path(name)
