"""The handshake era: 2025-11-25, 2025-06-18, 2025-03-26 (and 2024-11-05 as far as one POST endpoint can serve it).

`initialize` opens a session, bound to the principal; the session id comes back on every later request. Requests that
name neither a version nor a session are served on their own: simple clients post a bare `tools/list` or `tools/call`.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.protocol.canceling import Cancelable
from tradepost.protocol.channel import LOG_LEVELS, PendingAsks, StreamChannel
from tradepost.protocol.errors import Refusal, unknown_method, unsupported_version
from tradepost.protocol.event_log import OWN_STREAM, EventLogs, parse_event_id
from tradepost.protocol.exchange import Exchange, Refused
from tradepost.protocol.headers import accepts
from tradepost.protocol.hosting import LOADING_TOOL, NO_EXTRAS, HostedCatalog
from tradepost.protocol.jsonrpc import INVALID_REQUEST, Json, Message, Reply
from tradepost.protocol.methods import (
    CATALOG_METHODS,
    MAX_URI_CHARACTERS,
    TOOLS_CALL,
    WITH_EXTRAS,
    CatalogMethods,
    call_extras,
    capabilities,
    identity,
    progress_token,
    text,
)
from tradepost.protocol.peers import Elsewhere, Peers
from tradepost.protocol.session_updates import SUBSCRIBE, UNSUBSCRIBE, SessionUpdates
from tradepost.protocol.sessions import Session, SessionStore, owner_of
from tradepost.protocol.streams import Streams
from tradepost.protocol.updates import Updates

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"
LAST_EVENT_HEADER = "last-event-id"
CANCELED = "notifications/cancelled"
MOST_LOADED = 60  # tools that a session loaded, the last ones


class LegacyShape:
    """Results as the older revisions know them: no `resultType`, no cache hints."""

    def listing(self, key: str, items: bytes) -> bytes:
        return b'{"%b":%b}' % (key.encode(), items)

    def reading(self, result: Json) -> bytes:
        return self.plain(result)

    def plain(self, result: Json) -> bytes:
        return orjson.dumps({key: value for key, value in result.items() if key not in _MODERN_FIELDS})

    def call(self, result: bytes | Json) -> bytes:
        if isinstance(result, dict):
            return self.plain(result)
        if b'"resultType"' not in result:
            return result
        parsed = orjson.loads(result)
        return self.plain(parsed) if "resultType" in parsed else result


def _names_in(result: bytes) -> list[str]:
    """The names of the definitions in a result that loads some."""
    structured = orjson.loads(result).get("structuredContent")
    tools = structured.get("tools") if isinstance(structured, dict) else None
    names = [tool.get("name") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return [name for name in names if isinstance(name, str)]


_MODERN_FIELDS = frozenset({"resultType", "ttlMs", "cacheScope"})
_SHAPE = LegacyShape()


class LegacyEra:
    """Answers requests, notifications, GET and DELETE of the handshake era."""

    def __init__(
        self,
        host: HostedCatalog,
        sessions: SessionStore,
        served: tuple[str, ...],
        updates: Updates,
        streams: Streams,
        peers: Peers | None = None,
    ) -> None:
        self._host = host
        self._peers = peers
        self._updates = SessionUpdates(host, updates, streams)
        sessions.on_end(self._updates.end)
        self._logs = EventLogs()
        sessions.on_end(self._logs.end)
        self._streams = streams
        self._methods = CatalogMethods(host)
        self._sessions = sessions
        self._served = served
        self._asks = PendingAsks()
        self._cancelable = Cancelable()

    async def initialize(self, caller: Caller, server: str | None, params: Json) -> tuple[bytes, str]:
        """The InitializeResult and the id of the new session."""
        requested, declared = params.get("protocolVersion"), params.get("capabilities")
        if not isinstance(requested, str) or not isinstance(declared, dict):
            raise InvalidArgument("initialize needs params.protocolVersion (text) and params.capabilities (object).")
        version = requested if requested in VERSIONS else VERSIONS[0]
        info = await self._host.server_info(caller, server)
        result: Json = {
            "protocolVersion": version,
            "capabilities": capabilities(info),
            "serverInfo": identity(info),
        }
        if info.get("instructions"):
            result["instructions"] = info["instructions"]
        session = Session(owner_of(caller), server, version, declared)
        return orjson.dumps(result), await self._sessions.open(session)

    async def session(self, caller: Caller, server: str | None, headers: Mapping[str, str]) -> Session | None:
        """The session of a request, None for a bare one. Raises Refused: 400 where the id is missing, 404 where the
        session is unknown, ended, somebody else's or another server's. Raises Elsewhere where another process has it.
        """
        version, session_id = headers.get(VERSION_HEADER), headers.get(SESSION_HEADER)
        if version is not None and version not in VERSIONS:
            raise unsupported_version(version, self._served)
        if session_id is None:
            if version is None:
                return None
            raise Refused(400, "The Mcp-Session-Id header is missing. Send the one that initialize answered with.")
        session = await self._sessions.get(session_id, owner_of(caller))
        if session is None or session.server != server:
            unknown = Refused(404, "There is no such session. Start a new one with initialize.")
            holder = self._peers.other_holder(session_id) if self._peers is not None else None
            raise unknown if holder is None else Elsewhere(holder, unknown)
        return session

    async def result(
        self, caller: Caller, server: str | None, message: Message, exchange: Exchange, session: Session | None
    ) -> bytes:
        """The result bytes of a request other than initialize. Raises Refusal, TradepostError, Canceled."""
        method, params, headers = message.method, message.params, exchange.headers
        if method == "ping":
            return b"{}"
        if method == "logging/setLevel" and session is not None:
            return await self._set_level(headers[SESSION_HEADER], session, params)
        if method in (SUBSCRIBE, UNSUBSCRIBE) and session is not None:
            return await self._watch(caller, server, method, params, headers)
        if method not in CATALOG_METHODS:
            raise unknown_method(method, modern=False)
        extras = NO_EXTRAS
        if method in WITH_EXTRAS:
            capabilities = session.client_capabilities if session else None
            exchange.revision = session.protocol_version if session else headers.get(VERSION_HEADER)
            channel = self._channel(exchange, params, session)
            extras = call_extras(params, headers, capabilities, channel, wire=exchange)
        loaded = session.loaded if session is not None else ()
        call = self._methods.result(_SHAPE, caller, server, method, params, extras, loaded)
        if session is None or message.id is None:
            return await call
        result = await self._cancelable.run(headers[SESSION_HEADER], message.id, call)
        if method == TOOLS_CALL and params.get("name") == LOADING_TOOL:
            await self._keep_loaded(caller, headers[SESSION_HEADER], result)
        return result

    async def _keep_loaded(self, caller: Caller, session_id: str, result: bytes) -> None:
        """Clients of this era offer a model what is listed alone: the list of this session has it from now on."""
        session = await self._sessions.get(session_id, owner_of(caller))
        names = [name for name in _names_in(result) if session is not None and name not in session.loaded]
        if session is not None and names:
            kept = (*session.loaded, *names)[-MOST_LOADED:]
            await self._sessions.replace(session_id, replace(session, loaded=kept))
            self._updates.tools_changed(session_id)

    def heard(self, session_id: str, message: Message) -> None:
        """A notification of a client: `notifications/cancelled` ends the request that it names."""
        if message.method == CANCELED:
            self._cancelable.cancel(session_id, message.params.get("requestId"))

    async def reply(self, caller: Caller, server: str | None, exchange: Exchange, reply: Reply) -> None:
        """A client's response to a question of ours. Raises Refusal when nobody waits for it."""
        await self._required(caller, server, exchange.headers)
        if not self._asks.settle(exchange.headers[SESSION_HEADER], reply):
            raise Refusal(INVALID_REQUEST, "Nobody waits for this response.")

    def _channel(self, exchange: Exchange, params: Json, session: Session | None) -> StreamChannel:
        if session is not None:
            exchange.log_events(partial(self._logs.open, exchange.headers[SESSION_HEADER]))
        return StreamChannel(
            exchange,
            progress_token=progress_token(params),
            log_level=session.log_level if session else None,
            asks=self._asks,
            session_id=exchange.headers.get(SESSION_HEADER) if session else None,
            capabilities=session.client_capabilities if session else None,
        )

    async def _set_level(self, session_id: str, session: Session, params: Json) -> bytes:
        level = params.get("level")
        if level not in LOG_LEVELS:
            raise InvalidArgument(f"params.level is one of {', '.join(LOG_LEVELS)}.", field="level")
        await self._sessions.replace(session_id, replace(session, log_level=level))
        return b"{}"

    async def _watch(
        self, caller: Caller, server: str | None, method: str, params: Json, headers: Mapping[str, str]
    ) -> bytes:
        session_id, uri = headers[SESSION_HEADER], text(params, "uri", MAX_URI_CHARACTERS)
        if method == UNSUBSCRIBE:
            self._updates.unsubscribe(session_id, uri)
            return b"{}"

        async def still_open() -> Caller | None:
            return caller if await self._sessions.get(session_id, owner_of(caller)) is not None else None

        await self._updates.subscribe(caller, server, session_id, uri, still_open)
        return b"{}"

    async def end(self, caller: Caller, server: str | None, headers: Mapping[str, str]) -> None:
        """DELETE: end the session."""
        await self._required(caller, server, headers)
        await self._sessions.end(headers[SESSION_HEADER], owner_of(caller))

    async def stream(self, caller: Caller, server: str | None, exchange: Exchange) -> None:
        """GET: the session's event stream, for updates of the resources it subscribed to and of the lists. It ends when
        the client leaves or opens another, the session ends, the credential stops being valid or the server stops.
        With the Last-Event-ID of a request's stream, what is missing of that."""
        if not accepts(exchange.headers.get("accept"), "text/event-stream"):
            raise Refused(406, "GET opens an event stream: send Accept: text/event-stream.")
        await self._required(caller, server, exchange.headers)
        session_id, last_id = exchange.headers[SESSION_HEADER], exchange.headers.get(LAST_EVENT_HEADER)
        stream, after = (OWN_STREAM, None) if last_id is None else parse_event_id(last_id) or (None, None)
        if stream == OWN_STREAM:
            valid = partial(self._still_valid, exchange, server)
            await self._updates.stream(caller, server, session_id, exchange, valid, after)
            return
        log = self._logs.find(session_id, stream, after) if stream is not None and after is not None else None
        if log is None or after is None:
            raise Refused(400, "Nothing is left of the stream that had this Last-Event-ID. Send the request again.")
        with self._streams.place(owner_of(caller)):
            await self._streams.resume(exchange, log, after, partial(self._is_valid, exchange, server))

    async def _required(self, caller: Caller, server: str | None, headers: Mapping[str, str]) -> Session:
        session = await self.session(caller, server, headers)
        if session is None:
            raise Refused(400, "The Mcp-Session-Id header is missing. Send the one that initialize answered with.")
        return session

    async def _is_valid(self, exchange: Exchange, server: str | None) -> bool:
        return await self._still_valid(exchange, server) is not None

    async def _still_valid(self, exchange: Exchange, server: str | None) -> Caller | None:
        """The client as it is now: a revoked credential and an ended session keep no stream."""
        try:
            caller = await self._host.authenticate(exchange.arrival())
            await self._required(caller, server, exchange.headers)
        except (TradepostError, Refused):
            return None
        return caller
