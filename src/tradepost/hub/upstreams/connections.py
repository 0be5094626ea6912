"""Warm connections to remote servers: a client per (workspace, server, URL, credential version), one HTTP pool for all.

A client remembers the server's era and, in the older one, a session that belongs to its credential; so a changed
credential gets a new client and the old one is closed. Where a server wants OAuth, there is a client per account.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import Unavailable
from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.guard import Guard, origin_of
from tradepost.hub.upstreams.oauth.accounts import Account, Accounts
from tradepost.hub.upstreams.oauth.models import EVERYBODY
from tradepost.hub.upstreams.oauth.setups import Setup
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.upstreams.rest.link import Offer, RestLink
from tradepost.hub.upstreams.secret_parts import of_headers, of_url
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import is_api, web_url
from tradepost.protocol.client import McpClient
from tradepost.protocol.credentialed_link import CredentialedLink
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.link import Link
from tradepost.protocol.options import NOTHING_BESIDE, Beside
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Timeouts

# What servers of the older era hear once for all calls: a call whose client cannot be asked refuses the question.
TAKEN: dict[str, dict[str, object]] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}

MOST_HELD = 1_000  # connections of accounts; the one that was used longest ago goes first
STOP_SECONDS = 5.0  # for a token that is under way when everything ends

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
    own: tuple[str, ...] = field(repr=False)
    older: McpClient | None = None
    account: Account | None = None
    on_refused: Callable[[], None] | None = None  # where another credential may be had than the one that was refused
    is_api: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not come back from the server."""
        return self.own if self.account is None else (*self.account.secrets, *self.own)

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


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a server is sent with every request; `whole_url` is the URL that is a secret itself."""

    headers: Sequence[Header] = field(repr=False)
    whole_url: str | None = field(repr=False)
    ambient: Beside


class Connections:
    """Opens and keeps them. Only dispatch, watching and registration may ask for one. `on_connected` is told workspace
    and server each time a connection that is kept has found out whom it talks to, `on_replaced` when another one took
    its place because its secret, which is kept elsewhere, is another one now. `look` tells what an API offers."""

    def __init__(
        self,
        vault: Vault,
        guard: Guard,
        programs: Programs | None = None,
        timeouts: Timeouts | None = None,
        ambient: Ambient = no_ambient,
        accounts: Accounts | None = None,
    ) -> None:
        self.ambient = ambient
        self._accounts = accounts
        self._setups: dict[_Key, Setup] = {}
        self._held: OrderedDict[tuple[_Key, str], Connection] = OrderedDict()
        self._vault = vault
        self.guard = guard
        self._programs = programs or Programs()
        self._timeouts = timeouts or Timeouts()
        self._http: HttpPool | None = None
        self._staying: HttpPool | None = None
        self._open: dict[_Key, Connection] = {}
        self._kept_elsewhere: dict[_Key, tuple[float, Sequence[Header]]] = {}  # until when, and what was sent
        self._closing: set[asyncio.Task[None]] = set()
        self.on_connected: Callable[[str, str, Connection], None] | None = None
        self.on_replaced: Callable[[str, str, Connection], None] | None = None
        self.look: Callable[[str, str], Awaitable[Offer]] | None = None

    def known(self, workspace_id: str, server_id: str, url: str, version: int, limits: Limits) -> Connection | None:
        """The connection that `to` would give, where it is open already."""
        key = (workspace_id, server_id, url, version, limits.connect_seconds, limits.handshake_seconds)
        return None if self._kept_elsewhere and self._is_due(key) else self._open.get(key)

    def open_to(self, workspace_id: str, server_id: str) -> Connection | None:
        """A connection over which calls to a server go and that has found out whom it talks to, where there is one."""
        shared = {**self._open, **{key: one for (key, holder), one in self._held.items() if holder == EVERYBODY}}
        of_server = (one for key, one in shared.items() if key[:2] == (workspace_id, server_id))
        return next((one for one in of_server if one.client.identity is not None), None)

    async def to(
        self,
        workspace_id: str,
        server_id: str,
        url: str,
        credential_version: int,
        limits: Limits = DEFAULTS,
        *,
        slug: str = "",
        caller: Caller | None = None,
    ) -> Connection:
        """The warm connection to a server with its current credential: that of the caller, where it is one of people.
        Where there was an older one, that is closed meanwhile: a server that does not answer to that keeps nobody
        waiting. Raises NotConnected."""
        seconds = (limits.connect_seconds, limits.handshake_seconds)
        key = (workspace_id, server_id, url, credential_version, *seconds)
        known = self._open.get(key)
        if known is not None and not self._is_due(key):
            return known
        setup = self._setups.get(key) or await self._setup(workspace_id, server_id)
        if setup is not None:
            return await self._to_account(key, setup, limits, slug or server_id, caller)
        opened = await self._opened(workspace_id, server_id, url)
        before = self._open.get(key)
        if self._stays(key, opened.headers):
            return self._open[key]
        made = self._made(url, limits, opened)
        if key in self._kept_elsewhere:
            made = replace(made, on_refused=partial(self._refused, key))
        known = self._open.setdefault(key, made)
        if known is made:
            made.client.on_connected = lambda _: self._connected(key, made)
            self._close_others(key)
            if before is not None and self.on_replaced is not None:
                self.on_replaced(workspace_id, server_id, made)
        return known

    async def anew(
        self, workspace_id: str, server_id: str, url: str, limits: Limits, *, slug: str, caller: Caller
    ) -> Connection:
        """A connection that is not kept, with the credential that `to` would use: for a test, which has to connect
        anew. Raises NotConnected."""
        setup = await self._setup(workspace_id, server_id)
        account = None
        if setup is not None and self._accounts is not None:
            account = self._accounts.account(workspace_id, slug, web_url(url), setup, caller.user_id)
            await account.look(None)
        opened = await self._opened(workspace_id, server_id, url)
        return self._made(url, limits, opened, account, (workspace_id, server_id))

    async def _setup(self, workspace_id: str, server_id: str) -> Setup | None:
        return None if self._accounts is None else await self._accounts.setups.read(workspace_id, server_id)

    async def _to_account(
        self, key: _Key, setup: Setup, limits: Limits, slug: str, caller: Caller | None
    ) -> Connection:
        """The connection of an account. Raises NotConnected."""
        if self._accounts is None:
            raise RuntimeError("A server with OAuth needs accounts.")
        workspace_id, server_id, url = key[:3]
        user_id, seen = (None, None) if caller is None else (caller.user_id, caller.seen)
        held = (key, setup.holder(user_id) or EVERYBODY)
        known = self._held.get(held)
        if known is not None and known.account is not None:
            consent = known.account.consent
            await known.account.look(None if seen is None else seen.version)
            if known.account.consent == consent and self._held.get(held) is known:
                self._held.move_to_end(held)
                return known
            if self._held.get(held) is known:  # the session belongs to the account of before
                self._close_beside(self._held.pop(held), server_id)
        account = self._accounts.account(workspace_id, slug, web_url(url), setup, user_id)
        await account.look(None)
        made = self._made(url, limits, await self._opened(workspace_id, server_id, url), account)
        if held not in self._held:
            self._keep(held, setup, made)
        return self._held[held]

    def _keep(self, held: tuple[_Key, str], setup: Setup, made: Connection) -> None:
        key = held[0]
        self._held[held], self._setups[key] = made, setup
        if not setup.per_user:  # what one person's account hears is not for the others
            made.client.on_connected = lambda _: self._connected(key, made)
        self._close_others(key)
        while len(self._held) > MOST_HELD:
            self._close_beside(self._held.popitem(last=False)[1], key[1])

    def _close_others(self, key: _Key) -> None:
        """Those to the same server as it was before."""
        for old in [old for old in self._open if old[:2] == key[:2] and old != key]:
            self._close(old)
        for old in [old for old in self._setups if old[:2] == key[:2] and old != key]:
            del self._setups[old]
        for held in [held for held in self._held if held[0][:2] == key[:2] and held[0] != key]:
            self._close_beside(self._held.pop(held), key[1])

    def _close_beside(self, connection: Connection, server_id: str) -> None:
        closing = asyncio.create_task(connection.close(), name=f"closing {server_id}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _opened(self, workspace_id: str, server_id: str, url: str) -> _Opened:
        """All that goes along with requests to a server. This is the only place that opens credentials."""
        headers = await self._vault.headers_for(workspace_id, server_id)
        whole = None if url.startswith(SCHEME) else await self._vault.hidden_url(workspace_id, server_id)
        ambient = await self.ambient(workspace_id, server_id)
        if whole is not None and origin_of(whole) != origin_of(url):
            raise Unavailable("The server was moved at this moment.", hint="Try again.")
        return _Opened(headers, whole, ambient)

    def _made(
        self,
        url: str,
        limits: Limits,
        opened: _Opened,
        account: Account | None = None,
        place: tuple[str, str] | None = None,
    ) -> Connection:
        made = self.fresh(opened.whole_url or url, opened.headers, limits, opened.ambient, account, place)
        if opened.whole_url is None:
            return made
        return replace(made, own=(*of_url(opened.whole_url), *made.own))

    def fresh(
        self,
        url: str,
        headers: Sequence[Header],
        limits: Limits = DEFAULTS,
        ambient: Beside = NOTHING_BESIDE,
        account: Account | None = None,
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
            return self._to_api(self._http, url, headers, timeouts, ambient, account, place)
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
                credential=account,
            )
            for older in (False, True)
        )
        return Connection(client, of_headers(headers), older, account)

    def _to_api(
        self,
        http: HttpPool,
        url: str,
        headers: Sequence[Header],
        timeouts: Timeouts,
        ambient: Beside,
        account: Account | None,
        place: tuple[str, str] | None,
    ) -> Connection:
        look = partial(self.look, *place) if self.look is not None and place is not None else None
        link: Link = RestLink(http, web_url(url), headers, timeouts.connect, look)
        if account is not None:
            link = CredentialedLink(link, account, {})
        sent = {header.name: header.value for header in headers}
        client = McpClient(http, url, sent, timeouts=timeouts, program=link, ambient=ambient)
        return Connection(client, of_headers(headers), account=account, is_api=True)

    async def close(self) -> None:
        """End all sessions and connections."""
        opened = [*self._open.values(), *self._held.values()]
        renewing = [
            one.account.renewing for one in opened if one.account is not None and one.account.renewing is not None
        ]
        self._open.clear()
        self._held.clear()
        self._kept_elsewhere.clear()
        if renewing:
            await asyncio.wait(renewing, timeout=STOP_SECONDS)
        await asyncio.gather(*(connection.close() for connection in opened), *self._closing)
        if self._accounts is not None:
            await self._accounts.close()
        for pool in (self._http, self._staying):
            if pool is not None:
                await pool.close()
        self._http = self._staying = None

    def _close(self, key: _Key) -> None:
        """Close a connection beside what goes on."""
        self._kept_elsewhere.pop(key, None)
        self._close_beside(self._open.pop(key), key[1])

    def _is_due(self, key: _Key) -> bool:
        """Whether the credential has to be looked up where it is kept before it is used again."""
        kept = self._kept_elsewhere.get(key)
        return kept is not None and self._vault.references.clock() >= kept[0]

    def _stays(self, key: _Key, headers: Sequence[Header]) -> bool:
        """Take note of a credential that is kept elsewhere; whether the open connection, if there is one, has it. One
        with another credential is closed."""
        ends = [header.until for header in headers if header.until is not None]
        before = self._kept_elsewhere.get(key)
        if before is not None and key in self._open and list(before[1]) != list(headers):
            self._close(key)
        if ends:
            self._kept_elsewhere[key] = (min(ends), headers)
        return key in self._open

    def _refused(self, key: _Key) -> None:
        """The server did not take the credential: perhaps there is another one by now."""
        kept = self._kept_elsewhere.get(key)
        if kept is not None:
            self._vault.refused(kept[1])
            self._kept_elsewhere[key] = (0.0, kept[1])

    def _is_kept(self, key: _Key, connection: Connection) -> bool:
        return self._open.get(key) is connection or self._held.get((key, EVERYBODY)) is connection

    def _connected(self, key: _Key, connection: Connection) -> None:
        if self.on_connected is not None and self._is_kept(key, connection):
            self.on_connected(key[0], key[1], connection)
