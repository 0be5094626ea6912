"""A call to a server that may be in trouble: refused at once while its breaker is open, and repeated where that can do
no harm and does not add to the trouble."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tradepost.hub.limits.breaker import Breakers
from tradepost.hub.limits.retries import RetryBudget
from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

Result = TypeVar("Result")

PAUSE_SECONDS = 0.05  # before the first repetition, up to three times as long; doubling

_PASSING = frozenset({502, 503, 504})
_Failure = UpstreamFailed | UpstreamTimedOut


class Attempts:
    """Makes calls. One for all servers."""

    def __init__(self, breakers: Breakers | None = None, budget: RetryBudget | None = None) -> None:
        self._breakers = breakers or Breakers()
        self._budget = budget or RetryBudget()

    def left_alone(self) -> list[str]:
        """Who is not called now, because it failed too often."""
        return self._breakers.left_alone()

    async def make(
        self,
        key: str,
        name: str,
        once: Callable[[], Awaitable[Result]],
        *,
        repeatable: bool,
        ends_at: float,
        limits: Limits = DEFAULTS,
    ) -> Result:
        """The result of `once`, which calls the server `key` (called `name` in messages) and raises UpstreamFailed or
        UpstreamTimedOut. A `repeatable` one, a read, is made again where the server was not reached or said that it
        cannot answer just now. `ends_at` is when the call has to be over, by the loop's clock."""
        self._budget.called(key, limits.retry_share)
        made = 0
        while True:
            made += 1
            trying = self._breakers.admit(key, name, limits)
            try:
                result = await (once() if made == 1 else _until(ends_at, once))
            except (UpstreamFailed, UpstreamTimedOut) as failure:
                self._judge(key, name, failure, trying, limits)
                if not repeatable or made > limits.retries or not _passes(failure):
                    raise
                pause = _pause(made, failure)
                if asyncio.get_running_loop().time() + pause >= ends_at or not self._budget.take(key):
                    raise
            except BaseException:
                self._breakers.left(key, trying=trying)
                raise
            else:
                self._breakers.succeeded(key, name)
                return result
            await asyncio.sleep(pause)

    def _judge(self, key: str, name: str, failure: _Failure, trying: bool, limits: Limits) -> None:
        if failure.answered or (isinstance(failure, UpstreamFailed) and failure.rpc_error is not None):
            self._breakers.succeeded(key, name)  # it said no, so it is there
        else:
            self._breakers.failed(key, name, trying=trying, limits=limits)


async def _until(ends_at: float, once: Callable[[], Awaitable[Result]]) -> Result:
    """A repetition has the rest of the call's time. The first attempt minds the time itself, and knows what it sent."""
    try:
        async with asyncio.timeout_at(ends_at):
            return await once()
    except TimeoutError:
        raise UpstreamTimedOut("The server did not answer in the time of the call.", dispatched=True) from None


def _passes(failure: _Failure) -> bool:
    """Whether it may be over in a moment, and the server did nothing. What was answered without being sent (nobody is
    connected) is not over by itself."""
    return not (failure.dispatched or failure.answered) or failure.status in _PASSING


def _pause(made: int, failure: _Failure) -> float:
    pause: float = PAUSE_SECONDS * 2 ** (made - 1) * random.uniform(1.0, 3.0)  # noqa: S311 (spreads load, keeps no secret)
    return max(pause, failure.retry_after_seconds or 0.0)
