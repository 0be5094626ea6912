"""Event streams that stay open: what a client's mailbox gets goes out as `notifications/resources/updated`, and that a
list changed as `notifications/tools/list_changed` and its like.

Both eras use the same stream: the answer to `subscriptions/listen`, and the GET of a session. Before anything is told,
the credential is looked at again, and whether the resource may still be read. A client that takes nothing for half a
minute is dropped; it reads again when it is back.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tradepost.foundation.errors import RateLimited
from tradepost.protocol.event_log import StreamLog
from tradepost.protocol.exchange import Exchange
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.list_changes import Marks
from tradepost.protocol.notices import UPDATED
from tradepost.protocol.tasks import CHANGED
from tradepost.protocol.updates import Mailbox

_log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
SEND_SECONDS = 30.0
MOST_STREAMS = 5_000
MOST_PER_OWNER = 200  # as many as it may have sessions

OF_TASKS = "\0task:"  # before the ids of tasks in a mailbox: no URI begins so

Notification = Callable[[str, Json], bytes]  # from method and params


@dataclass(frozen=True, slots=True)
class View:
    """What a client that listens may be told now: of which resources, which lists it sees, and how a task of its own
    stands (None for one that there is nothing to tell of any more)."""

    may_read: Callable[[str], Awaitable[bool]]
    marks: Callable[[], Awaitable[Marks]]
    task: Callable[[str], Awaitable[Json | None]] | None = None


Check = Callable[[], Awaitable[View | None]]


class Streams:
    """The open streams of an endpoint: bounded in all and per owner, ended together."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def __len__(self) -> int:
        return self._open.total()

    def stop(self) -> None:
        """End all, now and from now on: the server stops."""
        self._stopping.set()

    @contextmanager
    def place(self, owner: str) -> Iterator[None]:
        """Room for one more stream of an owner. Raises RateLimited."""
        if self._open[owner] >= MOST_PER_OWNER or len(self) >= MOST_STREAMS:
            raise RateLimited(
                f"Too many event streams are open; one principal may have {MOST_PER_OWNER}.",
                hint="Close streams that are not read, and watch several resources with one.",
                retry_after_seconds=KEEP_ALIVE_SECONDS,
            )
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    async def serve(
        self,
        exchange: Exchange,
        mailbox: Mailbox,
        check: Check,
        notification: Notification,
        after: int | None = None,
    ) -> bool:
        """Send until an end. True when this side ended it (the server stops, the mailbox ended or has a new reader, or
        `check` found that the client may not listen any more), False when the client is gone.

        `check` gives what may be told now, or None when nothing may. `after` is the last event that the client has."""
        reader = mailbox.new_reader(after)
        gone = asyncio.ensure_future(exchange.disconnected())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while not gone.done():
                view = await check() if mailbox.is_for(reader) else None
                if view is None:
                    return True
                lists = await mailbox.changed_lists(view.marks)
                async with asyncio.timeout(SEND_SECONDS):
                    await _send(exchange, mailbox, lists, view, notification, gone)
                await _first_of(mailbox.stirred(reader), gone, stopping)
                if self._stopping.is_set():
                    return True
        except TimeoutError:
            _log.info("a client that took nothing for %g seconds was dropped", SEND_SECONDS)
        finally:
            gone.cancel()
            stopping.cancel()
            mailbox.leave()
        return False

    async def resume(
        self, exchange: Exchange, log: StreamLog, place: int, still_valid: Callable[[], Awaitable[bool]]
    ) -> None:
        """Send what a stream had after a place, and what follows until its end, or another client takes it over, the
        credential or session ends, the server stops or the client leaves."""
        reader = log.attach()
        gone = asyncio.ensure_future(exchange.disconnected())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await exchange.start_stream()
            while not gone.done():
                if not log.is_for(reader) or self._stopping.is_set() or not await still_valid():
                    break
                events = list(log.after(place))
                async with asyncio.timeout(SEND_SECONDS):
                    if events:
                        place = events[-1][0]
                        await exchange.ready_events(b"".join(event for _, event in events))
                    else:
                        await exchange.keep_alive()
                if log.is_over(place):
                    break
                await _first_of(log.stirred(reader, place), gone, stopping)
            if not gone.done():
                await exchange.end_stream()
        except TimeoutError:
            _log.info("a client that took nothing for %g seconds was dropped", SEND_SECONDS)
        finally:
            gone.cancel()
            stopping.cancel()
            log.detach()


async def _first_of(news: Coroutine[Any, Any, object], *ends: asyncio.Future[Any]) -> None:
    """Wait until there is something to send, or it is time for a sign of life, or the stream ends."""
    stirred = asyncio.ensure_future(news)
    try:
        await asyncio.wait((*ends, stirred), timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stirred.cancel()


async def _send(
    exchange: Exchange,
    mailbox: Mailbox,
    lists: list[str],
    view: View,
    notification: Notification,
    gone: "asyncio.Future[None]",
) -> None:
    """Send what changed, or a comment that keeps the stream alive. What may not have arrived stays in the mailbox."""
    taken = mailbox.take()
    if not taken and not lists:
        await exchange.keep_alive()
        return
    arrived = False
    try:
        for method in lists:
            await exchange.event(notification(method, {}))
            mailbox.was_told(method)
        for uri in taken:
            if uri.startswith(OF_TASKS):
                told = await view.task(uri.removeprefix(OF_TASKS)) if view.task is not None else None
                if told is not None:
                    await exchange.event(notification(CHANGED, told))
            elif await view.may_read(uri):
                await exchange.event(notification(UPDATED, {"uri": uri}))
                mailbox.was_told(uri)
            else:
                mailbox.forget(uri)
        arrived = not gone.done()
    finally:
        if not arrived:
            mailbox.lists_untold(lists)
            for uri in taken:
                mailbox.tell(uri)
