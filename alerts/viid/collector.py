"""Objects that are posted together: what comes while a request is under way goes along with the next one."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from alerts.viid.answers import Status
from alerts.viid.codes import Collection, ObjectKind
from alerts.viid.objects import Report
from lianfang.errors import PermanentError, TransientError

Post = Callable[[Collection, bytes], Awaitable[Mapping[str, Status]]]
"""Posts the list of a collection, and returns the status of each object by its id."""
_Waiting = tuple[Report, bytes, asyncio.Future[Status]]
_ENVELOPE = 100  # bytes around the objects of a list


class Collector:
    """Posts objects in lists of at most ``most`` and ``most_bytes``, one list of a kind at a time.

    Of one event loop.
    """

    def __init__(
        self, collections: Mapping[ObjectKind, Collection], post: Post, most: int, most_bytes: int
    ) -> None:
        self._collections, self._post = collections, post
        self._most, self._most_bytes = most, most_bytes
        self._waiting: defaultdict[ObjectKind, deque[_Waiting]] = defaultdict(deque)
        self._tasks: dict[ObjectKind, asyncio.Task[None]] = {}

    async def put(self, report: Report) -> Status:
        """Post ``report`` and return what is said of it; TransientError and PermanentError as of the list."""
        text = json.dumps(report.body, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) + _ENVELOPE > self._most_bytes:
            raise PermanentError(f"the report has {len(text)} bytes; max_body_bytes is {self._most_bytes}")
        future: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        self._waiting[report.kind].append((report, text, future))
        if report.kind not in self._tasks:
            self._tasks[report.kind] = asyncio.create_task(self._drain(report.kind))
        return await future

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, kind: ObjectKind) -> None:
        waiting = self._waiting[kind]
        try:
            while waiting:
                batch = self._next(waiting)
                if batch:
                    await self._send(kind, batch)
        finally:
            del self._tasks[kind]
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

    async def _send(self, kind: ObjectKind, batch: Sequence[_Waiting]) -> None:
        collection = self._collections[kind]
        listed = b",".join(text for _, text, _ in batch)
        body = f'{{"{collection.list}":{{"{collection.item}":['.encode() + listed + b"]}}"
        try:
            said = await self._post(collection, body)
        except PermanentError as error:
            if len(batch) == 1:
                _settle(batch[0], error)
                return
            for one in batch:  # one of them is to blame, and the others are not
                await self._send(kind, [one])
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
