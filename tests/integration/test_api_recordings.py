"""Recordings in the voice's place: sent, heard, played by a speaker, taken back."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from sqlalchemy import text

from alerts import recordings
from alerts.payload import Speech
from alerts.recordings import lines
from alerts.rules.base import RuleSettings
from alerts.store import Store
from alerts.voice import foreign, sound
from alerts.voice.clips import Clips
from lianfang.config import Text
from lianfang.config.voice import Voice
from lianfang.errors import TransientError
from tests.support.api import Client, Reply, Site, config
from tests.support.outbox import T0
from tests.support.voice import needs_espeak, tone

TEXT = "水深危险，请马上离开水边。"
RECORDED = tone(1.5, hz=330)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def send(client: Client, line: str, data: bytes) -> Reply:
    return client.send("PUT", f"/api/recordings/{line}", data, "audio/wav")


def listed(client: Client) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in client.get("/api/recordings").json}


def the_line(client: Client) -> str:
    (line,) = {id_ for id_, line in listed(client).items() if line["text"] == TEXT}
    return line


def played(clips: Clips, clip: str = "") -> sound.Samples:
    speech = Speech(id="a", text=TEXT, clip=clip, volume_pct=70, repeat=1, valid_until=T0)
    return asyncio.run(clips.clip(speech)).samples


def file_of(samples: sound.Samples, container: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = sound.RATE
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=48_000)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


def test_a_recording_is_said_in_the_voices_place(site: Site, client: Client, tmp_path: Path) -> None:
    needs_espeak()
    line, clips = the_line(client), Clips(Voice(), tmp_path)
    clips.recordings.refresh(site.store)
    voice = played(clips)
    assert listed(client)[line]["recording"] is None
    assert send(client, line, sound.wav(RECORDED)).status == HTTPStatus.NO_CONTENT
    shown = listed(client)[line]["recording"]
    assert (shown["by_name"], shown["seconds"]) == ("王芳", 1.5)
    heard = client.get(f"/api/recordings/{line}.wav")
    assert heard.headers["content-type"] == "audio/wav"
    assert np.array_equal(sound.read(heard.body), RECORDED)
    clips.recordings.refresh(site.store)
    of_the_rule = tmp_path / "rule.wav"
    of_the_rule.write_bytes(sound.wav(tone(0.5)))
    for clip in ("", str(of_the_rule)):  # it comes before the file that the rule names
        assert np.array_equal(played(clips, clip), sound.normalised(RECORDED, Voice().loudness_db))
    assert client.request("DELETE", f"/api/recordings/{line}").status == HTTPStatus.NO_CONTENT
    assert client.request("DELETE", f"/api/recordings/{line}").status == HTTPStatus.NOT_FOUND
    clips.recordings.refresh(site.store)
    assert np.array_equal(played(clips), voice)
    assert list((tmp_path / "recordings").iterdir()) == []


def test_a_later_recording_takes_the_earlier_ones_place(site: Site, client: Client, tmp_path: Path) -> None:
    line, clips = the_line(client), Clips(Voice(), tmp_path)
    for samples in (RECORDED, tone(1, hz=550)):
        assert send(client, line, sound.wav(samples)).status == HTTPStatus.NO_CONTENT
        clips.recordings.refresh(site.store)
        assert np.array_equal(played(clips), sound.normalised(samples, Voice().loudness_db))


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"), ("mp4", "aac")]
)
def test_formats(client: Client, container: str, codec: str) -> None:
    line = the_line(client)
    assert send(client, line, file_of(RECORDED, container, codec)).status == HTTPStatus.NO_CONTENT
    assert listed(client)[line]["recording"]["seconds"] == pytest.approx(1.5, abs=0.15)


@pytest.mark.usefixtures("site")
def test_what_is_no_recording(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(sound.wav(RECORDED))
    playlist = f"#EXTM3U\n#EXTINF:1,\n{secret}\n".encode()
    concat = f"ffconcat version 1.0\nfile {secret}\n".encode()
    whole = sound.wav(RECORDED)
    line = the_line(client)
    for data, said in (
        (b"", "another format"),
        (b"nothing at all", "another format"),
        (playlist, "another format"),  # it would have us read what it names
        (concat, "another format"),
        (whole[:20], "found "),
        (b"RIFF" + bytes(1000), "found "),
        (b"ID3" + bytes(1000), "found "),
        (sound.wav(np.zeros(16_000, np.int16)), "nothing that can be heard"),
        (sound.wav(tone(121)), "longer than 120 s"),
    ):
        answer = send(client, line, data)
        assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY, data[:20]
        assert answer.json["code"] == "no_sound"
        assert said in answer.json["detail"]
    assert send(client, line, bytes(foreign.MAX_BYTES + 1)).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert send(client, "nothing", whole).status == HTTPStatus.NOT_FOUND
    worker = Client(client.port)
    worker.login("walker")
    assert send(worker, line, whole).status == HTTPStatus.FORBIDDEN
    assert worker.request("DELETE", f"/api/recordings/{line}").status == HTTPStatus.FORBIDDEN
    assert listed(client)[line]["recording"] is None


def test_what_is_said_in_other_words_each_time_cannot_be_recorded(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = site.config.rules["river"]
    assert isinstance(rule, RuleSettings)
    assert rule.speech is not None
    varied = rule.speech.model_copy(update={"then": (Text(zh="{point}水深，请离开。"),)})
    changed = {"rules": {"river": rule.model_copy(update={"speech": varied})}}
    monkeypatch.setattr(recordings, "lines", lambda config: lines(config.model_copy(update=changed)))
    (line,) = (line for line in listed(client).values() if line["varies"])
    assert send(client, line["id"], sound.wav(RECORDED)).status == HTTPStatus.NOT_FOUND


def test_a_file_that_ends_its_decoder_is_a_broken_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ValueError, match="allowed: WAV"):
        foreign.decoded(sound.wav(RECORDED))


def test_recordings_are_at_hand_while_the_store_is_away(site: Site, client: Client, tmp_path: Path) -> None:
    assert send(client, the_line(client), sound.wav(RECORDED)).status == HTTPStatus.NO_CONTENT
    clips = Clips(Voice(), tmp_path)
    clips.recordings.refresh(site.store)
    away = Store(f"sqlite:///{tmp_path}/away.db")
    with away.write() as session:
        session.execute(text("DROP TABLE recordings"))
    with pytest.raises(TransientError):
        clips.recordings.refresh(away)
    away.close()
    assert np.array_equal(played(clips), sound.normalised(RECORDED, Voice().loudness_db))
