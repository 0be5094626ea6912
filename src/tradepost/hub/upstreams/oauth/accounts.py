"""Accounts at servers while they are used: the token of now, the next one in time, and one request for it, however many
calls want it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.upstreams.guard import Guard, origin_of
from tradepost.hub.upstreams.oauth.errors import NotConnected, OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import OAuthHttp
from tradepost.hub.upstreams.oauth.kept import AccountStore, Held, Place
from tradepost.hub.upstreams.oauth.renewing import Renewal
from tradepost.hub.upstreams.oauth.setups import CLIENT, Setup, Setups
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.credentialed_link import Headers
from tradepost.protocol.http_pool import HttpPool

logger = logging.getLogger(__name__)

REST = timedelta(seconds=10)  # after a failure, and after a token that was refused
MOST_SECRETS = 4


@dataclass(slots=True, eq=False)
class Account:
    """One holder's account at one server: the Credential of their connection. `secrets` are its last tokens."""

    place: Place
    slug: str
    url: str = field(repr=False)
    setup: Setup
    renewal: Renewal = field(repr=False)
    store: AccountStore = field(repr=False)
    now: Now = field(repr=False)
    on_over: Callable[[Place], None] | None = field(default=None, repr=False)  # told when nobody is connected any more
    secrets: tuple[str, ...] = field(default=(), repr=False)
    renewing: "asyncio.Task[Held] | None" = field(default=None, repr=False)
    _held: Held | None = field(default=None, repr=False)
    _seen: int | None = None
    _rests_until: datetime | None = None
    _failure: OAuthFailed | None = field(default=None, repr=False)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the token of now is good for, as far as the authorization server said."""
        return self._held.scopes if self._held is not None else ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Scopes that were asked for and not given."""
        held = self._held
        return () if held is None else tuple(scope for scope in held.asked if scope not in held.scopes)

    @property
    def consent(self) -> datetime | None:
        """When somebody connected it. Another time is another consent, perhaps of another account there."""
        return self._held.connected_at if self._held is not None else None

    async def look(self, seen: int | None) -> None:
        """See whether there is still somebody connected. `seen` is the version of the registry with which the caller
        was let in: where it is that of last time, nothing has changed. Raises NotConnected."""
        if self._held is None or seen is None or seen != self._seen:
            self._take(await self.store.read(self.place))
            self._seen = seen
        if self.setup.flow != CLIENT:
            self.renewal.require(self._held, self.place, self.slug)

    async def headers(self) -> Headers:
        """See Credential."""
        held, moment = self._held, self.now()
        if held is None or held.is_over(moment):
            if self._failure is not None and self._rests():
                raise OAuthFailed(self._failure.message, hint=self._failure.hint, said=self._failure.said)
            held = await self._renewed()
        elif held.is_due(moment) and (held.refresh is not None or self.setup.flow == CLIENT) and not self._rests():
            self._begin()  # the token of now lasts until the next one is there
        return _headers(held)

    async def renewed(self, refused: Headers) -> Headers | None:
        """See Credential."""
        held = self._held
        if held is not None and held.access is not None and _headers(held) != refused:
            return _headers(held)
        if self._rests():
            return None  # a server that refuses each new token is not asked about all of them
        renewed = _headers(await self._renewed())
        self._rests_until = self.now() + REST
        return renewed

    async def _renewed(self) -> Held:
        # It goes on without whoever waits: the old refresh token may be worth nothing by then.
        return await asyncio.shield(self._begin())

    def _begin(self) -> "asyncio.Task[Held]":
        if self.renewing is None:
            work = self.renewal.renewed(self.place, self.slug, self.url, self.setup, self._held)
            self.renewing = asyncio.create_task(work, name=f"renewing the token for {self.slug}")
            self.renewing.add_done_callback(self._settled)
        return self.renewing

    def _settled(self, task: "asyncio.Task[Held]") -> None:
        self.renewing = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._take(task.result())
            self._failure = None
            return
        logger.info("the token for the server %s was not renewed: %s", self.slug, error)
        if isinstance(error, OAuthFailed):
            self._failure, self._rests_until = error, self.now() + REST
        elif isinstance(error, NotConnected):
            self._held = None
            if self.on_over is not None:
                self.on_over(self.place)

    def _rests(self) -> bool:
        return self._rests_until is not None and self.now() < self._rests_until

    def _take(self, held: Held | None) -> None:
        self._held = held
        if held is not None and held.access is not None and held.access not in self.secrets:
            self.secrets = (held.access, *self.secrets)[:MOST_SECRETS]


class Accounts:
    """Finds the account with which a caller is at a server. `url` is where the hub is reached."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        guard: Guard,
        url: str,
        now: Now = system_now,
        pool: HttpPool | None = None,
    ) -> None:
        self.http = OAuthHttp(guard, pool)
        self.store = AccountStore(database, vault, now)
        self.setups = Setups(database, vault, self.http, url)
        self.renewal = Renewal(self.store, self.setups, self.http, now)
        self.on_over: Callable[[Place], None] | None = None
        self._now = now

    def account(self, workspace_id: str, slug: str, url: str, setup: Setup, user_id: str | None) -> Account:
        """That of a person, or everybody's, as the server is set up. Raises NotConnected where only a person could have
        one, and none is behind the call, and OAuthFailed where the server has just been moved."""
        if origin_of(url) != setup.origin:
            raise OAuthFailed("The server was moved at this moment.", hint="Try again.")
        holder = setup.holder(user_id)
        if holder is None:
            raise NotConnected(
                f"The server '{slug}' is called in the name of people, and there is none behind this call.",
                self.renewal.link(slug),
            )
        place = Place(workspace_id, setup.server_id, holder)
        return Account(place, slug, url, setup, self.renewal, self.store, self._now, self.on_over)

    async def close(self) -> None:
        """Close its connections."""
        await self.http.close()


def _headers(held: Held) -> Headers:
    return {"authorization": f"Bearer {held.access}"}
