"""Warm connections to remote servers: a client per (workspace, server, URL, credential version), one HTTP pool for all.

A client remembers the server's era and, in the older one, a session that belongs to its credential; so a changed
credential gets a new client and the old one is closed. Where a server wants OAuth, there is a client per account.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, Unavailable
from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.clients import Clients
from tradepost.hub.upstreams.connection import Connection, Key
from tradepost.hub.upstreams.elsewhere import Elsewhere
from tradepost.hub.upstreams.guard import Guard, origin_of, read_url
from tradepost.hub.upstreams.oauth.accounts import Account, Accounts
from tradepost.hub.upstreams.oauth.kept import Place
from tradepost.hub.upstreams.oauth.models import EVERYBODY
from tradepost.hub.upstreams.oauth.setups import Setup
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.upstreams.secret_parts import of_url
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import web_url
from tradepost.protocol.options import NOTHING_BESIDE, Beside
from tradepost.protocol.wire import Timeouts

MOST_HELD = 1_000  # connections of accounts; the one that was used longest ago goes first
STOP_SECONDS = 5.0  # for a token that is under way when everything ends

# What goes along with every request to a server, by workspace and server.
Ambient = Callable[[str, str], Awaitable[Beside]]


async def no_ambient(_workspace_id: str, _server_id: str) -> Beside:
    """For connections of which nobody said anything."""
    return NOTHING_BESIDE


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a server is sent with every request; `whole` is the URL that is a secret itself."""

    headers: Sequence[Header] = field(repr=False)
    whole: Header | None = field(repr=False)
    ambient: Beside

    @property
    def secrets(self) -> Sequence[Header]:
        """All of it that may be kept elsewhere."""
        return self.headers if self.whole is None else (*self.headers, self.whole)


class Connections:
    """Opens and keeps them. Only dispatch, watching and registration may ask for one. `on_connected` is told workspace
    and server each time a connection that is kept has found out whom it talks to, `on_replaced` when another one took
    its place because its secret, which is kept elsewhere, is another one now, `on_over` workspace, server and holder of
    an account that the authorization server has ended."""

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
        self._setups: dict[Key, Setup] = {}
        self._held: OrderedDict[tuple[Key, str], Connection] = OrderedDict()
        self._vault = vault
        self.guard = guard
        self.clients = Clients(guard, programs, timeouts)
        self._open: dict[Key, Connection] = {}
        self._elsewhere = Elsewhere(vault)
        self._kept_elsewhere = self._elsewhere.kept
        self._closing: set[asyncio.Task[None]] = set()
        self.on_connected: Callable[[str, str, Connection], None] | None = None
        self.on_replaced: Callable[[str, str, Connection], None] | None = None
        self.on_over: Callable[[str, str, str], None] | None = None
        if accounts is not None:
            accounts.on_over = self._over

    def known(self, workspace_id: str, server_id: str, url: str, version: int, limits: Limits) -> Connection | None:
        """The connection that `to` would give, where it is open already."""
        key = (workspace_id, server_id, url, version, limits.connect_seconds, limits.handshake_seconds)
        return None if self._kept_elsewhere and self._elsewhere.is_due(key) else self._open.get(key)

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
        holder: str = EVERYBODY,
    ) -> Connection:
        """The warm connection to a server with its current credential: that of the caller, where it is one of people,
        or, without a caller, of the person whose account it is (`holder`).
        Where there was an older one, that is closed meanwhile: a server that does not answer to that keeps nobody
        waiting. Raises NotConnected."""
        seconds = (limits.connect_seconds, limits.handshake_seconds)
        key = (workspace_id, server_id, url, credential_version, *seconds)
        known = self._open.get(key)
        if known is not None and not self._elsewhere.is_due(key):
            return known
        setup = self._setups.get(key) or await self._setup(workspace_id, server_id)
        if setup is not None:
            user_id, seen = (holder or None, None) if caller is None else (caller.user_id, caller.seen)
            return await self._to_account(
                key, setup, limits, slug or server_id, user_id, seen.version if seen else None
            )
        opened = await self._opened(workspace_id, server_id, url)
        before = self._open.get(key)
        if self._elsewhere.take(key, opened.secrets) and key in self._open:
            self._close_beside(self._open.pop(key), server_id)
        if key in self._open:
            return self._open[key]
        made = self._made(url, limits, opened)
        made = replace(made, on_refused=self._elsewhere.on_refused(key))
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
        self, key: Key, setup: Setup, limits: Limits, slug: str, user_id: str | None, seen: int | None
    ) -> Connection:
        """The connection of an account. `seen` is the version of the registry with which a caller was let in. Raises
        NotConnected."""
        if self._accounts is None:
            raise RuntimeError("A server with OAuth needs accounts.")
        workspace_id, server_id, url = key[:3]
        held = (key, setup.holder(user_id) or EVERYBODY)
        known = self._held.get(held)
        if known is not None and known.account is not None:
            consent = known.account.consent
            await known.account.look(seen)
            if known.account.consent == consent and self._held.get(held) is known:
                self._held.move_to_end(held)
                if not self._elsewhere.is_due(key):
                    return known
            elif self._held.get(held) is known:  # the session belongs to the account of before
                self._close_beside(self._held.pop(held), server_id)
        account = self._accounts.account(workspace_id, slug, web_url(url), setup, user_id)
        await account.look(None)
        opened = await self._opened(workspace_id, server_id, url)
        before = self._held.get(held)
        if self._elsewhere.take(key, opened.secrets):
            for old in [old for old in self._held if old[0] == key]:
                self._close_beside(self._held.pop(old), server_id)
        if held not in self._held:
            made = self._made(url, limits, opened, account)
            self._keep(held, setup, replace(made, on_refused=self._elsewhere.on_refused(key)))
            if before is not None and self.on_replaced is not None:
                self.on_replaced(workspace_id, server_id, self._held[held])
        return self._held[held]

    def _keep(self, held: tuple[Key, str], setup: Setup, made: Connection) -> None:
        key = held[0]
        self._held[held], self._setups[key] = made, setup
        if not setup.per_user:  # what one person's account hears is not for the others
            made.client.on_connected = lambda _: self._connected(key, made)
        self._close_others(key)
        while len(self._held) > MOST_HELD:
            self._close_beside(self._held.popitem(last=False)[1], key[1])

    def _close_others(self, key: Key) -> None:
        """Those to the same server as it was before."""
        for old in [old for old in self._open if old[:2] == key[:2] and old != key]:
            self._close(old)
        for old in [old for old in self._setups if old[:2] == key[:2] and old != key]:
            self._elsewhere.forget(old)
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
        if whole is not None:
            _check_place(whole, url)
        return _Opened(headers, whole, ambient)

    def _made(
        self,
        url: str,
        limits: Limits,
        opened: _Opened,
        account: Account | None = None,
        place: tuple[str, str] | None = None,
    ) -> Connection:
        where = url if opened.whole is None else opened.whole.value
        made = self.clients.made(where, opened.headers, limits, opened.ambient, account, place)
        return made if opened.whole is None else replace(made, own=(*of_url(where), *made.own))

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
        await self.clients.close()

    def _close(self, key: Key) -> None:
        """Close a connection beside what goes on."""
        self._elsewhere.forget(key)
        self._close_beside(self._open.pop(key), key[1])

    def _over(self, place: Place) -> None:
        if self.on_over is not None:
            self.on_over(place.workspace_id, place.server_id, place.holder)

    def _is_kept(self, key: Key, connection: Connection) -> bool:
        return self._open.get(key) is connection or self._held.get((key, EVERYBODY)) is connection

    def _connected(self, key: Key, connection: Connection) -> None:
        if self.on_connected is not None and self._is_kept(key, connection):
            self.on_connected(key[0], key[1], connection)


def _check_place(whole: Header, url: str) -> None:
    """Raises Unavailable for a secret URL that is of another origin than the one that is known, or none at all."""
    if whole.reference is None:
        if origin_of(whole.value) != origin_of(url):
            raise Unavailable("The server was moved at this moment.", hint="Try again.")
        return
    try:
        is_there = read_url(whole.value) == read_url(url)
    except InvalidArgument:
        is_there = False
    if not is_there:
        raise Unavailable(
            "What the secrets manager has as the server's URL is of another origin, or no URL: nothing was sent.",
            hint="Put the right URL there, or set the server's URL again: its credential belongs to one origin.",
        )
