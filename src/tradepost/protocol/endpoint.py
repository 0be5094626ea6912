"""The MCP endpoint as a plain ASGI application: both eras on `/mcp` (alias `/api/mcp`) and `/mcp/servers/{slug}`.

Order of a request: path, Host (421), Origin (403), method (405), credential (401), media types (415, 406), body (413),
JSON-RPC (400), era. Answers to POST are JSON, or an event stream where something is told before the result. A client
that cancels (by hanging up in the newer era, by a notification in the older one) ends its call; what the host does not
let be ended, a write, goes on: its outcome is recorded, and a retry with the same key gets it.
"""

import logging
import re
from collections.abc import Callable, Collection

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.protocol import legacy, modern
from tradepost.protocol.canceling import Canceled
from tradepost.protocol.cors import preflight, shared_with
from tradepost.protocol.errors import Refusal, canceled, internal, malformed, translate, unsupported_version
from tradepost.protocol.exchange import ClientGone, Exchange, Receive, Refused, Scope, Send
from tradepost.protocol.guards import Doorkeeper
from tradepost.protocol.headers import accepts
from tradepost.protocol.hosting import HostedCatalog
from tradepost.protocol.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    Malformed,
    Message,
    Reply,
    error_answer,
    parse_incoming,
    result_answer,
)
from tradepost.protocol.peers import Elsewhere, Peers
from tradepost.protocol.sessions import MemorySessionStore, SessionStore
from tradepost.protocol.streams import Streams
from tradepost.protocol.updates import Updates

logger = logging.getLogger(__name__)

# What -32022 and server/discover name; the older versions are reached by initialize, which negotiates by itself.
SERVED_VERSIONS = (modern.VERSION,)
_CATALOG_PATHS = frozenset({"/mcp", "/mcp/", "/api/mcp", "/api/mcp/"})
_SERVER_PATH = re.compile(r"/mcp/servers/(?P<slug>[a-z0-9][a-z0-9_-]{0,62})/?")

MetadataUrl = Callable[[str], str]


class McpEndpoint:
    """Serves one HostedCatalog.

    `resource_metadata_url` goes into the challenge of a 401 or 403: a URL, or a function from the path of the endpoint
    (`/mcp`, `/mcp/servers/orders`) to its URL. `base_scope` is named there to a client without a token. `updates` is
    where changes of resources come from; without it nothing is ever told. `peers` are the other processes behind the
    port, if there are any. `limit_lines` gives the headers of good answers that tell callers of their limits.
    `owns(path)` tells a router which paths to hand over.
    """

    def __init__(
        self,
        host: HostedCatalog,
        *,
        allowed_hosts: Collection[str],
        allowed_origins: Collection[str] = (),
        resource_metadata_url: str | MetadataUrl | None = None,
        base_scope: str | None = None,
        sessions: SessionStore | None = None,
        updates: Updates | None = None,
        peers: Peers | None = None,
        limit_lines: Callable[[Caller], bytes] | None = None,
    ) -> None:
        self._host = host
        self._peers = peers
        self._limit_lines = limit_lines
        self._doorkeeper = Doorkeeper(allowed_hosts, allowed_origins)
        self._metadata_url = resource_metadata_url
        self._base_scope = base_scope
        self._streams = Streams()
        updates = updates or Updates()
        self._modern = modern.ModernEra(host, SERVED_VERSIONS, updates, self._streams)
        sessions = sessions or MemorySessionStore(process=peers.name if peers is not None else "")
        self._legacy = legacy.LegacyEra(host, sessions, SERVED_VERSIONS, updates, self._streams, peers)

    def end_streams(self) -> None:
        """End every open event stream with its last word, and every later one at once: before the server stops."""
        self._streams.stop()

    @staticmethod
    def owns(path: str) -> bool:
        """True for the paths this endpoint answers."""
        return path in _CATALOG_PATHS or _SERVER_PATH.fullmatch(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"The MCP endpoint serves HTTP only, not {scope['type']}.")
        exchange = Exchange(scope, receive, send)
        try:
            try:
                await self._serve(exchange)
            except Elsewhere as there:
                await self._forward(exchange, there)
        except ClientGone:
            logger.debug("the client left")
        except Refused as refused:
            await exchange.refuse(refused)
        except Refusal as refusal:
            await _answer_refusal(exchange, refusal)
        except TradepostError as error:
            await _answer_refusal(exchange, self._translated(exchange, error))

    async def _serve(self, exchange: Exchange) -> None:
        server = _server_of(exchange.path)
        scheme = exchange.scope.get("scheme", "http")
        origin = exchange.headers.get("origin")
        self._doorkeeper.check(scheme, exchange.headers.get("host"), origin)
        if origin is not None and self._doorkeeper.shares_with(origin):
            exchange.also_say(shared_with(origin))
            if exchange.method == "OPTIONS":
                await exchange.respond(204, headers=preflight(exchange.headers))
                return
        if exchange.method == "POST":
            await self._post(exchange, await self._host.authenticate(exchange.arrival()), server)
            return
        is_modern = exchange.headers.get(modern.VERSION_HEADER) == modern.VERSION
        if exchange.method not in ("GET", "DELETE") or is_modern:
            allow = {"allow": "POST" if is_modern else "POST, GET, DELETE"}
            raise Refused(405, f"{exchange.method[:20]} is not served here.", allow)
        caller = await self._host.authenticate(exchange.arrival())
        if exchange.method == "GET":
            await self._legacy.stream(caller, server, exchange)
        else:
            await self._legacy.end(caller, server, exchange.headers)
            await exchange.respond(204)

    async def _post(self, exchange: Exchange, caller: Caller, server: str | None) -> None:
        _check_media_types(exchange)
        try:
            body = exchange.whole_body()
            message = parse_incoming(await exchange.body() if body is None else body)
        except Malformed as error:
            exchange.request_id = error.id
            await _answer_refusal(exchange, malformed(error))
            return
        if isinstance(message, Reply):
            await self._reply(exchange, caller, server, message)
            return
        if message.id is None:
            await self._notification(exchange, caller, server, message)
            return
        exchange.request_id = message.id
        is_modern = modern.is_modern(message, exchange.headers.get(modern.VERSION_HEADER))
        try:
            headers: dict[str, str] | None = None
            if is_modern:
                result = await self._modern.result(caller, server, message, exchange)
            else:
                result, headers = await self._older_result(exchange, caller, server, message)
        except (ClientGone, Elsewhere):
            raise
        except Canceled:
            await _answer_refusal(exchange, canceled())
        except (Refusal, Refused, TradepostError) as error:
            await _answer_refusal(exchange, self._refusal(exchange, error, is_modern))
        except Exception:
            logger.exception("unexpected failure of %s", message.method)
            await _answer_refusal(exchange, internal())
        else:
            answer = result_answer(message.id, result)
            if self._limit_lines is not None:
                exchange.limit_lines = self._limit_lines(caller)
            if headers is not None or not exchange.answer_whole(answer):
                await exchange.respond(200, answer, headers)

    async def _forward(self, exchange: Exchange, there: Elsewhere) -> None:
        """Let the process answer that holds what a request is about; where it is gone, this one says what is left."""
        if self._peers is None:
            raise there.otherwise
        if await self._peers.forward(exchange, there):
            return
        try:
            await self._serve(exchange)
        except Elsewhere as again:
            raise again.otherwise from None

    async def _older_result(
        self, exchange: Exchange, caller: Caller, server: str | None, message: Message
    ) -> tuple[bytes, dict[str, str] | None]:
        headers = exchange.headers
        version = headers.get(modern.VERSION_HEADER)
        if version is not None and version not in legacy.VERSIONS:
            raise unsupported_version(version, SERVED_VERSIONS)
        if message.method == "initialize":
            result, session_id = await self._legacy.initialize(caller, server, message.params)
            return result, {legacy.SESSION_HEADER: session_id}
        session = await self._legacy.session(caller, server, headers)
        return await self._legacy.result(caller, server, message, exchange, session), None

    async def _reply(self, exchange: Exchange, caller: Caller, server: str | None, reply: Reply) -> None:
        """Only the older era has questions to clients, and so responses of theirs."""
        if legacy.SESSION_HEADER not in exchange.headers:
            raise Refusal(INVALID_REQUEST, "A response needs a session with an open question.")
        await self._legacy.reply(caller, server, exchange, reply)
        await exchange.respond(202)

    async def _notification(self, exchange: Exchange, caller: Caller, server: str | None, message: Message) -> None:
        """Accepted (202). Only the older era has one that changes something here: a cancellation."""
        if not modern.is_modern(message, exchange.headers.get(modern.VERSION_HEADER)):
            session = await self._legacy.session(caller, server, exchange.headers)
            if session is not None:
                self._legacy.heard(exchange.headers[legacy.SESSION_HEADER], message)
        await exchange.respond(202)

    def _refusal(self, exchange: Exchange, error: Refusal | Refused | TradepostError, is_modern: bool) -> Refusal:
        if isinstance(error, Refusal):
            return error
        if isinstance(error, Refused):
            return Refusal(error.status, error.message, error.status, headers=error.headers)
        refusal = self._translated(exchange, error)
        if refusal.code == INVALID_PARAMS and not is_modern:
            refusal.status = 200  # the older eras give JSON-RPC errors of a method with 200; their clients expect it
        return refusal

    def _translated(self, exchange: Exchange, error: TradepostError) -> Refusal:
        url = self._metadata_url(exchange.path.rstrip("/")) if callable(self._metadata_url) else self._metadata_url
        return translate(error, url, "authorization" in exchange.headers, self._base_scope)


def _server_of(path: str) -> str | None:
    if path in _CATALOG_PATHS:
        return None
    match = _SERVER_PATH.fullmatch(path)
    if match is None:
        raise Refused(404, "There is nothing here. MCP is served on /mcp.")
    return match["slug"]


def _check_media_types(exchange: Exchange) -> None:
    content_type = exchange.headers.get("content-type", "")
    if content_type != "application/json" and content_type.split(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Send the body as Content-Type: application/json.")
    if exchange.headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "Send the body without a Content-Encoding.")
    if not accepts(exchange.headers.get("accept"), "application/json"):
        raise Refused(406, "Answers are JSON: send Accept: application/json, text/event-stream.")


async def _answer_refusal(exchange: Exchange, refusal: Refusal) -> None:
    body = error_answer(exchange.request_id, refusal.code, refusal.message, refusal.data)
    await exchange.respond(refusal.status, body, refusal.headers)
