"""By when people must have done something about a case, and who hears of it if they have not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from lianfang.config.stanza import Id, Problem, Stanza, Text, one_of

if TYPE_CHECKING:
    from lianfang.config.model import Config

Severity = Literal["low", "medium", "high", "critical"]


class Tier(Stanza):
    """Who hears of a case next, where it has not been dealt with in time."""

    name: Text
    """As it is called on the console."""
    after_s: float = Field(gt=0, le=86_400)
    """Seconds from the moment when people were needed: at once, or when speaking had not helped."""
    unless: Literal["acknowledged", "handled"] = "acknowledged"
    """What makes it needless: that somebody has taken the case, or that there is a result."""
    to: tuple[Id, ...] = ()
    """Receivers of notices."""
    cell: bool = False
    """True: also the cell of the grid in which the point lies; a case that nobody has is assigned to it."""
    mode: Literal["task", "live", "test", "drill"] = "task"
    """Of its notices: ``task`` asks our own people to go and see, ``live`` needs a person's confirmation."""
    automatic: bool = True
    """False: it becomes due on the console, and goes out once an operator presses it."""

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield receivers that do not exist, and what would go out though a person must confirm it."""
        notices = config.receivers_of("notice")
        for i, receiver in enumerate(self.to):
            if receiver not in notices:
                yield Problem(("to", i), repr(receiver), one_of(notices))
        if not self.automatic:
            return
        confirmed = "false where a person must confirm it first"
        if self.mode == "live":
            yield Problem(("automatic",), "true with mode live", confirmed)
        elif self.mode == "task" and (live := sorted(set(self.to) & set(told_live(config)))):
            yield Problem(("automatic",), f"true for {', '.join(live)}, which rules tell live", confirmed)


class Escalation(Stanza):
    """The time limits of cases of one severity. They are promises of the clock on the wall."""

    acknowledge_s: float | None = Field(default=None, gt=0, le=86_400)
    """Seconds until somebody must have taken it, then it is overdue and rings again; none where not given."""
    handle_s: float | None = Field(default=None, gt=0, le=604_800)
    """Seconds from when somebody was sent until there must be a result; none where not given."""
    tiers: tuple[Tier, ...] = ()
    """Who hears of it, one after the other."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [tier.after_s for tier in self.tiers]
        if times != sorted(times):
            raise ValueError("tiers in the order of their after_s")
        return self


def usual_limits() -> dict[Severity, Escalation]:
    """Return the limits of an installation that says nothing of them."""
    return {"critical": Escalation(acknowledge_s=60), "high": Escalation(acknowledge_s=180)}


def told_live(config: Config) -> Iterator[str]:
    """Yield the receivers that a rule tells live."""
    for rule in config.rules.values():
        for target in getattr(rule, "notify", ()):
            if target.mode == "live":
                yield target.receiver
