"""The speaker channel and the speaker simulator: final words, one play for one id, validity."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from alerts.channels.base import EmergencyOnAir, Receipt
from deploy.simulators.commands import Word
from deploy.simulators.server import Fault
from deploy.simulators.speaker import SpeakerSimulator
from lianfang.errors import PermanentError, TransientError
from tests.support.channels import (
    SPEAKER,
    TOKEN,
    answer_to,
    delivery_of,
    send,
    served,
    silent,
    speaker_channel,
    speech,
)

FINAL: list[tuple[Word, type[Exception] | None]] = [
    ("finished", None),
    ("refused", PermanentError),
    ("bad_parameter", PermanentError),
    ("stopped", PermanentError),
    ("expired", PermanentError),
    ("pre_empted", TransientError),
    ("error", TransientError),
    ("emergency", EmergencyOnAir),
]


@pytest.mark.parametrize("answer_within_s", [5, 0], ids=["at once", "accepted first"])
@pytest.mark.parametrize(("word", "raised"), FINAL)
def test_speaker_only_the_final_word_counts(
    monkeypatch: pytest.MonkeyPatch, word: Word, raised: type[Exception] | None, answer_within_s: float
) -> None:
    async def run() -> Receipt | Exception:
        speaker = SpeakerSimulator(
            TOKEN,
            words=[word],
            answer_within_s=answer_within_s,
            seconds_per_character=0.005,
            say=silent,
        )
        async with speaker:
            (answer,) = await send(speaker_channel(speaker.url, monkeypatch), delivery_of(speech()))
            assert speaker.played() == (["请远离水边"] if word == "finished" else [])
            return answer

    answer = asyncio.run(run())
    if raised is None:
        assert answer == Receipt("finished", "said 2 times")
    else:
        assert type(answer) is raised
        assert str(answer).startswith(f"the speaker says {word}: ")


def test_speaker_gets_what_it_is_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = speech()

    async def run() -> SpeakerSimulator:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker:
            await send(speaker_channel(speaker.url, monkeypatch), delivery_of(payload))
            return speaker

    (command,) = asyncio.run(run()).received
    assert (command.id, command.text, command.language) == ("delivery-1", "请远离水边", "zh")
    assert (command.volume_pct, command.repeat) == (70, 2)
    assert command.valid_until == datetime.fromisoformat(payload["valid_until"])


@pytest.mark.parametrize(
    ("fault", "words", "played"),
    [
        (Fault("lost"), [], 1),  # it spoke, the answer was lost: asked again, it does not speak again
        (Fault("close"), [], 1),
        (None, ["error"], 1),  # it could not: the same id may be tried again
        (None, ["pre_empted"], 1),
    ],
)
def test_speaker_plays_an_id_once(
    monkeypatch: pytest.MonkeyPatch, fault: Fault | None, words: list[Word], played: int
) -> None:
    async def run() -> tuple[list[Receipt | Exception], SpeakerSimulator]:
        async with SpeakerSimulator(TOKEN, say=silent, faults=[fault], words=words) as speaker:
            delivery = delivery_of(speech())
            channel = speaker_channel(speaker.url, monkeypatch)
            return await send(channel, delivery, replace(delivery, attempt=2), delivery), speaker

    (first, second, third), speaker = asyncio.run(run())
    assert isinstance(first, TransientError)
    assert isinstance(second, Receipt)
    assert isinstance(third, Receipt)
    assert len(speaker.played()) == played


def test_speaker_one_id_means_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[Receipt | Exception]:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker:
            payload = speech()
            other = payload | {"text": "别的话"}
            return await send(
                speaker_channel(speaker.url, monkeypatch), delivery_of(payload), delivery_of(other)
            )

    first, second = asyncio.run(run())
    assert isinstance(first, Receipt)
    assert isinstance(second, PermanentError)
    assert str(second).startswith("answered 409: ")


def test_speaker_a_late_command_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[Receipt | Exception, int]:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker:
            (answer,) = await send(
                speaker_channel(speaker.url, monkeypatch), delivery_of(speech(valid_s=-0.001))
            )
            return answer, speaker.requests

    answer, requests = asyncio.run(run())
    assert isinstance(answer, PermanentError)
    assert requests == 0


def test_speaker_refuses_a_command_that_reaches_it_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[Receipt | Exception, SpeakerSimulator]:
        speaker = SpeakerSimulator(TOKEN, say=silent, faults=[Fault("late", delay_s=0.8)])
        async with speaker:
            channel = speaker_channel(speaker.url, monkeypatch)
            (answer,) = await send(channel, delivery_of(speech(valid_s=0.6)))
            return answer, speaker

    answer, speaker = asyncio.run(run())
    assert isinstance(answer, PermanentError)
    assert str(answer).startswith("the speaker says expired: ")
    assert speaker.played() == []


def test_speaker_that_never_comes_to_the_point(monkeypatch: pytest.MonkeyPatch) -> None:
    async def accepted(_request: web.Request) -> web.Response:
        return web.json_response({"id": "delivery-1", "outcome": "accepted"}, status=202)

    async def run() -> Receipt | Exception:
        async with served(accepted) as url:
            (answer,) = await send(speaker_channel(url, monkeypatch), delivery_of(speech(valid_s=0.6)))
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert str(answer) == "still accepted when its time was over"


def test_speaker_that_breaks_off_while_it_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Receipt | Exception:
        async def half(request: web.Request) -> web.StreamResponse:
            if request.method == "POST":
                return web.json_response({"id": "delivery-1", "outcome": "playing"}, status=202)
            await asyncio.Event().wait()
            raise AssertionError

        async with served(half) as url:
            channel = speaker_channel(url, monkeypatch, timeout_s=0.3)
            (answer,) = await send(channel, delivery_of(speech()))
            return answer

    answer = asyncio.run(run())
    assert isinstance(answer, TransientError)
    assert str(answer) == "no answer within 0.3 s"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>router login</html>",
        "[]",
        '{"id": "delivery-1"}',
        '{"id": "delivery-1", "outcome": "done"}',
        '{"id": "another", "outcome": "finished"}',
        '{"id": "delivery-1", "outcome": "finished", "detail": 7}',
    ],
)
def test_speaker_only_this_protocol_is_an_answer(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    error = answer_to(SPEAKER, monkeypatch, Fault("status", 200, body=body))
    assert isinstance(error, TransientError)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"pitch": 3}, 400),  # unknown
        ({"volume_pct": 101}, 400),
        ({"volume_pct": "70"}, 400),
        ({"repeat": 0}, 400),
        ({"repeat": 11}, 400),
        ({"text": ""}, 400),
        ({"language": "fr"}, 400),
        ({"valid_until": "2025-06-01T08:00:00"}, 400),  # when, in which zone?
    ],
)
def test_speaker_simulator_is_strict(change: dict[str, Any], status: int) -> None:
    import aiohttp  # noqa: PLC0415 - a foreign client, for this test only

    async def run() -> tuple[int, int]:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker, aiohttp.ClientSession() as session:
            body = {k: v for k, v in speech().items() if k not in {"schema_version", "clip"}}
            body |= {"sent_at": datetime.now(UTC).isoformat(), **change}
            say = f"{speaker.url}/v1/say"
            async with session.post(say, data=json.dumps(body), headers=_bearer(TOKEN)) as right:
                pass
            async with session.post(say, data=json.dumps(body), headers=_bearer("guess")) as wrong:
                pass
            return right.status, wrong.status

    assert asyncio.run(run()) == (status, 401)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_speaker_gets_no_file_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {"clip": "a.wav", "also": [{"language": "en", "text": "Get back", "clip": "b.wav"}]}

    async def run() -> Receipt | Exception:
        async with SpeakerSimulator(TOKEN, say=silent) as speaker:
            channel = speaker_channel(speaker.url, monkeypatch)
            (answer,) = await send(channel, delivery_of(speech() | recorded))
            return answer

    assert isinstance(asyncio.run(run()), Receipt)  # it refuses what it does not know
