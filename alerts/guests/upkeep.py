"""Looks after cameras of guests: settings follow the store, what is due is deleted. One thread runs it."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from alerts.guests.book import GuestBook
from alerts.guests.problems import NotPossible
from lianfang.clock import Clock
from lianfang.errors import LianfangError

_log = structlog.get_logger()

_TURN_S = 2.0
_PURGE_S = 600.0


class Upkeep:
    """A store that is away is asked again later."""

    def __init__(self, book: GuestBook, clock: Clock) -> None:
        self._book, self._clock = book, clock
        self._purged_s = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        trouble = ""
        while True:
            try:
                self.turn()
                trouble = ""
            except NotPossible:
                pass  # there is no `guests` in the file
            except (LianfangError, SQLAlchemyError, OSError) as error:
                if str(error) != trouble:
                    _log.warning("guests_wait", reason=str(error))
                trouble = str(error)
            if stop.wait(_TURN_S):
                return

    def turn(self) -> None:
        """Let the settings be what owners want, and delete what is due."""
        self._book.reconcile("system", "what owners share, and what fits the file")
        self._book.forget_unshared()
        self._book.purge_later(fresh=True)
        now = self._clock.monotonic()
        if now - self._purged_s >= _PURGE_S:
            self._book.purge_later()
            self._purged_s = now
