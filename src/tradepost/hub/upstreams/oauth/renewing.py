"""The next token of an account: one request for it, in whichever process, and everybody else waits for that."""

import asyncio

from tradepost.foundation.clock import Now
from tradepost.hub.upstreams.oauth.errors import NotConnected, OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import OAuthHttp
from tradepost.hub.upstreams.oauth.kept import AccountStore, Held, Place
from tradepost.hub.upstreams.oauth.setups import CLIENT, Setup, Setups
from tradepost.hub.upstreams.oauth.token_requests import Tokens, of_client, renew

WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.1
OVER = "invalid_grant"


class Renewal:
    """Renews accounts."""

    def __init__(self, store: AccountStore, setups: Setups, http: OAuthHttp, now: Now) -> None:
        self._store = store
        self._setups = setups
        self._http = http
        self._now = now

    async def renewed(self, place: Place, slug: str, url: str, setup: Setup, before: Held | None) -> Held:
        """The account after `before`, which is over, will be soon, or was refused. Raises OAuthFailed, NotConnected."""
        loop = asyncio.get_running_loop()
        end = loop.time() + WAIT_SECONDS
        while True:
            current = await self._store.read(place)
            if current is None and setup.flow == CLIENT:
                await self._store.begin(place, list(setup.scopes))
                continue
            held = self.require(current, place, slug)
            is_another = before is None or held.generation != before.generation
            if is_another and not held.is_over(self._now()):
                return held
            lease = await self._store.lease(place, held)
            if lease is not None:
                return await self._ask(place, slug, url, setup, held, lease)
            if loop.time() >= end:
                raise OAuthFailed("The token could not be renewed in time.", hint="Try again in a few seconds.")
            await asyncio.sleep(LOOK_SECONDS)

    def require(self, held: Held | None, place: Place, slug: str) -> Held:
        """The account, if somebody is connected. Raises NotConnected."""
        if held is not None and held.is_connected:
            return held
        if held is not None:
            why = f"The connection to the server '{slug}' has ended: it has to be connected again."
        elif place.holder:
            why = f"The person behind this call is not connected to the server '{slug}'."
        else:
            why = f"Nobody has connected the server '{slug}' yet."
        raise NotConnected(why, self.link(slug))

    def link(self, slug: str) -> str:
        """Where a person connects to a server."""
        return f"{self._setups.url}/connect/servers/{slug}"

    async def _ask(self, place: Place, slug: str, url: str, setup: Setup, held: Held, lease: str) -> Held:
        try:
            tokens = await self._tokens(place, url, setup, held)
        except OAuthFailed as failed:
            if setup.flow == CLIENT or failed.said != OVER:
                await self._store.free(place, held, lease, failed.message)
                raise
            await self._store.refuse(place, held, lease, failed.message)
            ended = f"The authorization server has ended the connection to the server '{slug}'."
            raise NotConnected(ended, self.link(slug)) from failed
        if not await self._store.renewed(place, held, lease, tokens):
            raise OAuthFailed("The server's account was changed at this moment.", hint="Try again.")
        return self.require(await self._store.read(place), place, slug)

    async def _tokens(self, place: Place, url: str, setup: Setup, held: Held) -> Tokens:
        setup = await self._setups.read(place.workspace_id, place.server_id) or setup  # with what was found out since
        if setup.flow == CLIENT:
            setup = await self._setups.for_client(place.workspace_id, url, setup)
        setup = await self._setups.proven(place.workspace_id, setup)
        endpoints, client = setup.endpoints, setup.client
        if endpoints is None or client is None:
            raise OAuthFailed("The server's OAuth is not set up.", hint="Set it up again.")
        if setup.flow == CLIENT:
            return await of_client(self._http, endpoints, client, list(setup.scopes), setup.resource)
        if held.refresh is None:
            raise OAuthFailed("Its token is over, and it was given none to renew it with.", said=OVER)
        return await renew(self._http, endpoints, client, held.refresh, setup.resource or url)
