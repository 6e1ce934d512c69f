"""The SIP speaker: called by a real user agent; what counts is what the device heard, and that it said so."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.channels import speaker_sip
from alerts.channels.base import Channel, Receipt, SpeakerStatus
from alerts.voice import sound
from alerts.voice.clips import Clips
from deploy.simulators.speaker_sip import PASSWORD, USERNAME, SipSpeakerSimulator
from lianfang.clock import SystemClock
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import secret_in_env, silent
from tests.support.delivery import until
from tests.support.g711 import QUIET, Law, decoded, is_heard
from tests.support.sip_horn import Horn, needs_baresip
from tests.support.sound_site import SoundSite, at_device
from tests.support.voice import tone

DONE = Receipt("accepted", "it was on the line to its end; it does not say what was heard")
CALLER = """
import asyncio, sys
from pathlib import Path
from alerts.voice.sip import Agent, Line
from alerts.voice.sound import silence

async def call(host, port):
    modules = Path("/usr/lib/baresip/modules")
    line = Line("baresip", modules, "lianfang", "", host, "udp", proxied=False)
    async with Agent(line, (host, port), within_s=60, patience_s=5, speech=silence(30)) as agent:
        agent.dial(f"sip:horn@{host}:{port}")
        await asyncio.sleep(60)

asyncio.run(call(sys.argv[1], int(sys.argv[2])))
"""
Site = SoundSite[SipSpeakerSimulator]


def at_site(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[Site], Awaitable[None]],
    config: dict[str, Any] | Callable[[str], dict[str, Any]] | None = None,
    **simulated: Any,  # noqa: ANN401 - as the simulator takes it
) -> None:
    """Run ``test`` at a speaker; ``config`` is what its stanza has, perhaps because of whom to call."""
    needs_baresip()
    device = SipSpeakerSimulator(say=silent, **simulated)
    password = simulated.get("password", PASSWORD)

    def build(url: str, clips: Clips) -> Channel:
        stanza = {
            "kind": "speaker_sip",
            "uri": url,
            "networks": ["127.0.0.0/8"],
            "transport": device.transport,
            "username": USERNAME,
            "password": secret_in_env(monkeypatch, password) if password else None,
            **(config(url) if callable(config) else config or {}),
        }
        return speaker_sip.build(speaker_sip.Config.model_validate(stanza), SystemClock(), clips)

    at_device(tmp_path, device, build, test)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("password", "law"), [("", "a"), (PASSWORD, "mu")], ids=["open", "digest, mu-law"])
def test_the_speaker_hears_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str, password: str, law: Law
) -> None:
    async def test(site: Site) -> None:
        assert await site.say() == DONE
        assert is_heard(site.expected(law=law), decoded(bytes(site.device.heard), law), law)
        assert site.device.refused == []
        assert not site.device.busy, "it was told that the call is over"

    at_site(tmp_path, monkeypatch, test, transport=transport, password=password, law=law)


def test_another_user_agent_hears_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_baresip()
    with Horn(tmp_path / "horn") as horn:

        async def test(site: Site) -> None:
            assert await site.channel.status() == SpeakerStatus("ready")
            assert await site.say() == DONE
            assert is_heard(site.expected(), horn.heard())

        at_site(tmp_path, monkeypatch, test, config={"uri": horn.url})


def test_an_exchange_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def config(url: str) -> dict[str, Any]:
        return {"uri": "sip:horn@town.example", "server": url.partition("@")[2]}

    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        assert await site.say() == DONE
        assert is_heard(site.expected(), decoded(bytes(site.device.heard)))
        assert site.device.refused == []

    at_site(tmp_path, monkeypatch, test, config)


def test_how_often_how_loud_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say(repeat=2, volume_pct=30) == DONE
        assert is_heard(site.expected(volume_pct=30, repeat=2), decoded(bytes(site.device.heard)))
        site.device.heard.clear()
        assert await site.say(repeat=9, max_s=2) == DONE
        assert is_heard(site.expected(repeat=9, max_s=2), decoded(bytes(site.device.heard)))
        assert site.device.refused == []

    at_site(tmp_path, monkeypatch, test)


def test_a_word_of_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        site.recorded.write_bytes(sound.wav(tone(0.1)))
        assert await site.say() == DONE
        assert is_heard(site.expected(), decoded(bytes(site.device.heard)))

    at_site(tmp_path, monkeypatch, test)


def test_not_a_word_before_it_takes_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.say() == DONE
        assert site.device.before, "its ears were open"
        assert (np.abs(decoded(bytes(site.device.before))) <= QUIET).all()
        assert is_heard(site.expected(), decoded(bytes(site.device.heard)))

    at_site(tmp_path, monkeypatch, test, early=True, answer_after_s=0.5)


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        (486, TransientError, "the speaker does not take the call: 486 Busy Here"),
        (480, TransientError, "the speaker does not take the call: 480 Temporarily Unavailable"),
        (503, TransientError, "the speaker does not take the call: 503 Service Unavailable"),
        (603, PermanentError, "the speaker says refused: 603 Decline"),
        (488, PermanentError, "the speaker says refused: 488 Not Acceptable Here"),
        (403, PermanentError, "it does not let us in: 403 Forbidden"),
        (0, TransientError, "the speaker did not take the call within 1 s"),
    ],
)
def test_a_call_that_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: int, error: type[Exception], said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert type(answer) is error
        assert str(answer) == said
        await until(lambda: not site.device.busy)
        assert site.device.heard == b""

    at_site(tmp_path, monkeypatch, test, config={"answer_s": 1}, answers=answers)


def test_a_call_that_is_taken_too_late_is_not_spoken_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        assert isinstance(await site.say(valid_s=1), TransientError)
        assert isinstance(await site.say(valid_s=-0.001), PermanentError)
        assert site.device.asked.count("INVITE") == 2, "once, and once with the password"
        assert "CANCEL" in site.device.asked
        assert site.device.heard == b""

    at_site(tmp_path, monkeypatch, test, answer_after_s=5)


def test_a_call_that_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.hears.strip(b"\xd5"))
        site.device.hang_up()
        answer = await task
        assert isinstance(answer, TransientError)
        assert str(answer) == "the speaker hung up before the end"

    at_site(tmp_path, monkeypatch, test)


def test_a_speaker_that_goes_away_meanwhile_has_not_heard_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        site.device.obeys_bye = False
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert str(answer) == "the speaker does not confirm that the call is over: it may be gone"

    at_site(tmp_path, monkeypatch, test, config={"timeout_s": 1})


def test_a_stop_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.hears.strip(b"\xd5"))
        assert await site.channel.status() == SpeakerStatus("playing", "delivery-1")
        with pytest.raises(PermanentError, match="not said here"):
            await site.channel.stop("another")
        assert await site.channel.stop("delivery-1") == Receipt("stopped", "the call is over")
        assert not site.device.busy
        answer = await task
        assert isinstance(answer, PermanentError)
        assert str(answer) == "the speaker says stopped: broken off"
        assert await site.channel.status() == SpeakerStatus("ready")

    at_site(tmp_path, monkeypatch, test)


def test_a_stop_before_it_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say())
        await asyncio.sleep(0)
        assert (await site.channel.stop("delivery-1")).outcome == "stopped"
        assert str(await task) == "the speaker says stopped: broken off"
        assert site.device.asked == []

    at_site(tmp_path, monkeypatch, test)


def test_a_stop_while_it_rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say())
        await until(lambda: site.device.busy)
        assert (await site.channel.stop("delivery-1")).outcome == "stopped"
        assert not site.device.busy
        assert str(await task) == "the speaker says stopped: broken off"
        assert site.device.heard == b""

    at_site(tmp_path, monkeypatch, test, answers=0)


def test_a_stop_that_is_not_obeyed_is_no_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        site.device.obeys_bye = False
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.hears.strip(b"\xd5"))
        with pytest.raises(TransientError, match="does not confirm"):
            await site.channel.stop("delivery-1")
        await task

    at_site(tmp_path, monkeypatch, test, config={"timeout_s": 1})


def test_what_is_urgent_comes_right_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.hears.strip(b"\xd5"))
        await site.channel.stop("delivery-1")
        site.device.heard.clear()
        assert await site.say() == DONE, "what was broken off takes nothing along"
        assert is_heard(site.expected(), decoded(bytes(site.device.heard)))
        await task

    at_site(tmp_path, monkeypatch, test)


def test_who_is_told_to_end_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: site.device.hears.strip(b"\xd5"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not site.device.busy

    at_site(tmp_path, monkeypatch, test)


def test_who_is_killed_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        host, _, port = site.device.url.partition("@")[2].partition(":")
        caller = await asyncio.create_subprocess_exec(sys.executable, "-c", CALLER, host, port)
        try:
            await until(lambda: site.device.hears)
            caller.kill()
            await until(lambda: not site.device.busy)
            assert site.device.asked[-1] == "BYE"
        finally:
            with suppress(ProcessLookupError):
                caller.kill()
            await caller.wait()

    at_site(tmp_path, monkeypatch, test, password="")


def test_nobody_reads_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    async def test(site: Site) -> None:
        channel = site.channel
        assert isinstance(channel, speaker_sip.SpeakerSipChannel)
        task = asyncio.create_task(site.say())
        await until(lambda: site.device.busy)
        assert channel._agent is not None
        assert channel._agent._process is not None
        process = Path("/proc", str(channel._agent._process.pid))
        (folder,) = (tmp_path / "temporary").iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        seen = [process / "cmdline", process / "environ", *folder.iterdir()]
        assert len(seen) >= 4
        assert [file for file in seen if PASSWORD.encode() in file.read_bytes()] == []
        assert PASSWORD not in repr(channel._line)
        await channel.stop("delivery-1")
        await asyncio.gather(task, return_exceptions=True)
        assert list((tmp_path / "temporary").iterdir()) == []

    at_site(tmp_path, monkeypatch, test, answers=0)


@pytest.mark.parametrize("password", ["a;b'c", "a b,c>d", "a\\b", "水边"])
def test_a_password_may_be_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        assert site.device.refused == []

    at_site(tmp_path, monkeypatch, test, password=password)


@pytest.mark.parametrize("password", ["a\n<sip:b>", 'a";b="c'], ids=["a line", "a quote"])
def test_a_password_that_would_say_more_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    async def test(_site: Site) -> None:
        pytest.fail("it was built")

    with pytest.raises(LookupError, match="does not take"):
        at_site(tmp_path, monkeypatch, test, password=password)


@pytest.mark.parametrize("password", ["guess", None])
def test_a_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str | None) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, PermanentError)
        assert str(answer) == "it does not let us in: 401 Unauthorized"
        assert await site.channel.status() == SpeakerStatus("faulty", detail=str(answer))

    at_site(
        tmp_path, monkeypatch, test, config={"password": password and secret_in_env(monkeypatch, password)}
    )


def test_how_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        assert await site.channel.status() == SpeakerStatus("ready")
        site.device.answers_options = 486
        assert await site.channel.status() == SpeakerStatus("playing", detail="it is in another call")
        site.device.answers_options = 405
        assert await site.channel.status() == SpeakerStatus("ready"), "it answers"
        site.device.answers_options = 480
        with pytest.raises(TransientError, match="480 Temporarily Unavailable"):
            await site.channel.status()
        site.device.silent = True
        with pytest.raises(TransientError, match="does not answer"):
            await site.channel.status()
        site.device.silent = False

    at_site(tmp_path, monkeypatch, test, config={"timeout_s": 1})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"uri": "sip:horn@127.0.0.1:1", "transport": "tcp"}, "does not take the call: Connection refused"),
        ({"uri": "sip:horn@127.0.0.1", "networks": []}, "127.0.0.1 is no public address, and in none of its"),
        ({"uri": "sip:horn@no-such-host.invalid"}, "no-such-host.invalid: "),
        ({"program": "no-such-program"}, "no SIP user agent: No such file or directory"),
        ({"modules": "/nowhere"}, "did not take the call within 1 s"),
    ],
)
def test_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], said: str
) -> None:
    async def test(site: Site) -> None:
        answer = await site.say()
        assert isinstance(answer, TransientError)
        assert said in str(answer)

    at_site(tmp_path, monkeypatch, test, config={"answer_s": 1, "timeout_s": 1} | config)
