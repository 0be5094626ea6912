"""An end for what is asked of servers. Most of it is over long before, so who asks gets a timer only after a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from tradepost.foundation.running import running_task
from tradepost.protocol.upstream_errors import UpstreamTimedOut

LOOK_SECONDS = 0.05  # a deadline that is older than once or twice this has a timer of its own


class Deadline:
    """An absolute end for what happens inside: `async with Deadline(60) as deadline`. Raises UpstreamTimedOut, which
    says whether the request that was given this deadline had left by then."""

    # What asyncio.timeout does and no more, at a quarter of its price: this stands around every call.
    __slots__ = ("_cancelling", "_ends_at", "_expired", "_loop", "_seconds", "_task", "_timer", "_young", "dispatched")

    def __init__(self, seconds: float) -> None:
        self.dispatched = False
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> Self:
        loop, self._task = running_task()
        self._loop = loop
        self._cancelling = self._task.cancelling()
        self._ends_at = loop.time() + self._seconds
        self._timer: asyncio.TimerHandle | None = None
        self._young = _young_of(loop)
        if self._seconds > 2 * LOOK_SECONDS:
            self._young.add(self)
        else:
            self.arm()
        return self

    def arm(self) -> None:
        """From now on there is a timer."""
        self._timer = self._loop.call_later(self.left(), self._expire)

    def left(self) -> float:
        """Seconds until the end."""
        return max(0.0, self._ends_at - self._loop.time())

    @asynccontextmanager
    async def paused(self, seconds: float) -> AsyncIterator[None]:
        """What happens inside does not count, as long as it takes no longer than so many seconds."""
        left = self.left()
        self._disarm()
        pause = self._timer = self._loop.call_later(seconds, self._expire)
        try:
            yield
        finally:
            is_over = self._expired or pause.cancelled()  # or what has this deadline has ended before
            pause.cancel()
            if not is_over:
                self._ends_at = self._loop.time() + left
                self.arm()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disarm()
        # Only our own cancelling becomes a timeout: somebody else's at the same moment goes on.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            what = "did not answer" if self.dispatched else "could not be reached"
            raise UpstreamTimedOut(
                f"The server {what} within {self._seconds:.3g} seconds.", dispatched=self.dispatched
            ) from None

    def _disarm(self) -> None:
        if self._timer is None:
            self._young.discard(self)
        else:
            self._timer.cancel()

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()


class _Young:
    """The deadlines of one event loop that have no timer yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._new: set[Deadline] = set()
        self._older: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: Deadline) -> None:
        self._new.add(deadline)
        if self._timer is None:
            self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def discard(self, deadline: Deadline) -> None:
        self._new.discard(deadline)
        self._older.discard(deadline)

    def _look(self) -> None:
        for deadline in self._older:
            deadline.arm()
        self._older, self._new = self._new, set()
        self._timer = self.loop.call_later(LOOK_SECONDS, self._look) if self._older else None


_youngest: _Young | None = None


def _young_of(loop: asyncio.AbstractEventLoop) -> _Young:
    """Those of the loop that runs. A process has one as a rule; those of another one keep what they have."""
    global _youngest
    young = _youngest
    if young is None or young.loop is not loop:
        young = _youngest = _Young(loop)
    return young
