"""A hub whose database server is not there yet: its port is served all the same, and it opens as soon as it can."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
from starlette.types import Receive, Scope, Send

from tradepost.app import Tradepost, open_tradepost
from tradepost.cli import console
from tradepost.database.schema import Unreachable
from tradepost.foundation.errors import TradepostError
from tradepost.protocol.peers import Peers
from tradepost.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
RETRY_AFTER = b"5"
_TOO_EARLY = {"status": "unavailable"}
_REFUSED = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {"code": 503, "message": "The hub waits for its database. Try again in a few seconds."},
}


OnOpen = Callable[[Tradepost], Awaitable[None]]


async def open_or_wait(
    settings: Settings, peers: Peers | None = None, on_open: OnOpen | None = None
) -> "Tradepost | Late":
    """The hub, or one that opens itself later; `on_open` is called with it. Raises SetupError for what waiting does not
    mend."""
    try:
        hub = await open_tradepost(settings, peers)
    except Unreachable as error:
        console.warn(f"{error.message} It is waited for.", error.hint or "")
        return Late(settings, peers, error.message, on_open)
    await _told(on_open, hub)
    return hub


async def _told(on_open: OnOpen | None, hub: Tradepost) -> None:
    """Call `on_open`; a hub that it has nothing good to say about does not stay open."""
    hub.behind.on_end = gc.freeze  # what is loaded stays until the end: nobody need look through it for garbage
    if on_open is None:
        return
    try:
        await on_open(hub)
    except BaseException:
        await hub.stop()
        raise


class Late:
    """As an ASGI application: /health is well, everything else is too early, until the hub has opened."""

    def __init__(
        self, settings: Settings, peers: Peers | None = None, said: str = "", on_open: OnOpen | None = None
    ) -> None:
        self._settings = settings
        self._said = said  # why it waits, as somebody was told
        self._peers = peers
        self._on_open = on_open
        self._hub: Tradepost | None = None
        self._opening: asyncio.Task[None] | None = None

    def end_streams(self) -> None:
        """See Tradepost."""
        if self._hub is not None:
            self._hub.end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._hub is not None:
            await self._hub(scope, receive, send)
        elif scope["type"] == "http":
            await _too_early(scope["path"], send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._opening = asyncio.create_task(self._open(), name="waiting for the database")
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _open(self) -> None:
        while True:
            try:
                hub = await open_tradepost(self._settings, self._peers)
                await hub.start()
                await _told(self._on_open, hub)
            except TradepostError as error:
                if error.message != self._said:
                    self._said = error.message
                    console.warn(error.message, error.hint or "")
                await asyncio.sleep(LOOK_SECONDS)
            except Exception:
                log.exception("the hub did not open; it is tried again")
                await asyncio.sleep(LOOK_SECONDS)
            else:
                console.warn("The database is there: the hub serves.")
                self._hub = hub
                return

    async def _stop(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        if self._hub is not None:
            await self._hub.stop()


async def _too_early(path: str, send: Send) -> None:
    well = path == "/health"
    body = orjson.dumps({"status": "ok"} if well else _TOO_EARLY if path == "/ready" else _REFUSED)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [] if well else [(b"retry-after", RETRY_AFTER)]
    await send({"type": "http.response.start", "status": 200 if well else 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
