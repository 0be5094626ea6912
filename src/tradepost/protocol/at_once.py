"""Waiting with a limit of time only where there is something to wait for.

A timer around every await costs more than most of them take: what is asked for is often there already.
"""

import asyncio
from collections.abc import Awaitable, Generator
from types import coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


async def within(seconds: float, asked: Awaitable[Value]) -> Value:
    """What something gives, which is begun at once. Raises TimeoutError when it takes longer."""
    waiting = asked.__await__()
    try:
        waits_for = next(waiting)
    except StopIteration as done:
        value: Value = done.value
        return value
    async with asyncio.timeout(seconds):
        return await _rest(waiting, waits_for)


@coroutine
def _rest(waiting: Generator[Any, Any, Value], waits_for: Any) -> Generator[Any, Any, Value]:
    """What is left of something that has begun to wait."""
    while True:
        try:
            try:
                heard = yield waits_for
            except BaseException as error:  # noqa: BLE001  also that it was cancelled: what waits has to hear of it
                waits_for = waiting.throw(error)
            else:
                waits_for = waiting.send(heard)
        except StopIteration as done:
            value: Value = done.value
            return value
