"""Objects that go together: how many, how large, and whose word is whose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from alerts.viid import codes
from alerts.viid.answers import Status
from alerts.viid.codes import Collection
from alerts.viid.collector import Collector, Method
from alerts.viid.objects import Report
from lianfang.errors import PermanentError, TransientError

COLLECTIONS = codes.read(None).collections
FINE = Status(0, "OK")


class Platform:
    """Says what ``word`` gives for the ids of a list, the first time only once ``open`` is set."""

    def __init__(self, word: Callable[[list[str]], Mapping[str, Status]]) -> None:
        self.word, self.open, self.posts = word, asyncio.Event(), list[list[str]]()

    async def post(self, _method: Method, collection: Collection, body: bytes) -> Mapping[str, Status]:
        """Take a list."""
        found = json.loads(body)[collection.list][collection.item]
        self.posts.append([one["id"] for one in found])
        await self.open.wait()
        return self.word(self.posts[-1])


def _report(name: str, size: int = 1) -> Report:
    return Report("person", name, {"id": name, "x": "x" * size})


def _all_fine(ids: list[str]) -> Mapping[str, Status]:
    return dict.fromkeys(ids, FINE)


def put(
    platform: Callable[[], Platform], *reports: Report, most: int = 10, most_bytes: int = 10_000
) -> tuple[list[list[str]], list[Any]]:
    """Put the first report, the others while it is under way; return the lists, and what came of each."""

    async def run() -> tuple[list[list[str]], list[Any]]:
        there = platform()
        collector = Collector(COLLECTIONS, there.post, most, most_bytes)
        tasks = [asyncio.create_task(collector.send(report)) for report in reports[:1]]
        while not there.posts:  # noqa: ASYNC110 - it comes in the next turn
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(collector.send(report)) for report in reports[1:]]
        await asyncio.sleep(0)
        there.open.set()
        return there.posts, await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(run())


def test_what_comes_meanwhile_goes_together() -> None:
    posts, ends = put(lambda: Platform(_all_fine), *map(_report, "abcd"))
    assert posts == [["a"], ["b", "c", "d"]]
    assert ends == [FINE] * 4


@pytest.mark.parametrize(("most", "most_bytes"), [(2, 10_000), (10, 450)])
def test_lists_have_their_bounds(most: int, most_bytes: int) -> None:
    posts, _ = put(
        lambda: Platform(_all_fine), *(_report(n, 130) for n in "abcd"), most=most, most_bytes=most_bytes
    )
    assert posts == [["a"], ["b", "c"], ["d"]]


def test_an_object_for_which_there_is_no_room_is_not_sent() -> None:
    posts, ends = put(lambda: Platform(_all_fine), _report("a"), _report("b", 1000), most_bytes=1000)
    assert posts == [["a"]]
    assert isinstance(ends[1], PermanentError)


def test_each_gets_its_own_word_and_silence_is_none() -> None:
    posts, ends = put(
        lambda: Platform(lambda ids: {i: Status(2, i) for i in ids if i != "c"}), *map(_report, "abc")
    )
    assert posts == [["a"], ["b", "c"]]
    assert ends[:2] == [Status(2, "a"), Status(2, "b")]
    assert isinstance(ends[2], TransientError)


def test_a_list_that_is_refused_is_sent_one_by_one() -> None:
    def word(ids: list[str]) -> Mapping[str, Status]:
        if "c" in ids:
            raise PermanentError("answered 400")
        return _all_fine(ids)

    posts, ends = put(lambda: Platform(word), *map(_report, "abcd"))
    assert posts == [["a"], ["b", "c", "d"], ["b"], ["c"], ["d"]]
    assert [type(end) for end in ends] == [Status, Status, PermanentError, Status]


@pytest.mark.parametrize("error", [TransientError("busy"), ZeroDivisionError()])
def test_trouble_is_everybodys_and_the_next_are_sent(error: Exception) -> None:
    def word(ids: list[str]) -> Mapping[str, Status]:
        if ids == ["a"]:
            raise error
        return _all_fine(ids)

    _, ends = put(lambda: Platform(word), *map(_report, "ab"))
    assert ends == [error, FINE]


def test_at_the_end_nobody_is_left_waiting() -> None:
    async def run() -> None:
        there = Platform(_all_fine)
        collector = Collector(COLLECTIONS, there.post, 1, 10_000)
        tasks = [asyncio.create_task(collector.send(report)) for report in map(_report, "ab")]
        while not there.posts:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await collector.close()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * 2

    asyncio.run(run())
