"""Asking for something dear once for all who want it at the same moment, and keeping the answer for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Flights(Generic[Key, Value]):
    """Answers by key. A failure is told to all who waited for it, and not kept; the last good answer stays."""

    def __init__(self, kept_seconds: float, most_kept: int, now: Callable[[], float] = monotonic) -> None:
        self._kept_seconds = kept_seconds
        self._most_kept = most_kept
        self._now = now
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._under_way: dict[Key, asyncio.Future[Value]] = {}

    async def get(
        self, key: Key, ask: Callable[[], Awaitable[Value]], *, fresh: bool = False, later: bool = False
    ) -> Value:
        """The answer that is kept, or that of whoever asks already, or `ask`'s. With `fresh`, none that was kept; with
        `later`, none either that somebody began to ask for before."""
        if later and key in self._under_way:
            await asyncio.wait([self._under_way[key]])
        while True:
            kept = self._kept.get(key)
            if kept is not None and not fresh and not later and self._now() - kept[0] < self._kept_seconds:
                return kept[1]
            under_way = self._under_way.get(key)
            if under_way is None:
                return await self._ask(key, ask)
            await asyncio.wait([under_way])
            if not under_way.cancelled():  # else whoever asked has left: the next one asks
                return under_way.result()

    async def _ask(self, key: Key, ask: Callable[[], Awaitable[Value]]) -> Value:
        flight: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._under_way[key] = flight
        try:
            answer = await ask()
        except asyncio.CancelledError:
            flight.cancel()
            raise
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # it is raised here, whether or not anybody else waited
            raise
        else:
            flight.set_result(answer)
            self._kept[key] = (self._now(), answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
            return answer
        finally:
            del self._under_way[key]
