"""How tokens for a server are had: the set-up as it is kept, and what is found out about its authorization server."""

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.errors import Unavailable
from tradepost.hub.upstreams.oauth.challenge import read_challenge
from tradepost.hub.upstreams.oauth.clients import callback_of, own_document, registered
from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import OAuthHttp
from tradepost.hub.upstreams.oauth.kept import CLIENT_SECRET
from tradepost.hub.upstreams.oauth.metadata import (
    KNOWN_METHODS,
    OFFLINE,
    Endpoints,
    Found,
    discover,
    endpoints_of,
)
from tradepost.hub.upstreams.oauth.models import EVERYBODY, ServerOAuth
from tradepost.hub.upstreams.oauth.token_requests import Client, method_for
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault

CONSENT, CLIENT = "authorization_code", "client_credentials"


@dataclass(frozen=True, slots=True)
class Setup:
    """One server's. `client` is None where the hub has none yet."""

    id: str
    server_id: str
    origin: str
    flow: str
    per_user: bool
    issuer: str | None
    endpoints: Endpoints | None
    client: Client | None
    client_kind: str | None
    client_redirect: str | None
    scopes: tuple[str, ...]
    resource: str | None

    def holder(self, user_id: str | None) -> str | None:
        """Whose account somebody uses; None for one that only a person could have."""
        return user_id if self.per_user else EVERYBODY


class Setups:
    """Reads them, and completes them by asking. `url` is where the hub is reached."""

    def __init__(self, database: Database, vault: Vault, http: OAuthHttp, url: str) -> None:
        self._database = database
        self._vault = vault
        self._http = http
        self.url = url

    async def read(self, workspace_id: str, server_id: str) -> Setup | None:
        """The set-up of a server, None for one without OAuth."""
        async with self._database.transaction(workspace_id, write=False) as session:
            row = await session.scalar(select(ServerOAuth).where(ServerOAuth.server_id == server_id))
            return None if row is None else _setup(row, await self._vault.kept(session, row.id, CLIENT_SECRET))

    async def find(self, url: str, setup: Setup) -> Found:
        """The authorization server of the server at `url`. Raises OAuthFailed, also where it is another one than the
        client of the set-up belongs to."""
        found = await discover(self._http, url, read_challenge(await self._http.challenge(url)), setup.issuer)
        return found if setup.resource is None else replace(found, resource=setup.resource)

    async def for_client(self, workspace_id: str, url: str, setup: Setup) -> Setup:
        """The set-up of a client that is its own person, with the endpoints it needs. Raises OAuthFailed."""
        if setup.endpoints is not None or setup.client is None:
            return setup
        found = await self.find(url, setup)
        method = _checked_method(setup.client, found.endpoints)
        complete = replace(
            setup,
            issuer=found.endpoints.issuer,
            endpoints=found.endpoints,
            client=replace(setup.client, method=method),
            resource=found.resource,
        )
        return await self._keep(workspace_id, complete)

    async def for_consent(self, workspace_id: str, url: str, setup: Setup) -> tuple[Setup, tuple[str, ...]]:
        """The set-up of people who are asked, as it is now, with a client; and the scopes to ask for. Raises
        OAuthFailed."""
        found = await self.find(url, setup)
        endpoints = found.endpoints
        if endpoints.authorization is None:
            raise OAuthFailed("The authorization server has no page on which people could agree.")
        if not endpoints.has_s256:
            raise OAuthFailed("The authorization server does not say that it has PKCE with S256, so it is not used.")
        scopes = setup.scopes or found.scopes
        if not setup.scopes and endpoints.has_offline and OFFLINE not in scopes:
            scopes = (*scopes, OFFLINE)  # without it there is nothing to renew tokens with
        client, kind, redirect = setup.client, setup.client_kind, callback_of(self.url)
        if client is not None and kind == "given":
            client = replace(client, method=_checked_method(client, endpoints))
        elif client is None or kind == "document" or setup.client_redirect != redirect:
            client, kind = own_document(self.url, endpoints), "document"
            if client is None:
                client, kind = await registered(self._http, endpoints, self.url, list(scopes)), "dynamic"
        complete = replace(
            setup,
            issuer=endpoints.issuer,
            endpoints=endpoints,
            client=client,
            client_kind=kind,
            client_redirect=redirect if kind == "dynamic" else None,
            resource=found.resource,
        )
        return await self._keep(workspace_id, complete, before=setup), scopes

    async def proven(self, workspace_id: str, setup: Setup) -> Setup:
        """The set-up with the client's secret as it is shown to the authorization server: one that was given may be
        kept elsewhere. Raises OAuthFailed."""
        client = setup.client
        if client is None or client.secret is None or setup.client_kind != "given":
            return setup
        try:
            found = await self._vault.filled(workspace_id, Header(CLIENT_SECRET, client.secret))
        except Unavailable as error:
            raise OAuthFailed(error.message, hint=error.hint) from error
        return replace(setup, client=replace(client, secret=found.value))

    async def _keep(self, workspace_id: str, setup: Setup, before: Setup | None = None) -> Setup:
        """The set-up with what was found out, kept. Where somebody else has just registered a client, that is the one.
        Raises OAuthFailed for a set-up that is gone."""
        async with self._database.transaction(workspace_id, write=True) as session:
            row = await session.scalar(select(ServerOAuth).where(ServerOAuth.id == setup.id).with_for_update())
            if row is None or setup.endpoints is None or setup.client is None:
                raise OAuthFailed("The server's OAuth was set up anew at this moment.", hint="Try again.")
            has_another = before is not None and row.client_id != (before.client.client_id if before.client else None)
            if has_another and row.client_redirect == setup.client_redirect:
                return _setup(row, await self._vault.kept(session, row.id, CLIENT_SECRET))
            row.issuer, row.endpoints, row.resource = setup.issuer, setup.endpoints.as_record(), setup.resource
            row.client_id, row.client_auth = setup.client.client_id, setup.client.method
            row.client_kind, row.client_redirect = setup.client_kind, setup.client_redirect
            if setup.client_kind == "dynamic":
                await self._vault.forget(session, row.id, CLIENT_SECRET)
                if setup.client.secret is not None:
                    await self._vault.keep(session, row.id, CLIENT_SECRET, setup.client.secret)
            return setup


async def keep_secret(session: AsyncSession, vault: Vault, setup_id: str, secret: str | None) -> None:
    """Keep the secret that was given for a client, or that it has none. Raises InvalidArgument."""
    if secret is None:
        await vault.forget(session, setup_id, CLIENT_SECRET)
    else:
        await vault.keep_given(session, setup_id, CLIENT_SECRET, secret)


def _checked_method(client: Client, endpoints: Endpoints) -> str:
    wanted = client.method if client.method in KNOWN_METHODS and client.method != "none" else None
    return method_for(endpoints, client.secret, wanted)


def _setup(row: ServerOAuth, secret: str | None) -> Setup:
    client = None
    if row.client_id is not None:
        client = Client(row.client_id, secret, row.client_auth or "")
    return Setup(
        id=row.id,
        server_id=row.server_id,
        origin=row.origin,
        flow=row.flow,
        per_user=row.per_user,
        issuer=row.issuer,
        endpoints=endpoints_of(row.endpoints),
        client=client,
        client_kind=row.client_kind,
        client_redirect=row.client_redirect,
        scopes=tuple(row.scopes),
        resource=row.resource,
    )
