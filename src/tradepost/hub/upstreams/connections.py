"""Warm connections to remote servers: a client per (workspace, server, URL, credential version), one HTTP pool for all.

A client remembers the server's era and, in the older one, a session that belongs to its credential; so a changed
credential gets a new client and the old one is closed.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.upstreams.rest.link import Offer, RestLink
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import is_api, web_url
from tradepost.protocol.client import McpClient
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.options import NOTHING_BESIDE, Beside
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Timeouts

# What servers of the older era hear once for all calls: a call whose client cannot be asked refuses the question.
TAKEN: dict[str, dict[str, object]] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}

_Key = tuple[str, str, str, int, float, float]
# What goes along with every request to a server, by workspace and server.
Ambient = Callable[[str, str], Awaitable[Beside]]


async def no_ambient(_workspace_id: str, _server_id: str) -> Beside:
    """For connections of which nobody said anything."""
    return NOTHING_BESIDE


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the secrets that travel with it (to keep them out of what comes back). `older` is a client that
    begins with the handshake, for calls whose own client is asked during the call: a server that has both eras asks
    that way in the older one only. To an API that is no MCP server, each call brings the request it stands for."""

    client: McpClient
    secrets: tuple[str, ...]
    older: McpClient | None = None
    is_api: bool = False

    async def for_call(self, *, asks_in_call: bool, seconds: float | None = None) -> McpClient:
        """The client in whose era the questions of the server reach the caller; `seconds` are left to find out. Raises
        UpstreamTimedOut."""
        if self.older is None or not asks_in_call:
            return self.client
        known = self.client.identity
        if known is not None and known.era == "legacy" and known.transport == "streamable-http":
            return self.client  # whose session is listened to: what the server asks there is heard
        try:
            await self.older.connect(seconds)
        except UpstreamFailed:
            return self.client  # the server has the newer era alone, and asks by its result
        return self.older

    async def close(self) -> None:
        """End its sessions."""
        await self.client.close()
        if self.older is not None:
            await self.older.close()


class Connections:
    """Opens and keeps them. Only dispatch, watching and registration may ask for one. `on_connected` is told workspace
    and server each time a connection that is kept has found out whom it talks to; `look` tells what an API offers."""

    def __init__(
        self,
        vault: Vault,
        guard: Guard,
        programs: Programs | None = None,
        timeouts: Timeouts | None = None,
        ambient: Ambient = no_ambient,
    ) -> None:
        self.ambient = ambient
        self._vault = vault
        self.guard = guard
        self._programs = programs or Programs()
        self._timeouts = timeouts or Timeouts()
        self._http: HttpPool | None = None
        self._staying: HttpPool | None = None
        self._open: dict[_Key, Connection] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.on_connected: Callable[[str, str, Connection], None] | None = None
        self.look: Callable[[str, str], Awaitable[Offer]] | None = None

    def known(self, workspace_id: str, server_id: str, url: str, version: int, limits: Limits) -> Connection | None:
        """The connection that `to` would give, where it is open already."""
        return self._open.get((workspace_id, server_id, url, version, limits.connect_seconds, limits.handshake_seconds))

    async def to(
        self, workspace_id: str, server_id: str, url: str, credential_version: int, limits: Limits = DEFAULTS
    ) -> Connection:
        """The warm connection to a server with its current credential. Where there was an older one, that is closed
        meanwhile: a server that does not answer to that keeps nobody waiting."""
        seconds = (limits.connect_seconds, limits.handshake_seconds)
        key = (workspace_id, server_id, url, credential_version, *seconds)
        known = self._open.get(key)
        if known is not None:
            return known
        headers, ambient = await self._vault.headers_for(workspace_id, server_id), await self.ambient(*key[:2])
        made = self.fresh(url, headers, limits, ambient)
        known = self._open.setdefault(key, made)
        if known is made:
            made.client.on_connected = lambda _: self._connected(key, made)
            for old in [old for old in self._open if old[:2] == key[:2] and old != key]:
                closing = asyncio.create_task(self._open.pop(old).close(), name=f"closing {server_id}")
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        return known

    def fresh(
        self,
        url: str,
        headers: Sequence[Header],
        limits: Limits = DEFAULTS,
        ambient: Beside = NOTHING_BESIDE,
        place: tuple[str, str] | None = None,
    ) -> Connection:
        """A connection that is not kept: for a test, which has to connect anew. `ambient` goes along with every
        request. `place`, workspace and server, is for those who ask what a REST API offers. Raises NotFound for a
        program that the operator's file does not have."""
        if self._http is None or self._staying is None:
            self._http, self._staying = self.guard.http_pool(), self.guard.http_pool()
        timeouts = self._timeouts
        if limits is not DEFAULTS:
            timeouts = replace(timeouts, connect=limits.connect_seconds, handshake=limits.handshake_seconds)
        if is_api(url):
            return self._to_api(self._http, url, headers, timeouts, ambient, place)
        if url.startswith(SCHEME):
            starter = self._programs.starter(url.removeprefix(SCHEME))
            program = StdioLink(starter, starter.name)
            return Connection(
                McpClient(self._http, url, timeouts=timeouts, capabilities=TAKEN, program=program, ambient=ambient),
                starter.program.secrets,
            )
        sent = {header.name: header.value for header in headers}
        client, older = (
            McpClient(
                self._http,
                url,
                sent,
                timeouts=timeouts,
                capabilities=TAKEN,
                older=older,
                staying=self._staying,
                ambient=ambient,
            )
            for older in (False, True)
        )
        return Connection(client, _secrets(headers), older)

    def _to_api(
        self,
        http: HttpPool,
        url: str,
        headers: Sequence[Header],
        timeouts: Timeouts,
        ambient: Beside,
        place: tuple[str, str] | None,
    ) -> Connection:
        look = partial(self.look, *place) if self.look is not None and place is not None else None
        link = RestLink(http, web_url(url), headers, timeouts.connect, look)
        sent = {header.name: header.value for header in headers}
        client = McpClient(http, url, sent, timeouts=timeouts, program=link, ambient=ambient)
        return Connection(client, _secrets(headers), is_api=True)

    async def close(self) -> None:
        """End all sessions and connections."""
        opened = [self._open.pop(key) for key in list(self._open)]
        await asyncio.gather(*(connection.close() for connection in opened), *self._closing)
        for pool in (self._http, self._staying):
            if pool is not None:
                await pool.close()
        self._http = self._staying = None

    def _connected(self, key: _Key, connection: Connection) -> None:
        if self.on_connected is not None and self._open.get(key) is connection:
            self.on_connected(key[0], key[1], connection)


def _secrets(headers: Sequence[Header]) -> tuple[str, ...]:
    """The hidden values, what follows a scheme like `Bearer`, and the password of `Basic`; longest first."""
    hidden = [header.value for header in headers if header.hidden]
    found = {part for value in hidden for part in (value, value.rpartition(" ")[2], _password(value))}
    return tuple(sorted((part for part in found if len(part) >= 6), key=lambda part: (-len(part), part)))


def _password(value: str) -> str:
    """The password in a value of HTTP's basic scheme; nothing where there is none."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
