"""One attempt: what is handed to the channel, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from alerts.channels.base import Channel, Delivery, Picture, Receipt
from alerts.payload import FILM_GOES_ALONG
from alerts.store.schema import OutboxRow
from lianfang.clock import Clock
from lianfang.errors import LianfangError, PermanentError, TransientError

_log = structlog.get_logger()

Pictures = tuple[tuple[Picture, ...], str]
"""The pictures of an incident, and why some are missing."""
PictureSource = Callable[[str], Pictures | None]
"""Gives the pictures of an incident; None while it is not known yet. Called in a thread."""

FilmSource = Callable[[str], bytes | None]
"""Gives the clip of an incident, None where there is none any more. Called in a thread."""
Note = Callable[[int, str], None]
"""Remembers what the message of a row (its ``seq``) says of missing pictures. Called in a thread."""

PICTURES_WITHIN = timedelta(seconds=5)  # evidence is copied within 5 s of the decision, or never
_PICTURES_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to: a ``receipt``, an ``error``, or neither where it was broken off."""

    row: OutboxRow
    receipt: Receipt | None = None
    error: TransientError | PermanentError | None = None


async def attempt(
    row: OutboxRow,
    channel: Channel,
    clock: Clock,
    pictures: PictureSource | None,
    *,
    timeout_s: float,
    note: Note,
    films: FilmSource | None = None,
) -> Attempt:
    """Make one attempt at ``row``. Whatever the channel raises comes back as an error of the attempt.

    Why there is no picture is given to ``note`` before it is told: every later attempt must say the same
    under the same id, also after this process is killed.
    """
    try:
        async with asyncio.timeout(timeout_s) as limit:
            found, missing = await _pictures(row, clock, pictures)
            if missing and not found and missing != row.payload.get("pictures_missing"):
                await asyncio.to_thread(note, row.seq, missing)
            receipt = await channel.send(_delivery(row, found, missing, films))
    except (TransientError, PermanentError) as error:
        return Attempt(row, error=error)
    except Exception as error:  # noqa: BLE001 - a plug-in's bug must not stop deliveries to anybody else
        # Channels have time-outs of their own; this one is for a channel that forgot.
        late = isinstance(error, TimeoutError) and limit.expired()
        fault = TransientError(f"no end after {timeout_s:g} s") if late else FaultyChannelError(error)
        return Attempt(row, error=fault)
    return Attempt(row, receipt=receipt)


async def remembered(row: OutboxRow, ending: asyncio.Task[Receipt]) -> Attempt:
    """Return what came of ``row``, which was said from memory before it was owed; nothing is said again."""
    try:
        return Attempt(row, receipt=await asyncio.shield(ending))
    except PermanentError as error:
        return Attempt(row, error=error)


class FaultyChannelError(TransientError):
    """A channel raised what no channel may: a bug, kept with its traceback for the log."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"the channel failed with {type(cause).__name__}")
        self.__cause__ = cause


def said_until(row: OutboxRow) -> datetime | None:
    """Return until when a command may be sent.

    What was said from memory is owed for longer: what became of it is still to be written.
    """
    if row.kind != "speech":
        return row.valid_until
    return datetime.fromisoformat(row.payload["speech"]["valid_until"])


def command_id(row: OutboxRow) -> str:
    """Return what the receiver knows ``row`` by.

    A speech that gave way has another id when it is said afterwards: what was stopped under the first one
    is over for the speaker, however late a repetition of it comes.
    """
    gave_way = row.payload.get("gave_way", 0)
    return f"{row.id}.{gave_way}" if gave_way else row.id


def _delivery(
    row: OutboxRow, pictures: tuple[Picture, ...], missing: str, films: FilmSource | None
) -> Delivery:
    payload = row.payload["speech"] if row.kind == "speech" else row.payload
    clip = row.payload.get("clip") or {}
    along = films is not None and clip.get("state") == "kept" and row.payload.get("change") in FILM_GOES_ALONG
    if missing:
        payload = payload | {"pictures_missing": missing}
    return Delivery(
        id=command_id(row),
        incident_id=row.about,
        incident_version=row.incident_version,
        attempt=row.attempts,
        payload=payload,
        created_at=row.owed_since or row.created_at,
        valid_until=row.valid_until,
        pictures=pictures,
        film=partial(films, row.about) if films and along else None,
    )


async def _pictures(row: OutboxRow, clock: Clock, source: PictureSource | None) -> Pictures:
    """Wait for the incident's pictures, but not for ever: late news is worse than news without a picture."""
    if row.kind == "speech" or source is None:
        return (), ""
    if told := row.payload.get("pictures_missing"):
        return (), told
    deadline: datetime = row.created_at + PICTURES_WITHIN
    while True:
        try:
            found = await asyncio.to_thread(source, row.about)
        except (OSError, LianfangError) as error:
            _log.warning("pictures_unreadable", alert_id=row.about, error=str(error))
            return (), "the pictures could not be read"
        if found is not None:
            return found
        if clock.now() >= deadline:
            return (), f"no picture within {PICTURES_WITHIN.seconds} s"
        await asyncio.sleep(_PICTURES_POLL_S)
