"""The credential of a server that is there already: another, of a different kind, or none. Written, never read."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.api_documents import document_of, terms_with_kept
from tradepost.hub.registration.oauth_terms import OAuthTerms, check_beside, keep_terms, require_privacy
from tradepost.hub.registration.servers import check_not_ruled, remote_server
from tradepost.hub.registration.ways_in import way_in
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.hub.upstreams.oauth.kept import forget_oauth
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.header_rules import Header, checked_headers
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import web_url

AUTHORIZATION = "Authorization"


def bearer(token: str) -> Header:
    """A token as the header that carries it."""
    return Header(AUTHORIZATION, f"Bearer {token}")


class Credentials:
    """Replaces them. Headers that are not the credential stay."""

    def __init__(self, database: Database, vault: Vault, guard: Guard) -> None:
        self._database = database
        self._vault = vault
        self._guard = guard

    async def set_header(self, by: Caller, server: str, header: Header) -> Server:
        """One header as the credential: a bearer token, an API key. It ends OAuth there."""
        checked_headers([header])
        return await self._replace(by, server, None, header)

    async def set_oauth(self, by: Caller, server: str, terms: OAuthTerms) -> Server:
        """Tokens as the credential, had on these terms; of a REST API, its document says what they leave open. Whoever
        was connected is not any more."""
        return await self._replace(by, server, terms, None)

    async def remove(self, by: Caller, server: str) -> Server:
        """No credential: neither OAuth nor hidden headers."""
        return await self._replace(by, server, None, None)

    async def _replace(self, by: Caller, server: str, terms: OAuthTerms | None, header: Header | None) -> Server:
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            looked = await remote_server(session, server)
            held = await self._vault.stored(session, looked.id)
            kept = await document_of(session, looked.id) if terms is not None else None
        url = looked.url or ""
        if url.startswith(SCHEME):
            raise StateConflict(
                "A program has no credential here.", hint="What it needs stands in the operator's file, as `env`."
            )
        if terms is not None and kept is not None:
            terms = await terms_with_kept(terms, kept, web_url(url))
        await self._guard.check(web_url(url))
        if terms is not None or header is not None:
            await require_privacy(self._guard, read_url(web_url(url)))
        headers = _beside(held, header, keeps_hidden=terms is not None)
        await check_beside(self._guard, terms, [one.name for one in headers], hide_url=looked.url_hidden)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            found = await remote_server(session, server)
            if (found.url, found.credential_version) != (url, looked.credential_version):
                raise StateConflict("The server was changed at this moment.", hint="Look at it and try again.")
            await self._store(session, by, found, terms, headers)
            return found

    async def _store(
        self, session: AsyncSession, by: Caller, found: Server, terms: OAuthTerms | None, headers: Sequence[Header]
    ) -> None:
        before = (await way_in(session, found)).credential
        await check_not_ruled(session, found, headers)
        await forget_oauth(session, self._vault, found.id)
        await self._vault.replace(session, found.id, headers)
        if terms is not None:
            await keep_terms(session, self._vault, found.id, web_url(found.url or ""), terms)
        found.credential_version += 1
        details: dict[str, object] = {"before": before, "credential": (await way_in(session, found)).credential}
        details["headers"] = [header.name for header in headers]
        if terms is not None:
            details |= {"client_id": terms.client_id, "issuer": terms.issuer, "scopes": list(terms.scopes)}
        await record_change(session, by, "server:credential", found.id, details)


def _beside(held: Sequence[Header], header: Header | None, *, keeps_hidden: bool) -> list[Header]:
    """The headers there are afterwards. `Authorization` always belongs to the credential."""
    ours = {AUTHORIZATION.lower(), header.name.lower() if header is not None else ""}
    kept = [one for one in held if one.name.lower() not in ours and (not one.hidden or header or keeps_hidden)]
    return [*kept, *([header] if header is not None else [])]
