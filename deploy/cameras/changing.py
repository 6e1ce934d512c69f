"""A new password for a camera, so that it can never be lost, whenever the power fails.

The new password stands in a file beside the old one, safely on the disk, before the camera hears of it. Only
when the camera lets us in with it does it take the place of the old one, in one step. Whoever finds a file
with a new password asks the camera which of the two it knows, the new one first, and goes on from there.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from deploy.cameras.doors import Door, Login
from deploy.cameras.logins import Target
from ingest.onvif import NotLetIn
from lianfang.clock import Clock
from lianfang.config import Secret
from lianfang.errors import PermanentError, TransientError

Step = Callable[[str], None]
_LENGTH = 16  # the most that many devices take
_SIGNS = "-_."
_LETTERS = "".join(set(string.ascii_letters + string.digits) - set("0O1lI"))  # people type them, too


class Journal:
    """What was done when, a line of JSON each, for the owner's eyes only. It holds no password."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock

    def write(self, target: Target, what: str, **more: Any) -> None:  # noqa: ANN401
        """Add a line, safely on the disk."""
        line = {"at": self._clock.now().isoformat(), "device": target.url, "user": target.user, "what": what}
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(line | more, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def tries_since(self, url: str, since: datetime) -> int:
        """Return how many defaults were tried at a device since a time; a torn line is none."""
        if not self._file.exists():
            return 0
        count = 0
        for text in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
                tried = line["what"] == "tried" and line["device"] == url
                count += tried and datetime.fromisoformat(line["at"]) >= since
            except (ValueError, KeyError, TypeError):
                continue
        return count


@dataclass(frozen=True)
class Change:
    """What is to be done at each camera: as whom, by which way, and what the new password is to be."""

    journal: Journal
    admin: Login | None = None
    """Who changes the password; the user itself where not given."""
    given: str | None = None
    """The new password; a random one for each camera where not given."""
    step: Step = lambda _: None
    """Is told of each step before it is done."""

    async def run(self, target: Target, door: Door) -> str:
        """Give a camera a new password and return what came of it.

        PermanentError where it must not or cannot be; TransientError where nobody answers: then it is gone on
        with the next time.
        """
        if target.file is None:
            raise PermanentError("its password stands in no file")
        pair = Pair(target.file)
        old, new = pair.old(), pair.new()
        if new is not None and (await door.check((target.user, new))).let_in:
            return self._swapped(target, pair)
        if old is None or not (await door.check((target.user, old))).let_in:
            kept = f", nor with that of {pair.fresh.name}: both are kept" if new is not None else ""
            raise PermanentError(f"it does not let us in with the password of {pair.file.name}{kept}")
        if new is None:
            self.step("write")
            new = self.given or random_password()
            pair.write(new)
            self.journal.write(target, "written", file=str(pair.fresh))
        await self._tell(target, door, pair, old, new)
        return self._swapped(target, pair)

    async def _tell(self, target: Target, door: Door, pair: Pair, old: str, new: str) -> None:
        """Tell the camera its new password, and see that it knows it."""
        unsure: TransientError | None = None
        self.step("tell")
        try:
            await door.change(self.admin or (target.user, old), target.user, new)
        except PermanentError as error:
            # What was asked twice is refused the second time, by a camera that has taken it the first time.
            if (await door.check((target.user, old))).let_in:
                why = "who changes it is not let in" if isinstance(error, NotLetIn) else str(error)
                self._dropped(target, pair, why, error)
        except TransientError as error:
            unsure = error
        self.step("verify")
        if (await door.check((target.user, new))).let_in:
            return
        said = f"it did not say no, and does not know the new password; {pair.fresh.name} is kept"
        raise unsure or PermanentError(said)

    def _dropped(self, target: Target, pair: Pair, why: str, error: PermanentError) -> NoReturn:
        """Forget a password that the camera has surely not taken, and raise why."""
        self.step("drop")
        pair.fresh.unlink()
        self.journal.write(target, "refused", said=why)
        raise PermanentError(f"it refuses: {why}; the old password stays") from error

    def _swapped(self, target: Target, pair: Pair) -> str:
        self.step("swap")
        pair.swap()
        self.step("note")
        self.journal.write(target, "changed", file=str(pair.file))
        return "changed"


@dataclass(frozen=True)
class Pair:
    """The file of a password, and beside it, while it is being changed, the one of its new one."""

    file: Path

    @property
    def fresh(self) -> Path:
        """The file of the new password."""
        return self.file.with_name(f"{self.file.name}.new")

    def old(self) -> str | None:
        """Return the old password; None where there is none."""
        try:
            return Secret(file=self.file).read()
        except LookupError:
            return None

    def new(self) -> str | None:
        """Return the new password; None where there is none."""
        return Secret(file=self.fresh).read() if self.fresh.exists() else None

    def write(self, text: str) -> None:
        """Write the new password, whole or not at all, for those who may read the old one."""
        part = self.fresh.with_name(f"{self.fresh.name}.part")
        write_secret(part, text, like=self.file)
        part.replace(self.fresh)
        sync_folder(self.file.parent)

    def swap(self) -> None:
        """Let the new one take the place of the old one."""
        self.fresh.replace(self.file)
        sync_folder(self.file.parent)


def random_password() -> str:
    """Return 16 characters of all kinds, none that is taken for another: about 93 bits."""
    while True:
        text = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH - 1))
        text = text[:7] + secrets.choice(_SIGNS) + text[7:]
        if any(map(str.islower, text)) and any(map(str.isupper, text)) and any(map(str.isdigit, text)):
            return text


def write_secret(file: Path, text: str, *, like: Path | None = None) -> None:
    """Write a file for its owner's eyes only, or for those of ``like``, safely on the disk."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        if like is not None:
            known = like.stat()
            with suppress(PermissionError):  # only root may give files away
                os.fchown(handle, known.st_uid, known.st_gid)
            os.fchmod(handle, known.st_mode & 0o777)
        opened.write(text)
        opened.flush()
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """See that the names of files in a folder are safely on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
