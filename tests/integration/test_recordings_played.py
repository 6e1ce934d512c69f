"""What a person has recorded is what a speaker plays, in the whole alert service, and after a restart."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from alerts import recordings
from alerts.store import open_store
from alerts.voice import sound
from deploy.simulators.speaker_isapi import PASSWORD, USERNAME, IsapiSimulator
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from tests.e2e.installation import until
from tests.integration.test_without_store import Camera, working
from tests.support.configs import loaded
from tests.support.http_camera import in_thread
from tests.support.voice import needs_espeak, tone

RECORDED = tone(1)


def test_what_a_person_has_recorded_is_played(
    tmp_path: Path, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_espeak()
    monkeypatch.setenv("TEST_ISAPI", PASSWORD)
    with in_thread(IsapiSimulator(say=lambda _: None)) as horn:
        device = {
            "kind": "speaker_isapi",
            "base_url": horn.url,
            "username": USERNAME,
            "password": {"env": "TEST_ISAPI"},
            "night_volume_pct": 100,  # also where this runs in its quiet hours
        }
        config = loaded(
            tmp_path,
            ("receivers.horn", device),
            ("rules.entry.life_safety", True),
            ("rules.entry.notify", []),
            ("rules.entry.speech", {"text": "水深危险，请离开", "repeat": 1, "times": 1}),
        )
        store, camera = open_store(config), Camera(bus, somebody=True)
        (line,) = recordings.lines(config)
        recordings.keep(store, config, SystemClock(), line.id, "duty", sound.wav(RECORDED))
        kept = config.data_dir / "voice" / "recordings"
        pictures = threading.Thread(target=camera.run)
        try:
            with working(config, bus, store):
                until("the recording at hand", lambda: list(kept.glob("*.wav")))
                pictures.start()
                until("a speech", lambda: horn.played)
        finally:
            camera.stop.set()
            if pictures.ident:
                pictures.join()
            store.close()
    loudness = sound.normalised(RECORDED, config.voice.loudness_db)
    assert horn.volume == 70, "the device makes it quieter, not we"
    assert horn.played == [sound.g711(loudness)]
