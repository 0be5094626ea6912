"""A conversation as it goes on, for its customer: first all of it, then what is new. Who lost the connection opens
another one, and begins with all of it again.

A stream ends when the session that it was opened with does.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.customer_views import CustomerMessage, CustomerView
from tradepost.agents.conversations.customers import Customers
from tradepost.agents.conversations.elsewhere import Hearing
from tradepost.agents.conversations.ports import Hub
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import RateLimited

BEAT_SECONDS = 15.0
CONFIRM_SECONDS = 5.0  # so long at most somebody reads on whose session is over
MOST_STREAMS = 10  # of one customer in one process


@dataclass(frozen=True, slots=True)
class Said:
    """Text that is being added to the answer of a turn."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Still:
    """Nothing happened for a while."""


News = CustomerView | CustomerMessage | Said | Still


class CustomerStreams:
    """Streams for customers."""

    def __init__(self, customers: Customers, hub: Hub, hearing: Hearing) -> None:
        self._customers = customers
        self._hub = hub
        self._hearing = hearing
        self._open: Counter[tuple[str, str]] = Counter()

    async def follow(self, by: Caller, conversation_id: str) -> AsyncGenerator[News, None]:
        """The conversation, then each message that is new or changed, and the conversation again where it went to a
        person or came back; until the process stops. Raises NotFound; Unauthenticated when the session is over;
        RateLimited, Unavailable."""
        with self._counted(by):
            async with self._hearing.watching(by.workspace_id, conversation_id) as watcher:
                known = await self._customers.view(by, conversation_id)
                yield known
                confirmed = beaten = monotonic()
                while not watcher.is_over:
                    is_new = await watcher.stirred(CONFIRM_SECONDS)
                    told, watcher.is_told = watcher.is_told, False
                    before = known
                    if told:
                        known = await self._customers.view(by, conversation_id)
                        await self._hearing.look_at(by.workspace_id, conversation_id)  # as Following does
                    for delta in watcher.taken():
                        yield Said(delta.turn_id, delta.text)
                    for news in _between(before, known):
                        beaten = monotonic()
                        yield news
                    if monotonic() - confirmed >= CONFIRM_SECONDS or not is_new:
                        await self._hub.confirm_now(by)
                        confirmed = monotonic()
                    if monotonic() - beaten >= BEAT_SECONDS:
                        beaten = monotonic()
                        yield Still()

    @contextmanager
    def _counted(self, by: Caller) -> Iterator[None]:
        who = by.workspace_id, Reach(by).holder
        if self._open[who] >= MOST_STREAMS:
            raise RateLimited(
                f"{MOST_STREAMS} pages watch conversations of yours already.",
                hint="Close some of them.",
                retry_after_seconds=CONFIRM_SECONDS,
            )
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def _between(before: CustomerView, after: CustomerView) -> list[News]:
    """What is to be said after one look to somebody who knows the one before."""
    known = {one.id: one for one in before.messages}
    news: list[News] = []
    if after.with_person != before.with_person:
        news.append(after)
    else:
        news += [one for one in after.messages if known.get(one.id) != one]
    return news
