"""``lianfang speaker``: a person tries a speaker of a configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from alerts.speaker_command import main
from alerts.voice.clips import Clips
from alerts.voice.server import serving
from deploy.demo.site import free_port
from deploy.simulators.speaker import SpeakerSimulator
from deploy.simulators.speaker_mqtt import MqttSpeakerSimulator
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.config.voice import ClipServer
from tests.support.channels import TOKEN, silent
from tests.support.configs import changed, write
from tests.support.kafka import fresh
from tests.support.mosquitto import shared_broker
from tests.support.voice import needs_espeak


def tried(
    tmp_path: Path, arguments: Sequence[str], *, words: Sequence[str] = (), token: str = TOKEN
) -> tuple[int, SpeakerSimulator]:
    """Run the command beside a simulated speaker."""
    (tmp_path / "token").write_text(token)

    async def run() -> tuple[int, SpeakerSimulator]:
        async with SpeakerSimulator(TOKEN, say=silent, words=words) as speaker:  # type: ignore[arg-type]
            stanza = {
                "kind": "speaker_http",
                "base_url": speaker.url,
                "token": {"file": "token"},
                "max_volume_pct": 55,
            }
            file = write(tmp_path, changed(("receivers.horn", stanza)))
            what, *rest = arguments
            return await asyncio.to_thread(main, [what, str(file), *rest]), speaker

    return asyncio.run(run())


def test_it_says_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, speaker = tried(tmp_path, ["test", "horn", "--language", "en", "--volume", "90"])
    assert code == 0
    assert capsys.readouterr().out.startswith("finished after ")
    (command,) = speaker.received
    assert command.texts == ("This is a test of the loudspeaker.",)
    assert command.volume_pct == 55, "never louder than the configuration allows"


def test_how_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, ["status", "horn"])[0] == 0
    assert capsys.readouterr().out == "ready\n"


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        (["refused"], TOKEN, "horn: failed for good: the speaker says refused"),
        (["error"], TOKEN, "horn: failed this time: the speaker says error"),
        ([], "guess", "horn: failed for good: answered 401"),
    ],
)
def test_what_it_does_not_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], token: str, said: str
) -> None:
    assert tried(tmp_path, ["test", "horn"], words=words, token=token)[0] == 1
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["test", "nobody"], "no speaker 'nobody': one of horn\n"),
        (["test", "police"], "no speaker 'police': one of horn\n"),
        (["test", "horn", "--volume", "101"], "--volume 101: 0 to 100\n"),
        (["test", "horn", "--text", "x" * 501], "--text of 501 characters: 1 to 500\n"),
    ],
)
def test_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code, speaker = tried(tmp_path, arguments)
    assert code == 2
    assert capsys.readouterr().err == said
    assert speaker.requests == 0


@pytest.mark.parametrize("service_runs", [False, True])
def test_it_fetches_its_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, service_runs: bool
) -> None:
    needs_espeak()
    broker, device, port = shared_broker().port, fresh("horn"), free_port(0)
    serve = ClipServer(port=port, base_url=f"http://127.0.0.1:{port}")
    stanza = {
        "kind": "speaker_mqtt",
        "broker": {"host": "127.0.0.1", "port": broker},
        "command_topic": f"speakers/{device}/cmd",
        "result_topic": f"speakers/{device}/result",
        "play_url": True,
    }
    voice = {"serve": serve.model_dump()}
    file = write(tmp_path, changed(("receivers.horn", stanza), ("voice", voice)))

    async def run() -> tuple[int, list[bytes]]:
        # The service shares the folder, and so the key that signs.
        service = serving(serve if service_runs else None, Clips.of(load(file)), SystemClock())
        async with service, MqttSpeakerSimulator("127.0.0.1", broker, device, say=silent) as speaker:
            arguments = ["test", str(file), "horn", "--language", "yue"]
            return await asyncio.to_thread(main, arguments), speaker.fetched

    code, fetched = asyncio.run(run())
    assert code == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("finished after ")
    assert [sound.startswith(b"RIFF") for sound in fetched] == [True]
