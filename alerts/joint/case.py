"""A joint test case, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from lianfang.errors import LianfangError
from lianfang.reach.http import Answer, HttpEndpoint


class CaseFailedError(Exception):
    """The platform has not answered as it must, and how it has."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its number and what it is about. ``run`` raises CaseFailedError or a LianfangError."""

    number: int
    title: str
    run: Callable[[], Awaitable[object]]


def numbered(*cases: tuple[str, Callable[[], Awaitable[object]]]) -> Sequence[Case]:
    """Return cases, each with its number, from 1."""
    return [Case(number, title, run) for number, (title, run) in enumerate(cases, start=1)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case: ``fault`` is "" where it passed, ``words`` the platform's last answer."""

    number: int
    title: str
    fault: str
    words: str


class Heard(HttpEndpoint):
    """An endpoint that remembers what it was answered."""

    answers: Sequence[tuple[str, Answer]] = ()
    """Method and answer of each request since ``forget``."""

    def forget(self) -> None:
        """Begin anew."""
        self.answers = ()

    async def request(  # noqa: D102 - as of an endpoint
        self, method: str, *args: object, **more: object
    ) -> Answer:
        answer = await super().request(method, *args, **more)  # type: ignore[arg-type]
        self.answers = (*self.answers, (method, answer))
        return answer

    @property
    def status(self) -> int | None:
        """The HTTP status of the last answer."""
        return self.answers[-1][1].status if self.answers else None

    @property
    def words(self) -> str:
        """The last answer, fit for one line."""
        return self.quote(-1)

    def quote(self, index: int) -> str:
        """Return one of the answers, fit for one line."""
        if not self.answers:
            return "no answer"
        _, answer = self.answers[index]
        return f"HTTP {answer.status}: {answer.quote()}".removesuffix(": ")


async def tried(case: Case, heard: Heard, clean_up: Callable[[], Awaitable[None]]) -> Verdict:
    """Run one case, and whatever came of it take back what it has sent."""
    heard.forget()
    fault = ""
    try:
        await case.run()
    except (CaseFailedError, LianfangError) as error:
        fault = str(error)
    words = heard.words
    try:
        await clean_up()
    except LianfangError as error:
        fault = "; ".join(filter(None, (fault, f"what it sent could not be withdrawn: {error}")))
    return Verdict(case.number, case.title, fault, words)
