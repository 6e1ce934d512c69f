"""Objects that are sent together: what comes while a request is under way goes along with the next one."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from alerts.viid.answers import Status
from alerts.viid.codes import Collection, Kind
from alerts.viid.objects import Report
from lianfang.errors import PermanentError, TransientError

Method = Literal["POST", "PUT"]
Send = Callable[[Method, Collection, bytes], Awaitable[Mapping[str, Status]]]
"""Sends the list of a collection, and returns the status of each object by its id."""
_Key = tuple[Method, Kind]
_Waiting = tuple[Report, bytes, asyncio.Future[Status]]
_ENVELOPE = 100  # bytes around the objects of a list


class Collector:
    """Sends objects in lists of at most ``most`` and ``most_bytes``, one list of a kind at a time.

    Of one event loop.
    """

    def __init__(
        self, collections: Mapping[Kind, Collection], send: Send, most: int, most_bytes: int
    ) -> None:
        self._collections, self._to_platform = collections, send
        self._most, self._most_bytes = most, most_bytes
        self._waiting: defaultdict[_Key, deque[_Waiting]] = defaultdict(deque)
        self._tasks: dict[_Key, asyncio.Task[None]] = {}

    async def send(self, report: Report, method: Method = "POST") -> Status:
        """Send ``report`` and return what is said of it; TransientError and PermanentError as of the list."""
        text = json.dumps(report.body, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) + _ENVELOPE > self._most_bytes:
            raise PermanentError(f"the report has {len(text)} bytes; max_body_bytes is {self._most_bytes}")
        future: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        key = method, report.kind
        self._waiting[key].append((report, text, future))
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._drain(key))
        return await future

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, key: _Key) -> None:
        waiting = self._waiting[key]
        try:
            while waiting:
                batch = self._next(waiting)
                if batch:
                    await self._send(key, batch)
        finally:
            del self._tasks[key]
            for _, _, future in waiting:
                future.cancel()
            waiting.clear()

    def _next(self, waiting: deque[_Waiting]) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = _ENVELOPE
        while waiting and len(batch) < self._most:
            if batch and size + len(waiting[0][1]) > self._most_bytes:
                break
            one = waiting.popleft()
            size += len(one[1]) + 1
            if not one[2].done():  # whoever asked has given up
                batch.append(one)
        return batch

    async def _send(self, key: _Key, batch: Sequence[_Waiting]) -> None:
        method, kind = key
        collection = self._collections[kind]
        listed = b",".join(text for _, text, _ in batch)
        body = f'{{"{collection.list}":{{"{collection.item}":['.encode() + listed + b"]}}"
        try:
            said = await self._to_platform(method, collection, body)
        except PermanentError as error:
            if len(batch) == 1:
                _settle(batch[0], error)
                return
            for one in batch:  # one of them is to blame, and the others are not
                await self._send(key, [one])
        except BaseException as error:  # whatever it is: nobody must be left waiting
            for one in batch:
                _settle(one, error)
            if not isinstance(error, Exception):
                raise
        else:
            for one in batch:
                _settle(one, said.get(one[0].id) or TransientError("the platform says nothing about it"))


def _settle(one: _Waiting, answer: Any) -> None:  # noqa: ANN401 - a Status or an error
    future = one[2]
    if future.done():
        return
    if isinstance(answer, Status):
        future.set_result(answer)
    elif isinstance(answer, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(answer)
