"""What every speaker promises that is given sound. A class for each driver inherits ``SoundSpeakerContract``.

Each speaks over the wire to the strict simulator of its device; what only it does stands in its own file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Generic

import pytest

from alerts.channels.base import Receipt, SpeakerStatus
from lianfang.errors import PermanentError, TransientError
from tests.support.delivery import until
from tests.support.sound_site import Device, SoundSite


class SoundSpeakerContract(Generic[Device]):
    """The promises. ``done`` and ``stopped`` are its words for them, ``shut`` what it says to a stranger."""

    done: Receipt
    stopped: Receipt
    shut: str

    def at_site(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        test: Callable[[SoundSite[Device]], Awaitable[None]],
        config: dict[str, Any] | None = None,
    ) -> None:
        """Run ``test`` at a device, with ``config`` in the stanza."""
        raise NotImplementedError

    def has_begun(self, site: SoundSite[Device]) -> object:
        """Say whether a speech is heard."""
        raise NotImplementedError

    def was_heard(self, site: SoundSite[Device]) -> bool:
        """Say whether ``site.expected()``, said after another speech was broken off, was heard as a whole."""
        raise NotImplementedError

    def is_silent(self, site: SoundSite[Device]) -> bool:
        """Say whether nothing was heard, or nothing is any more."""
        raise NotImplementedError

    def disobey(self, device: Device) -> None:
        """Let the device not stop any more."""
        raise NotImplementedError

    async def begun(self, site: SoundSite[Device]) -> asyncio.Task[Receipt | Exception]:
        """Return a long speech that is heard."""
        task = asyncio.create_task(site.say(repeat=10))
        await until(lambda: self.has_begun(site))
        return task

    def test_nobody_is_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(site: SoundSite[Device]) -> None:
            answer = await site.say()
            assert isinstance(answer, TransientError)
            assert str(answer).startswith("no connection: ")

        self.at_site(tmp_path, monkeypatch, test, {"base_url": "http://127.0.0.1:1"})

    def test_a_stranger_is_not_let_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(site: SoundSite[Device]) -> None:
            answer = await site.say()
            assert isinstance(answer, PermanentError)
            assert str(answer) == self.shut

        self.at_site(tmp_path, monkeypatch, test, {"username": "guest"})

    def test_what_is_late_is_not_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(site: SoundSite[Device]) -> None:
            assert isinstance(await site.say(valid_s=-0.001), PermanentError)
            assert self.is_silent(site)

        self.at_site(tmp_path, monkeypatch, test)

    def test_a_stop_is_verified(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(site: SoundSite[Device]) -> None:
            task = await self.begun(site)
            assert (await site.channel.status()).condition == "playing"
            assert await site.channel.stop("delivery-1") == self.stopped
            answer = await task
            assert isinstance(answer, PermanentError)
            assert str(answer) == "the speaker says stopped: broken off"
            assert self.is_silent(site)
            assert await site.channel.status() == SpeakerStatus("ready")

        self.at_site(tmp_path, monkeypatch, test)

    def test_a_stop_that_is_not_obeyed_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(site: SoundSite[Device]) -> None:
            task = await self.begun(site)
            self.disobey(site.device)
            with pytest.raises(TransientError):
                await site.channel.stop("another")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.at_site(tmp_path, monkeypatch, test, {"timeout_s": 1})

    def test_what_is_urgent_comes_right_after_a_stop(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def test(site: SoundSite[Device]) -> None:
            task = await self.begun(site)
            await site.channel.stop("delivery-1")
            assert await site.say() == self.done, "what was broken off takes nothing along"
            assert isinstance(await task, PermanentError)
            assert self.was_heard(site)

        self.at_site(tmp_path, monkeypatch, test)

    def test_an_attempt_that_is_given_up_lets_go(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def test(site: SoundSite[Device]) -> None:
            task = await self.begun(site)
            task.cancel()
            assert await site.say() == self.done
            assert self.was_heard(site)

        self.at_site(tmp_path, monkeypatch, test)
