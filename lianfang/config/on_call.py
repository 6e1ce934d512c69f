"""Who is called, one after the other, about a case that nobody answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from lianfang.config.escalation import Severity, told_live
from lianfang.config.stanza import Id, Problem, Stanza, one_of

if TYPE_CHECKING:
    from lianfang.config.model import Config


class Called(Stanza):
    """Somebody who is called about a case that nobody answers."""

    operator: Id
    """Who it is: the consoles where they are logged in ring."""
    to: tuple[Id, ...] = ()
    """Receivers of notices that reach them elsewhere, such as a robot or an address for mail."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield who is nobody, and receivers that are none or that a person must confirm first."""
        if self.operator not in config.api.operators:
            yield Problem(("operator",), repr(self.operator), one_of(config.api.operators))
        notices = config.receivers_of("notice")
        live = set(told_live(config))
        for i, receiver in enumerate(self.to):
            if receiver not in notices:
                yield Problem(("to", i), repr(receiver), one_of(notices))
            elif receiver in live:
                yield Problem(("to", i), f"{receiver}, which rules tell live", "one that no rule tells live")


class OnCall(Stanza):
    """A case that nobody has answered calls one person after the other, until somebody answers."""

    order: tuple[Called, ...] = Field(min_length=1, max_length=50)
    """Whom it calls, in this order; after the last one it begins anew."""
    after_s: float = Field(default=60, ge=5, le=3600)
    """Seconds without an answer until the next one is called, on the wall's clock."""
    severities: tuple[Severity, ...] = Field(default=("critical", "high"), min_length=1)
    """Of which cases."""

    def nth(self, n: int) -> Called:
        """Return who is called as the ``n``-th, from 1 on."""
        return self.order[(n - 1) % len(self.order)]
