"""``lianfang speaker``: let a speaker of a configuration say something, or ask it how it is."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

from alerts.channels.base import Delivery, Speaker, SpeakerConfig
from alerts.payload import MAX_SPEECH_CHARACTERS, Speech
from alerts.receivers import channel_to, speaker_settings
from alerts.voice.clips import Clips
from alerts.voice.server import serving
from lianfang.clock import Clock, SystemClock
from lianfang.config import Spoken, load
from lianfang.config.voice import ClipServer
from lianfang.errors import LianfangError, PermanentError

_TEXTS: dict[Spoken, str] = {
    "zh": "这是一次广播测试。",
    "yue": "呢个系一次广播测试。",
    "en": "This is a test of the loudspeaker.",
}
_MAX_S = 60


def main(argv: Sequence[str]) -> int:
    """Run the command line; return 0, 1 where the speaker does not do it, 2 where the input is wrong."""
    options = _parser().parse_args(argv)
    clock = SystemClock()
    try:
        config = load(options.config)
        settings = speaker_settings(config, options.speaker)
        speech = _speech(options, settings, clock) if options.what == "test" else None
        clips = Clips.of(config)
        speaker = channel_to(settings, clock, clips)
    except (LianfangError, LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    assert isinstance(speaker, Speaker)  # noqa: S101 - what a SpeakerConfig builds
    try:
        serve = config.voice.serve if settings.plays_sound else None
        sys.stdout.write(asyncio.run(_beside(serve, clips, clock, _try(speaker, speech, clock))))
    except LianfangError as error:
        final = "for good" if isinstance(error, PermanentError) else "this time"
        sys.stderr.write(f"{options.speaker}: failed {final}: {error}\n")
        return 1
    return 0


def _speech(options: argparse.Namespace, settings: SpeakerConfig, clock: Clock) -> Speech:
    """Return what is to be said, no louder than the configuration allows at any time."""
    text = options.text or _TEXTS[options.language]
    if not 1 <= len(text) <= MAX_SPEECH_CHARACTERS:
        raise ValueError(f"--text of {len(text)} characters: 1 to {MAX_SPEECH_CHARACTERS}")
    if not 0 <= options.volume <= 100:
        raise ValueError(f"--volume {options.volume}: 0 to 100")
    return Speech(
        id=f"test-{uuid4()}",
        text=text,
        language=options.language,
        volume_pct=min(options.volume, settings.max_volume_pct),
        repeat=1,
        max_s=_MAX_S,
        valid_until=clock.now() + timedelta(seconds=30),
    )


async def _beside(
    serve: ClipServer | None, clips: Clips, clock: Clock, trying: Coroutine[Any, Any, str]
) -> str:
    """Try while the speaker can fetch its sound: from here, or from the service where that runs already."""
    async with AsyncExitStack() as resources:
        with suppress(LianfangError):  # it cannot listen there: the service does
            await resources.enter_async_context(serving(serve, clips, clock))
        return await trying


async def _try(speaker: Speaker, speech: Speech | None, clock: Clock) -> str:
    begun_s = clock.monotonic()
    try:
        if speech is None:
            status = await speaker.status()
            return " ".join(filter(None, (status.condition, status.command, status.detail))) + "\n"
        delivery = Delivery(
            id=speech.id,
            incident_id=speech.id,
            incident_version=1,
            attempt=1,
            payload=speech.model_dump(mode="json"),
            created_at=clock.now(),
            valid_until=speech.valid_until,
        )
        try:
            said = await speaker.send(delivery)
        except asyncio.CancelledError:  # Ctrl-C
            await speaker.stop(speech.id)
            raise
        took_s = clock.monotonic() - begun_s
        return f"{said.outcome} after {took_s:.1f} s{f': {said.detail}' if said.detail else ''}\n"
    finally:
        await speaker.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang speaker", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    test = commands.add_parser("test", help="let it say something, once; Ctrl-C stops it")
    test.add_argument("--language", choices=get_args(Spoken), default="zh")
    test.add_argument("--text", help="what it says; a sentence of ours where not given")
    test.add_argument("--volume", type=int, default=40, help="0-100, no more than its max_volume_pct; 40")
    status = commands.add_parser("status", help="ask it how it is")
    for command in (test, status):
        command.add_argument("config", type=Path, help="configuration file (YAML)")
        command.add_argument("speaker", help="a receiver of it")
    return parser
