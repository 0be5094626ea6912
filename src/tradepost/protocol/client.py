"""The client for MCP servers on streamable HTTP, both eras, over a shared pool of HTTP connections.

One `McpClient` stands for one (URL, credential): it remembers which era the server speaks and, in the older one, the
session that belongs to this credential. It never follows redirects, keeps no cookies, never validates results against
the server's own schema (a hostile pattern would freeze the process), and bounds bytes and time of every answer.
"""

import asyncio
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from tradepost.protocol import legacy, modern
from tradepost.protocol.asides import Asides, refused
from tradepost.protocol.client_envelopes import CLIENT_INFO, Envelopes
from tradepost.protocol.client_methods import ClientMethods, Prepared, result_of, wrong_answer
from tradepost.protocol.credentialed_link import Credential, CredentialedLink
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.headers import is_visible_ascii
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import origin_in
from tradepost.protocol.jsonrpc import (
    HEADER_MISMATCH,
    MISSING_CAPABILITY,
    UNSUPPORTED_VERSION,
    Json,
)
from tradepost.protocol.link import CALLS, Link
from tradepost.protocol.notices import LISTS_CHANGED, Notices, acknowledged
from tradepost.protocol.options import NOTHING_BESIDE, Beside, OnMessage
from tradepost.protocol.server_identity import ServerIdentity, identity_from
from tradepost.protocol.sse_link import SseLink
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import CREDENTIAL_STATUSES, Answered, Timeouts, Wire

logger = logging.getLogger(__name__)

DISCOVER_SECONDS = 20.0  # an old server may stay silent on a method it does not know
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9.]{1,10}")

_MODERN_CODES = frozenset({HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION})
_OTHER_ERA_STATUSES = frozenset({400, 404, 405})
_INITIALIZED_VERSIONS = (*legacy.VERSIONS, "2024-11-05")  # of servers; we serve clients from the next one on


class McpClient(ClientMethods):
    """Talks to one server with one credential. `headers` carry the credential and stay the same; `capabilities` are
    what a server of the older era may ask of us during a call that brings an `on_message`. A server that is a `program`
    has no URL; `url` is then what it is called. An `older` one begins with the handshake of the older era. `staying`
    has the connections of streams that stay open. `ambient` goes along with every request, whosever it is; what a call
    brings of the same name goes before it. A `credential` that changes is asked for with each request. `on_connected`
    is told each time era and session are agreed on, `on_list_changed` when a server says during a call that one of its
    lists changed."""

    def __init__(
        self,
        http: HttpPool,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        timeouts: Timeouts | None = None,
        capabilities: Json | None = None,
        program: Link | None = None,
        older: bool = False,
        staying: HttpPool | None = None,
        ambient: Beside = NOTHING_BESIDE,
        credential: Credential | None = None,
    ) -> None:
        self._called = origin_in(url)  # in logs: the rest of a URL may be a secret
        fixed = frozenset(name.lower() for name in headers or {})
        self._envelopes = Envelopes(ambient, fixed if credential is None else fixed | {"authorization"})
        self._timeouts = timeouts or Timeouts()
        self._links: list[Link] = [program] if program is not None else []
        if program is None:
            also = dict(self._envelopes.ambient.headers)
            self._links.append(Wire(http, url, headers or {}, self._timeouts.connect, staying))
            self._links.append(SseLink(http, url, headers or {}, self._timeouts.connect, also))
            if credential is not None:
                self._links = [CredentialedLink(link, credential, also) for link in self._links]
        self._link = self._links[0]
        self._generation = 0
        self._capabilities = capabilities or {}
        self._older = older
        self._identity: ServerIdentity | None = None
        self._session_id: str | None = None
        self._connecting = asyncio.Lock()
        self._asides = Asides(self._reply, self._timeouts.question)
        self.on_connected: Callable[[ServerIdentity], None] | None = None
        self.on_list_changed: Callable[[], None] | None = None

    @property
    def session(self) -> tuple[int, str | None]:
        """What stays the same as long as the server knows what it was told to watch: connection and session."""
        return self._link.generation, self._session_id

    @property
    def identity(self) -> ServerIdentity | None:
        """What the last probe or first call found out; None before, and where a connection that it was found out over
        has ended."""
        return self._identity if self._generation == self._link.generation else None

    async def probe(self) -> ServerIdentity:
        """Connect anew: `server/discover` first, `initialize` where the server does not know it. Raises
        UpstreamFailed, UpstreamTimedOut."""
        async with self._connecting:
            return await self._connect()

    async def connect(self, seconds: float | None = None) -> ServerIdentity:
        """Connect, unless it is connected, in so many seconds at most. Raises UpstreamFailed, UpstreamTimedOut, neither
        dispatched."""
        if self.identity is not None:
            return self.identity
        async with Deadline(self._timeouts.handshake if seconds is None else seconds) as deadline:
            return await self._connected(deadline.left())

    # --- what it says of its own accord ------------------------------------------------------------------------

    async def listen(self, uris: Sequence[str], *, lists: bool) -> tuple[Notices, frozenset[str]]:
        """A stream of the newer era, and those of the resources whose changes it will tell. Raises UpstreamFailed,
        UpstreamTimedOut."""
        kinds = ("toolsListChanged", "resourcesListChanged", "promptsListChanged") if lists else ()
        wanted: Json = dict.fromkeys(kinds, True)
        if uris:
            wanted["resourceSubscriptions"] = list(uris)
        asked = Prepared("subscriptions/listen", {"notifications": wanted}, self._timeouts.handshake)
        async with Deadline(asked.seconds) as deadline:
            headers, params = self._envelopes.modern(asked)
            stream = await self._link.open(asked.method, params, headers, deadline)
            return stream, await acknowledged(stream)

    async def session_notices(self, after: str | None = None) -> Notices:
        """The session's own stream in the older era, after an event. Raises UpstreamFailed, UpstreamTimedOut."""
        async with Deadline(self._timeouts.handshake) as deadline:
            identity, session_id = await self._connected(deadline.left()), self._session_id
            try:
                headers = self._envelopes.legacy_headers(identity.version, self._session_id)
                return await self._link.open(None, {}, headers, deadline, after)
            except UpstreamFailed as error:
                if error.status == 404 and session_id is not None:
                    await self._forget(session_id)
                raise

    def answer(self, message: Json, session: tuple[int, str | None] | None) -> None:
        """Have a request answered that came on the own stream of a `session` (as the property said then)."""
        if session == self.session and self.identity is not None and self.identity.era == "legacy":
            self._asides.answer(message, self._session_id)
        else:
            logger.debug("dropped the request %s from %s", str(message["method"])[:60], self._called)

    async def subscribe(self, uri: str, *, ending: bool = False) -> None:
        """Begin, or end, to be told of changes of a resource in the older era. Raises UpstreamFailed,
        UpstreamTimedOut."""
        method = "resources/unsubscribe" if ending else "resources/subscribe"
        await self._request(Prepared(method, {"uri": uri}, self._timeouts.handshake))

    async def close(self) -> None:
        """End the session of the older era, if there is one. A server that cannot be reached has ended it itself."""
        await self._asides.close()
        session_id, self._session_id, self._identity = self._session_id, None, None
        try:
            if session_id is not None:
                async with Deadline(self._timeouts.connect) as deadline:
                    await self._link.delete({**self._envelopes.ambient.headers, "mcp-session-id": session_id}, deadline)
        except (UpstreamFailed, UpstreamTimedOut) as error:
            logger.debug("session of %s not ended: %s", self._called, error.message)
        finally:
            for link in self._links:
                await link.close()

    # --- connecting --------------------------------------------------------------------------------------------

    async def _connected(self, seconds: float) -> ServerIdentity:
        """`seconds` are left of what waits for it. Where those run out, it is not this one's deadline that says so."""
        known = self.identity
        if known is not None:
            return known
        try:
            async with self._connecting:
                return self.identity or await self._connect(seconds)
        except (UpstreamFailed, UpstreamTimedOut) as error:
            error.dispatched = False  # only the handshake went out, not the request that is waiting for it
            raise

    async def _connect(self, seconds: float = math.inf) -> ServerIdentity:
        self._identity = self._session_id = None
        self._link = self._links[0]
        async with Deadline(self._timeouts.handshake) as deadline:
            started = time.perf_counter()
            discovered = None if self._older else await self._discover(min(seconds, self._timeouts.handshake))
            if discovered is not None:
                identity = identity_from("modern", modern.VERSION, self._link.transport, discovered, started)
                return self._agreed(identity)
            started = time.perf_counter()
            result = await self._initialize_somehow(deadline)
            identity = identity_from("legacy", result["protocolVersion"], self._link.transport, result, started)
            await self._initialized(identity.version, deadline)
            return self._agreed(identity)

    def _agreed(self, identity: ServerIdentity) -> ServerIdentity:
        self._identity, self._generation = identity, self._link.generation
        if self.on_connected is not None:
            self.on_connected(identity)
        return identity

    async def _discover(self, most: float) -> Json | None:
        """The DiscoverResult, None where the server belongs to the older era. It is asked for half of the seconds at
        most, so that one that stays silent can be talked to in the older way."""
        try:
            seconds = min(DISCOVER_SECONDS, most / 2)
            async with Deadline(seconds) as deadline:
                answered = await self._modern_post(Prepared("server/discover", {}, seconds), deadline)
        except UpstreamTimedOut as error:
            if not error.dispatched:
                raise
            return None
        except UpstreamFailed as error:
            supported = _supported(error)
            if error.rpc_code in _MODERN_CODES and not supported & set(legacy.VERSIONS):
                versions = ", ".join(sorted(map(_shown_version, supported))[:5]) or "none"
                raise wrong_answer(f"an error of the newest era, and names these versions: {versions}") from error
            if not error.dispatched or error.status in CREDENTIAL_STATUSES or error.status == 429:
                raise
            return None
        result = result_of(answered)
        served = result.get("supportedVersions")
        return result if isinstance(served, list) and modern.VERSION in served else None

    async def _initialize_somehow(self, deadline: Deadline) -> Json:
        """The InitializeResult; over an event stream where the server takes no POST to its URL, as the oldest do."""
        try:
            return await self._initialize(deadline)
        except UpstreamFailed as error:
            if error.status not in _OTHER_ERA_STATUSES or error.rpc_error is not None or len(self._links) == 1:
                raise
            self._link = self._links[1]
            try:
                return await self._initialize(deadline)
            except UpstreamFailed as other:
                if other.rpc_error is not None or not other.answered:
                    raise
                raise error from other  # what it said to the newer way tells more

    async def _initialize(self, deadline: Deadline) -> Json:
        params = {"protocolVersion": legacy.VERSIONS[0], "capabilities": self._capabilities, "clientInfo": CLIENT_INFO}
        asked = Prepared("initialize", params, self._timeouts.handshake)
        # Repeated at worst, it leaves a session that nobody uses.
        answered = await self._post(asked, self._envelopes.with_meta(asked), self._envelopes.ambient.headers, deadline)
        result = result_of(answered)
        if result.get("protocolVersion") not in _INITIALIZED_VERSIONS:
            said = _shown_version(result.get("protocolVersion"))
            raise wrong_answer(f"the protocol version '{said}', which is not known")
        session_id = answered.headers.get("mcp-session-id")
        if session_id is not None and not is_visible_ascii(session_id, 1024):
            raise wrong_answer("a session id that is not visible ASCII")
        self._session_id = session_id
        return result

    async def _initialized(self, version: str, deadline: Deadline) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await self._link.post(message, self._envelopes.legacy_headers(version, self._session_id), deadline)

    # --- one request -------------------------------------------------------------------------------------------

    async def _request(self, asked: Prepared) -> Answered:
        with Deadline(asked.seconds) as deadline:
            identity = self.identity or await self._connected(deadline.left())
            if asked.tasks:
                asked.tasks = identity.takes_tasks
            if identity.era == "modern":
                try:
                    return await self._modern_post(asked, deadline)
                except UpstreamFailed as error:
                    if error.rpc_error is None and error.status in _OTHER_ERA_STATUSES:
                        self._identity = None  # the server behind the URL may be another one now: probe next time
                    raise
            session_id = self._session_id
            try:
                return await self._legacy_post(asked, identity, deadline)
            except UpstreamFailed as error:
                if error.status != 404 or session_id is None:
                    raise
            # The server ended the session, and said so before it did anything: start a new one, once.
            deadline.dispatched = False
            await self._forget(session_id)
            return await self._legacy_post(asked, await self._connected(deadline.left()), deadline)

    async def _forget(self, ended: str) -> None:
        async with self._connecting:
            if self._session_id == ended:
                self._identity = self._session_id = None

    def _modern_post(self, asked: Prepared, deadline: Deadline) -> Awaitable[Answered]:
        headers, params = self._envelopes.modern(asked)
        return self._post(asked, params, headers, deadline)

    async def _legacy_post(self, asked: Prepared, identity: ServerIdentity, deadline: Deadline) -> Answered:
        headers, params = self._envelopes.legacy(asked, identity.version, self._session_id)
        if asked.method not in CALLS:
            return await self._post(asked, params, headers, deadline)
        call = self._asides.begin(self._session_id, deadline, asked.on_message)
        try:
            return await self._post(asked, params, headers, deadline)
        finally:
            self._asides.end(call)

    def _post(
        self, asked: Prepared, params: Json, headers: Mapping[str, str], deadline: Deadline
    ) -> Awaitable[Answered]:
        async def heard(message: Json) -> None:
            await self._heard(message, headers, asked.on_message, deadline)

        return self._link.request(asked.method, params, headers, heard, deadline, repeatable=asked.repeatable)

    async def _heard(
        self, message: Json, headers: Mapping[str, str], on_message: OnMessage | None, deadline: Deadline
    ) -> None:
        """What a stream carries beside the response. Requests to us exist in the older era only; each is answered, so
        that the server does not wait for it. The time that a person takes for it is not the server's."""
        is_request = "id" in message
        if message["method"] in LISTS_CHANGED and self.on_list_changed is not None:
            self.on_list_changed()
        if is_request and headers.get("mcp-protocol-version") == modern.VERSION:
            logger.debug("dropped the request %s from %s", str(message["method"])[:60], self._called)
            return
        reply: Json | None = None
        if is_request and message["method"] == "ping":
            reply = {"result": {}}
        elif is_request and on_message is not None:
            async with deadline.paused(self._timeouts.question):
                reply = await on_message(message)
        elif on_message is not None:
            await on_message(message)
        if is_request:
            answer = {"jsonrpc": "2.0", "id": message["id"], **(reply or refused())}
            await self._link.post(answer, headers, Deadline(self._timeouts.call))

    async def _reply(self, message: Json, deadline: Deadline) -> None:
        identity = self.identity
        if identity is not None:
            await self._link.post(message, self._envelopes.legacy_headers(identity.version, self._session_id), deadline)


def _supported(error: UpstreamFailed) -> set[str]:
    data = (error.rpc_error or {}).get("data")
    supported = data.get("supported") if isinstance(data, dict) else None
    return {version for version in supported if isinstance(version, str)} if isinstance(supported, list) else set()


def _shown_version(said: object) -> str:
    """A version that a server names, where it is one: anything else may be what it was sent as a secret."""
    return said if isinstance(said, str) and _VERSION.fullmatch(said) else "of another form"
