"""`resources/subscribe` and `resources/unsubscribe` of the handshake era, and the session's event stream (GET).

A session has one mailbox and at most one stream: a newer GET takes the place of an older one, which may be a connection
that broke unnoticed. What changed while no stream was open is told when one is; of the lists, since the first one was.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.protocol.event_log import OWN_STREAM, written
from tradepost.protocol.exchange import Exchange, Refused
from tradepost.protocol.hosting import HostedCatalog
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.notices import TOOLS_CHANGED
from tradepost.protocol.sessions import owner_of
from tradepost.protocol.streams import Streams, View
from tradepost.protocol.updates import Mailbox, Updates

SUBSCRIBE = "resources/subscribe"
UNSUBSCRIBE = "resources/unsubscribe"

StillOpen = Callable[[], Awaitable[Caller | None]]


class SessionUpdates:
    """The mailboxes of sessions, by session id. A session that watches nothing and listens to nothing has none."""

    def __init__(self, host: HostedCatalog, updates: Updates, streams: Streams) -> None:
        self._host = host
        self._updates = updates
        self._streams = streams
        self._mailboxes: dict[str, Mailbox] = {}

    def __len__(self) -> int:
        return len(self._mailboxes)

    async def subscribe(
        self, caller: Caller, server: str | None, session_id: str, uri: str, still_open: StillOpen
    ) -> None:
        """Tell this session of every change of a resource from now on. Raises what reading it raises, InvalidArgument
        for one that cannot be watched, LimitExceeded."""
        record = await self._host.watch(caller, server, uri)
        if record is None:
            raise InvalidArgument(
                f"The resource '{uri[:200]}' cannot be watched.", hint="Read it again when you need it.", field="uri"
            )
        mailbox = self._mailboxes.setdefault(session_id, Mailbox(self._updates))
        try:
            await mailbox.watch(uri, (caller.workspace_id, record))
            if await still_open() is None:
                self.end(session_id)
                raise Refused(404, "The session ended. Start a new one with initialize.")
        finally:
            self._forget_empty(session_id)

    def unsubscribe(self, session_id: str, uri: str) -> None:
        """Tell it no more; nothing happens when it was not told."""
        mailbox = self._mailboxes.get(session_id)
        if mailbox is not None:
            mailbox.forget(uri)
            self._forget_empty(session_id)

    def tools_changed(self, session_id: str) -> None:
        """The session's own list of tools is another one now."""
        mailbox = self._mailboxes.get(session_id)
        if mailbox is not None and mailbox.hears_lists:
            mailbox.lists_untold([TOOLS_CHANGED])

    def end(self, session_id: str) -> None:
        """The session is over: its stream ends, and nothing of it is left."""
        mailbox = self._mailboxes.pop(session_id, None)
        if mailbox is not None:
            mailbox.end()

    async def stream(
        self,
        caller: Caller,
        server: str | None,
        session_id: str,
        exchange: Exchange,
        still_open: StillOpen,
        after: int | None = None,
    ) -> None:
        """Serve the session's stream until an end, where it goes on `after` an event. Raises RateLimited and Refused
        before it begins."""
        with self._streams.place(owner_of(caller)):

            async def check() -> View | None:
                now = await still_open()
                if now is None:
                    return None
                return View(partial(self._host.may_read, now, server), partial(self._host.list_marks, now, server))

            marks = await self._host.list_marks(caller, server)
            mailbox = self._mailboxes.setdefault(session_id, Mailbox(self._updates))
            try:
                if await still_open() is None:
                    self.end(session_id)
                    raise Refused(404, "The session ended. Start a new one with initialize.")
                if not mailbox.hears_lists:
                    mailbox.hear_lists(caller.workspace_id, marks)
                exchange.log_events(lambda: _Numbers(mailbox))
                await exchange.start_stream()
                if await self._streams.serve(exchange, mailbox, check, _notification, after):
                    await exchange.end_stream()
            finally:
                self._forget_empty(session_id)

    def _forget_empty(self, session_id: str) -> None:
        mailbox = self._mailboxes.get(session_id)
        if mailbox is not None and not mailbox.uris and not mailbox.is_read and not mailbox.hears_lists:
            del self._mailboxes[session_id]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Ids for the session's own stream. Nothing is kept: what a client missed, the mailbox tells anew."""

    mailbox: Mailbox
    is_read = False
    elsewhere = False

    def add(self, data: bytes, *, last: bool = False) -> bytes:
        """See Log."""
        return written(OWN_STREAM, self.mailbox.next_number(), data)


def _notification(method: str, params: Json) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})
