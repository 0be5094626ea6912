"""What was asked a moment ago, for whoever asked: a page that is looked at again and again need not weigh the whole
shop each time."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

SECONDS = 30.0
MOST = 1_000


class Lately:
    """Answers that are at most half a minute old. A key names who asked, in which role, and what: nobody is given what
    another one was answered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    async def answer(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer that is there, or a new one; it is not to be changed. What fails is asked again."""
        now = self._clock()
        at, kept = self._kept.get(key, (now - SECONDS, None))
        if now - at < SECONDS:
            return kept
        answer = await ask()
        self._kept[key] = now, answer
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return answer
