"""Where servers are and what they are shown, as a plan says: URLs, sealed headers, OAuth, in the session's
transaction."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import StateConflict
from tradepost.hub.registration.configuration.addresses import is_web
from tradepost.hub.registration.configuration.document import ServerPart
from tradepost.hub.registration.configuration.oauth import oauth_part, same_terms, terms_of
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.configuration.values import Values
from tradepost.hub.registration.oauth_terms import check_no_authorization, check_not_both, keep_terms
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.guard import origin_of
from tradepost.hub.upstreams.oauth.kept import forget_oauth
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.upstreams.oauth.setups import keep_secret
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import URL, Vault
from tradepost.protocol.api_marks import web_url


class CredentialChanges:
    """Makes the changes of servers' credentials. What is not given stays as it is kept, at the same origin."""

    def __init__(self, session: AsyncSession, rows: Rows, vault: Vault, values: Values) -> None:
        self._session, self._rows = session, rows
        self._vault, self._values = vault, values

    async def forget(self, row: Server) -> None:
        """All that was for a server at its origin."""
        await self._vault.clear(self._session, row.id)
        await self._vault.forget(self._session, row.id, URL)
        await forget_oauth(self._session, self._vault, row.id)
        self._rows.oauth.pop(row.id, None)
        row.credential_version += 1

    async def set_url(self, row: Server, part: ServerPart, *, moved: bool) -> None:
        """The URL, or the origin of one that is a secret."""
        was_hidden, before = bool(row.url_hidden), row.url
        hides = part.secret_url if part.says("secret_url") else was_hidden
        url = part.url if part.says("url") and part.url is not None else before or ""
        whole = self._values.given.urls.get(row.slug) if hides else None
        if hides and whole is None and not was_hidden and not moved:
            whole = before  # which everybody could see so far
        if was_hidden and not hides:
            await self._vault.forget(self._session, row.id, URL)
        if whole is not None:
            await self._vault.keep_given(self._session, row.id, URL, whole)
        row.url, row.url_hidden = (origin_of(url) if hides else url), hides
        if hides or was_hidden:
            row.credential_version += 1

    async def set_headers(self, row: Server, part: ServerPart, stored: Mapping[str, Header]) -> None:
        """The headers whose values are there."""
        headers = []
        for header in part.headers:
            given, before = self._values.given_for(part.slug, header.name), stored.get(header.name.lower())
            if given is not None:
                headers.append(Header(header.name, given, header.secret))
            elif before is not None:
                headers.append(Header(header.name, before.value, header.secret or before.hidden))
        await self._vault.replace(self._session, row.id, headers)
        row.credential_version += 1

    async def set_oauth(self, row: Server, part: ServerPart) -> None:
        """The terms on which tokens are had. On other terms nobody is connected any more."""
        wanted, setup = part.oauth, self._rows.oauth.get(row.id)
        before = oauth_part(setup, self._rows.sealed)
        with_secret = wanted is not None and wanted.client_secret
        secret = self._values.given.client_secrets.get(row.slug) if with_secret else None
        if setup is not None and wanted is not None and before is not None and same_terms(wanted, before):
            await keep_secret(self._session, self._vault, setup.id, secret)
        else:
            await forget_oauth(self._session, self._vault, row.id)
            if wanted is not None:
                terms = terms_of(wanted, secret)
                await keep_terms(self._session, self._vault, row.id, web_url(row.url or ""), terms)
        row.credential_version += 1

    async def check(self, row: Server) -> list[str]:
        """The names of the headers that a server is sent, in lower case. Raises InvalidArgument, StateConflict where
        they, or a secret URL, stand beside OAuth."""
        names = [header.name.lower() for header in await self._vault.show(self._session, row.id)]
        setup = await self._session.scalar(select(ServerOAuth.id).where(ServerOAuth.server_id == row.id))
        if setup is not None:
            if not is_web(row.url):
                raise StateConflict("A program gets no tokens.", hint="What it needs stands in the operator's file.")
            check_not_both(row.url_hidden)
            check_no_authorization(names)
        return names
