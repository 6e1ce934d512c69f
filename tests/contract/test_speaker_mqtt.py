"""The MQTT speaker channel against the strict simulator: words, ids, stops. Through a real Mosquitto."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import aiomqtt
import pytest

from alerts.channels.base import EmergencyOnAir, Receipt
from alerts.voice import sound
from alerts.voice.clips import Clips
from alerts.voice.server import serving
from deploy.demo.site import free_port
from deploy.simulators.commands import Word
from lianfang.clock import SystemClock
from lianfang.config.voice import ClipServer, Voice
from lianfang.errors import PermanentError, TransientError
from tests.support.delivery import until
from tests.support.mosquitto import shared_broker
from tests.support.mqtt_speaker import SLOW_S, Site, at_site, until_state
from tests.support.voice import needs_espeak, tone

FINAL: list[tuple[Word, type[Exception] | None]] = [
    ("finished", None),
    ("refused", PermanentError),
    ("bad_parameter", PermanentError),
    ("stopped", PermanentError),
    ("pre_empted", TransientError),
    ("error", TransientError),
    ("emergency", EmergencyOnAir),
]


@pytest.mark.parametrize("answer_after_s", [0.0, 0.5], ids=["at once", "late"])
@pytest.mark.parametrize(("word", "raised"), FINAL)
def test_only_the_last_word_of_the_device_counts(
    word: Word, raised: type[Exception] | None, answer_after_s: float
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        if raised is None:
            assert answer == Receipt("finished")
            assert site.speaker.heard == ["请远离水边"]
        else:
            assert type(answer) is raised
            assert str(answer) == f"the speaker says {word}"
            assert site.speaker.heard == []

    at_site(test, words=[word], answer_after_s=answer_after_s)


def test_what_it_is_told() -> None:
    async def test(site: Site) -> None:
        also = [{"language": "en", "text": "Get back"}, {"language": "yue", "text": "请即刻离开"}]
        await site.say("a", priority=90, volume_pct=35, also=also)
        await site.say("b", priority=10)
        first, second = site.speaker.received
        assert first == {
            "method": "startTts",
            "frameId": "a",
            "content": "请远离水边 Get back",
            "vol": 35,
            "repeat": 2,
            "firstPlay": True,
        }
        assert (second["firstPlay"], second["vol"]) == (False, 70)
        answer = await site.say("c", language="yue")
        assert isinstance(answer, PermanentError)
        assert str(answer) == "it speaks zh, en, not yue"

    at_site(test, config={"speaks": ["zh", "en"]})


def test_an_id_is_played_once() -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say("a"), TransientError)  # said, and not answered
        assert await site.say("a", attempt=2) == Receipt("finished")
        assert await site.say("a", attempt=3) == Receipt("finished")
        assert site.speaker.heard == ["请远离水边"]
        assert len(site.speaker.received) == 2, "what is known is not asked for again"

    at_site(test, faults=["mute"], config={"timeout_s": 1})


def test_what_failed_is_tried_again_under_its_id() -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say("a"), TransientError)
        assert await site.say("a", attempt=2) == Receipt("finished")
        assert site.speaker.heard == ["请远离水边"]

    at_site(test, words=["error"])


def test_a_speaker_that_does_not_hear() -> None:
    async def test(site: Site) -> None:
        assert str(await site.say()) == "no answer from the speaker within 0.3 s"

    at_site(test, faults=["deaf"], config={"timeout_s": 0.3})


@pytest.mark.parametrize("result", ["7", "完成"])
def test_an_answer_that_nothing_explains_is_no_success(result: str) -> None:
    async def test(site: Site) -> None:
        async with aiomqtt.Client("127.0.0.1", shared_broker().port) as other:
            task = asyncio.create_task(site.say())
            await until(lambda: site.speaker.received)
            body = f'{{"frameId": "a", "result": "{result}"}}'
            for noise in ("", "[]", "[" * 10_000, "nothing", b"\xff", '{"frameId": 7, "result": "ok"}', body):
                await other.publish(site.speaker.result_topic, noise, qos=1)
            await task
        assert isinstance(site.answers["a"], PermanentError)
        assert f"`results` does not explain: {result}" in str(site.answers["a"])

    at_site(test, faults=["deaf"])


def test_its_own_words_can_be_explained() -> None:
    async def test(site: Site) -> None:
        async with aiomqtt.Client("127.0.0.1", shared_broker().port) as other:
            task = asyncio.create_task(site.say())
            await until(lambda: site.speaker.received)
            await other.publish(site.speaker.result_topic, '{"frameId": "a", "result": 2}', qos=1)
            await task
        assert site.answers["a"] == Receipt("finished")

    at_site(test, faults=["deaf"], config={"results": {"2": "finished"}})


def test_a_speaker_that_says_only_that_it_has_a_command() -> None:
    async def test(site: Site) -> None:
        answer = await site.say(repeat=1)
        assert isinstance(answer, Receipt)
        assert answer == Receipt("accepted", "the speaker has taken it; it does not say when it has finished")
        assert await site.say(attempt=2, repeat=1) == Receipt("finished", answer.detail)
        assert site.speaker.heard == ["请远离水边"]

    at_site(test, says_end=False, config={"says_end": False})


def test_taken_is_not_played() -> None:
    async def test(site: Site) -> None:
        assert str(await site.say(valid_s=1)) == "still accepted when its time was over"
        assert [command["method"] for command in site.speaker.received] == ["startTts", "stopAudio"]

    at_site(test, says_end=False, config={"timeout_s": 1})


def test_a_late_command_is_never_sent() -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=-0.001), PermanentError)
        assert site.speaker.received == []

    at_site(test)


def test_a_stop_is_verified() -> None:
    async def test(site: Site) -> None:
        task = await site.playing("a")
        assert await site.channel.stop("a") == Receipt("stopped")
        await task
        assert isinstance(site.answers["a"], PermanentError)
        assert isinstance(await site.say("a"), PermanentError)
        assert site.speaker.heard == [], "what was stopped is not said by a late repetition either"

    at_site(test, seconds_per_character=SLOW_S)


def test_a_stop_that_is_not_obeyed_is_no_stop() -> None:
    async def test(site: Site) -> None:
        site.speaker.obeys_stop = False
        task = await site.playing("a")
        with pytest.raises(TransientError, match="it does not stop: error, the amplifier does not obey"):
            await site.channel.stop("a")
        site.speaker.obeys_stop = True
        await site.channel.stop("a")
        await task

    at_site(test, seconds_per_character=SLOW_S)


def test_what_goes_on_for_too_long_is_cut() -> None:
    async def test(site: Site) -> None:
        answer = await site.say(max_s=1, repeat=5)
        assert answer == Receipt("finished", "cut after 1 s")
        assert site.speaker.received[0]["repeat"] == 1, "its own bound, should nobody reach it"
        assert site.speaker.word("a") == "stopped"

    at_site(test, seconds_per_character=SLOW_S)


def test_an_emergency_programme_outranks_everything() -> None:
    async def test(site: Site) -> None:
        task = await site.playing("a", priority=100)
        await site.speaker.call_emergency(on=True)
        await task
        assert isinstance(site.answers["a"], EmergencyOnAir)
        await until_state(site, "emergency")
        assert isinstance(await site.say("b", priority=100), EmergencyOnAir)
        assert len(site.speaker.received) == 1, "nothing is sent into it"
        await site.speaker.call_emergency(on=False)
        await until_state(site, "ready")
        task = await site.playing("a")  # the same id: it was not said
        await site.channel.stop("a")
        await task

    at_site(test, seconds_per_character=SLOW_S)


def test_sound_for_what_it_does_not_speak(tmp_path: Path) -> None:
    needs_espeak()
    port = free_port(0)
    serve = ClipServer(port=port, base_url=f"http://127.0.0.1:{port}")
    clips = Clips(Voice(serve=serve), tmp_path / "voice")
    recorded = tmp_path / "recorded.wav"
    recorded.write_bytes(sound.wav(tone(1)))

    async def test(site: Site) -> None:
        async with serving(serve, clips, SystemClock()):
            also = [{"language": "yue", "text": "请即刻离开"}]
            assert await site.say("text") == Receipt("finished")
            assert await site.say("sound", also=also, volume_pct=30) == Receipt("finished")
            assert await site.say("recorded", clip=str(recorded)) == Receipt("finished")
            link = site.speaker.received[1]["url"]
            async with aiohttp.ClientSession() as session, session.get(f"{link}0") as forged:
                assert forged.status == 404
        first, second, third = site.speaker.received
        assert [c["method"] for c in (first, second, third)] == ["startTts", "playUrl", "playUrl"]
        assert (second["vol"], second["repeat"]) == (30, 2)
        lengths = [len(sound.read(file)) / sound.RATE for file in site.speaker.fetched]
        assert lengths[0] > 2, "both languages"
        assert lengths[1] == pytest.approx(1, abs=0.01)

    at_site(test, config={"play_url": True}, clips=clips)


def test_sound_that_it_cannot_fetch(tmp_path: Path) -> None:
    needs_espeak()
    serve = ClipServer(port=1, base_url="http://127.0.0.1:1")
    clips = Clips(Voice(serve=serve), tmp_path)

    async def test(site: Site) -> None:
        answer = await site.say(language="yue", max_s=1)
        assert isinstance(answer, TransientError)
        assert str(answer) == "the speaker says error: it cannot be fetched"

    at_site(test, config={"play_url": True}, clips=clips)
