"""Tasks that are told to end do."""

from __future__ import annotations

import asyncio

from lianfang.tasks import end


def test_one_that_did_not_hear_it_is_told_again() -> None:
    async def deaf() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        await asyncio.Event().wait()

    async def failing() -> None:
        raise ValueError("of its own")

    async def run() -> None:
        tasks = [asyncio.create_task(deaf()), asyncio.create_task(failing())]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await end(*tasks, patience_s=0.01)
        assert all(task.done() for task in tasks)
        await end()

    asyncio.run(run())
