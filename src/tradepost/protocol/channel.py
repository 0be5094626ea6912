"""What goes to the client while its call still runs: progress, log messages, and (in the handshake era) questions.

The answer to a POST is JSON as long as nothing but the result is to be said; the first event turns it into an event
stream. A client gets only what it asked for: progress with its token, log messages from its level on.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tradepost.foundation.errors import Unavailable
from tradepost.protocol.exchange import Exchange
from tradepost.protocol.headers import accepts
from tradepost.protocol.jsonrpc import Json, Reply

PROGRESS = "notifications/progress"
LOG = "notifications/message"
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
KEEP_ALIVE_SECONDS = 15.0
RETURN_SECONDS = 30.0  # for a client that lost its connection while it was asked
LOOK_SECONDS = 1.0
_CAPABILITY_FOR: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}


class PendingAsks:
    """Questions that wait for a client's reply, in this process. A reply counts for its own session only."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], asyncio.Future[Reply]] = {}

    def open(self, session_id: str) -> tuple[str, "asyncio.Future[Reply]"]:
        """A new question of a session: its id, and the reply to come."""
        ask_id = f"ask_{secrets.token_urlsafe(16)}"
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[(session_id, ask_id)] = reply
        return ask_id, reply

    def close(self, session_id: str, ask_id: str) -> None:
        self._waiting.pop((session_id, ask_id), None)

    def settle(self, session_id: str, reply: Reply) -> bool:
        """Hand a reply to whoever waits for it; False when nobody does."""
        waiting = self._waiting.pop((session_id, str(reply.id)), None)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(reply)
        return True


class StreamChannel:
    """The ClientChannel of one POST (see hosting)."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        progress_token: str | int | None,
        log_level: str | None,
        asks: PendingAsks | None = None,
        session_id: str | None = None,
        capabilities: Mapping[str, Any] | None = None,
    ) -> None:
        self._exchange = exchange
        self._progress_token = progress_token
        self._least = LOG_LEVELS.index(log_level) if log_level in LOG_LEVELS else None
        self._asks = asks
        self._session_id = session_id
        self._capabilities = capabilities or {}
        self._streams = accepts(exchange.headers.get("accept"), "text/event-stream")

    @property
    def wants_progress(self) -> bool:
        """See ClientChannel."""
        return self._progress_token is not None and self._streams

    @property
    def log_level(self) -> str | None:
        """See ClientChannel."""
        return LOG_LEVELS[self._least] if self._least is not None and self._streams else None

    def can_ask(self, method: str) -> bool:
        """See ClientChannel."""
        declared = _CAPABILITY_FOR.get(method) in self._capabilities
        return declared and self._streams and self._asks is not None and self._session_id is not None

    async def notify(self, method: str, params: Json) -> None:
        """See ClientChannel."""
        if not self._streams:
            return
        if method == PROGRESS and self._progress_token is not None:
            params = {**params, "progressToken": self._progress_token}
        elif method != LOG or self._least is None or _level(params) < self._least:
            return
        await self._exchange.event(orjson.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def ask(self, method: str, params: Json) -> Json:
        """See ClientChannel."""
        if self._asks is None or self._session_id is None or not self.can_ask(method):
            raise Unavailable(f"The client behind this call cannot be asked ({method[:60]}).")
        ask_id, reply = self._asks.open(self._session_id)
        gone = asyncio.ensure_future(self._exchange.disconnected())
        try:
            question = {"jsonrpc": "2.0", "id": ask_id, "method": method, "params": params}
            await self._exchange.event(orjson.dumps(question))
            while not reply.done() and not gone.done():
                await asyncio.wait((reply, gone), timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not reply.done() and not gone.done():
                    await self._exchange.keep_alive()
            if not reply.done() and self._exchange.may_be_resumed:
                await self._until_back(reply)
            if not reply.done():
                raise Unavailable("The client left before it answered the question.")
            return reply.result().as_dict()
        finally:
            gone.cancel()
            self._asks.close(self._session_id, ask_id)

    async def _until_back(self, reply: "asyncio.Future[Reply]") -> None:
        """The connection is lost, which does not mean that the client is: wait for it to come back and reply."""
        away = 0.0
        while not reply.done() and away < RETURN_SECONDS:
            await asyncio.wait((reply,), timeout=min(LOOK_SECONDS, RETURN_SECONDS))
            away = 0.0 if self._exchange.is_resumed else away + LOOK_SECONDS


def _level(params: Json) -> int:
    level = params.get("level")
    return LOG_LEVELS.index(level) if level in LOG_LEVELS else 0
