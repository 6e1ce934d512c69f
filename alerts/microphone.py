"""A person's own voice as a call: live where the speaker can play it so, afterwards where it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import timedelta

import structlog

from alerts import calls
from alerts.channels.base import Microphone
from alerts.receivers import speaker_settings
from alerts.store import Store, suppressions
from alerts.store.calls import CallRow
from alerts.voice import sound
from alerts.voice.microphone import Voices
from lianfang.clock import Clock
from lianfang.config import Config

_FOLDER = "microphone"
_STAMP = "%Y%m%dT%H%M%SZ"
_FORGET_EVERY_S = 3600.0
_log = structlog.get_logger()


def ways(config: Config, speakers: Iterable[str]) -> dict[Microphone, list[str]]:
    """Return the speakers by how a voice is heard there. LookupError for what is no speaker."""
    found: dict[Microphone, list[str]] = {"live": [], "afterwards": [], "none": []}
    for name in speakers:
        found[speaker_settings(config, name).microphone].append(name)
    return found


def begin(
    store: Store, config: Config, clock: Clock, voices: Voices, author: str, wanted: calls.Wanted, rate: int
) -> str:
    """Begin a voice of ``rate`` samples a second and return the id of its call; raises as ``calls.make``.

    Speakers that hear it live are owed it at once. VoiceRefused where too many speak.
    """
    with store.write() as session:
        now = clock.now()
        row = calls.record(session, config, author, wanted, now)
        voices.begin(row.id, author, rate)  # who is refused has made no call
        calls.owe(session, config, row, ways(config, wanted.speakers)["live"], wanted.volume_pct, now)
        return row.id


def end(store: Store, config: Config, clock: Clock, voices: Voices, call_id: str, author: str) -> float:
    """End a voice, owe it to those that hear it afterwards, and return how long it is, in seconds.

    LookupError where that person does not speak as that call.
    """
    samples = voices.end(call_id, author)
    seconds = len(samples) / sound.RATE
    with store.write() as session:
        now = clock.now()
        row = session.get_one(CallRow, call_id)
        first = not row.seconds
        row.seconds = seconds
        stopped = bool(row.stopped_by) or suppressions.standstill(session, now) is not None
        if first and seconds and not stopped:
            later = ways(config, row.speakers)["afterwards"]
            calls.owe(session, config, row, later, None, now)
    if first and seconds:
        _keep(config, clock, call_id, author, samples)
    return seconds


def forget(config: Config, clock: Clock, stop: threading.Event) -> None:
    """Delete what was kept for its days, now and every hour until ``stop``."""
    while True:
        _forget_old(config, clock)
        if stop.wait(_FORGET_EVERY_S):
            return


def _keep(config: Config, clock: Clock, call_id: str, author: str, samples: sound.Samples) -> None:
    """Keep a voice, where the configuration wants that; what cannot be kept was said all the same."""
    if not config.voice.keep_microphone_days:
        return
    folder = config.data_dir / _FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / f"{clock.now():{_STAMP}}-{author}-{call_id}.wav"
        file.write_bytes(sound.wav(samples))
    except OSError as error:
        _log.error("voice_not_kept", call=call_id, reason=str(error))


def _forget_old(config: Config, clock: Clock) -> None:
    before = f"{clock.now() - timedelta(days=config.voice.keep_microphone_days):{_STAMP}}"
    for file in (config.data_dir / _FOLDER).glob("*.wav"):
        if file.name.partition("-")[0] < before:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                _log.error("voice_not_deleted", file=file.name, reason=str(error))
