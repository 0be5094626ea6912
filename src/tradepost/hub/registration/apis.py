"""REST APIs as servers: an admin hands over an OpenAPI document, chooses operations, and each becomes a tool that is
discovered, approved, assigned and called like any other.

The document is kept. One that came from a URL is read anew whenever somebody looks at the server; what changed waits
for a person, as with every server.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role, system_caller
from tradepost.hub.registration.api_documents import document_of
from tradepost.hub.registration.api_scopes import follow_choice
from tradepost.hub.registration.api_views import ApiView, views_of
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.addresses import base_url
from tradepost.hub.registration.openapi.client_terms import terms_with_document
from tradepost.hub.registration.openapi.compiling import Compiled, compiled, keys_of, still_there, text_and_digest
from tradepost.hub.registration.openapi.fetching import fetch_document
from tradepost.hub.registration.openapi.operations import EVERYTHING, chosen, operations_of
from tradepost.hub.registration.openapi.reading import read_document
from tradepost.hub.registration.openapi.references import Document
from tradepost.hub.registration.openapi.security import headers_for
from tradepost.hub.registration.openapi.terms import FEW, Choice, Terms, read_terms, with_choice
from tradepost.hub.registration.servers import Servers, find_server
from tradepost.hub.registry.api_models import ApiDocument
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.rest.link import Offer, trial_of
from tradepost.hub.vault.header_rules import Header
from tradepost.protocol.api_marks import is_api, web_url
from tradepost.protocol.upstream_errors import UpstreamFailed

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewApi:
    """What an admin gives. The document as bytes, or the URL of one; credentials are by scheme of the document, which
    also says what `oauth` leaves open."""

    slug: str
    document: bytes | None = None
    source: str | None = None
    base_url: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    credentials: Mapping[str, str] = field(default_factory=dict)
    headers: Sequence[Header] = ()
    oauth: OAuthTerms | None = None
    name: str = ""
    timeout_seconds: float | None = None


class Apis:
    """Registers APIs, and says what they offer. `connections` ask it whenever somebody looks at one."""

    def __init__(self, database: Database, servers: Servers, connections: Connections) -> None:
        self._database = database
        self._servers = servers
        self._guard = connections.guard
        connections.clients.look = self.look

    async def register(self, by: Caller, new: NewApi) -> ApiView:
        """Add an API with its document. Nothing of it is visible to agents yet. Raises InvalidArgument, UpstreamFailed,
        UpstreamTimedOut; then nothing is stored."""
        if (new.document is None) == (new.source is None):
            raise InvalidArgument("Give either the document or its URL.", field="document")
        data = new.document if new.document is not None else await fetch_document(self._guard, new.source or "")
        raw = await asyncio.to_thread(read_document, data)
        document = Document(raw)
        known = operations_of(document)
        base = base_url(document, known, new.source, new.base_url, new.variables)
        first = Terms(operations=(EVERYTHING,) if len(known) <= FEW else ())
        terms = with_choice(first, new.choice, keys_of(known))
        made = await asyncio.to_thread(compiled, raw, terms, base, new.source)
        terms = replace(terms, names=made.names(terms.names))
        text, digest = await asyncio.to_thread(text_and_digest, raw)
        headers, oauth = [*headers_for(document, new.credentials), *new.headers], new.oauth
        if oauth is not None:
            oauth = terms_with_document(oauth, document, chosen(made.operations, terms.operations), base)

        async def keep(session: AsyncSession, server: Server) -> None:
            session.add(
                ApiDocument(
                    id=new_id("api"),
                    server_id=server.id,
                    source=new.source,
                    text=text,
                    digest=digest,
                    terms=terms.stored(),
                )
            )

        options: dict[str, Any] = {"name": new.name or made.title, "timeout_seconds": new.timeout_seconds}
        server = await self._servers.register_api(by, new.slug, base, headers, keep, oauth=oauth, **options)
        return ApiView(server, new.source, digest, terms, made.schemes, views_of(made, terms))

    async def show(self, by: Caller, server: str) -> ApiView:
        """An API and all operations of its document."""
        found, kept = await self._kept(by.workspace_id, server)
        made, terms = await self._compiled(found, kept)
        return ApiView(found, kept.source, kept.digest, terms, made.schemes, views_of(made, terms))

    async def choose(self, by: Caller, server: str, choice: Choice) -> ApiView:
        """Choose other operations or fields. What that changes shows when the server is discovered next."""
        found, kept = await self._kept(by.workspace_id, server)
        made, before = await self._compiled(found, kept)
        terms = with_choice(before, choice, keys_of(made.operations))
        raw = await asyncio.to_thread(orjson.loads, kept.text)
        usable = terms if choice.operations is not None else replace(terms, operations=still_there(raw, terms))
        made = await asyncio.to_thread(compiled, raw, usable, web_url(found.url or ""), kept.source)
        terms = replace(terms, names=made.names(before.names))
        await self._store(by, found, kept, "api:chosen", kept.text, kept.digest, terms)
        return ApiView(found, kept.source, kept.digest, terms, made.schemes, views_of(made, terms))

    async def replace(self, by: Caller, server: str, data: bytes) -> ApiView:
        """Hand over a newer document of the same API. What it changes shows when the server is discovered next."""
        found, kept = await self._kept(by.workspace_id, server)
        if kept.source is not None:
            raise StateConflict(
                f"The document of '{found.slug}' is read from its URL.", hint="Discover the server to read it anew."
            )
        made, terms = await self._take(by, found, kept, data)
        return ApiView(found, None, kept.digest, terms, made.schemes, views_of(made, terms))

    async def set_credentials(self, by: Caller, server: str, given: Mapping[str, str]) -> Server:
        """Replace the credential of an API, by schemes of its document."""
        found, kept = await self._kept(by.workspace_id, server)
        document = Document(await asyncio.to_thread(orjson.loads, kept.text))
        return await self._servers.set_headers(by, found.id, headers_for(document, given))

    async def look(self, workspace_id: str, server_id: str) -> Offer:
        """What an API offers now: its document is read anew where it has a source. Raises UpstreamFailed,
        UpstreamTimedOut; then what is kept stays."""
        found, kept = await self._kept(workspace_id, server_id)
        if kept.source is None:
            made, _ = await self._compiled(found, kept)
        else:
            try:
                data = await fetch_document(self._guard, kept.source)
                made, _ = await self._take(system_caller(workspace_id, new_id("req")), found, kept, data)
            except InvalidArgument as error:
                raise UpstreamFailed(error.message, dispatched=False, hint=error.hint) from error
        tools = list(made.definitions.values())
        return Offer(made.title or found.name, tools, trial_of(tools))

    async def _take(self, by: Caller, found: Server, kept: ApiDocument, data: bytes) -> tuple[Compiled, Terms]:
        """Compile a newer document and keep it, if it is another one. Raises InvalidArgument, having kept the old."""
        raw = await asyncio.to_thread(read_document, data)
        text, digest = await asyncio.to_thread(text_and_digest, raw)
        before = read_terms(kept.terms)
        usable = replace(before, operations=await asyncio.to_thread(still_there, raw, before))
        made = await asyncio.to_thread(compiled, raw, usable, web_url(found.url or ""), kept.source)
        terms = replace(before, names=made.names(before.names))
        if digest != kept.digest or terms != before:
            await self._store(by, found, kept, "api:document", text, digest, terms)
        return made, terms

    async def _compiled(self, found: Server, kept: ApiDocument) -> tuple[Compiled, Terms]:
        raw = await asyncio.to_thread(orjson.loads, kept.text)
        terms = read_terms(kept.terms)
        usable = replace(terms, operations=still_there(raw, terms))
        return await asyncio.to_thread(compiled, raw, usable, web_url(found.url or ""), kept.source), terms

    async def _kept(self, workspace_id: str, server: str) -> tuple[Server, ApiDocument]:
        async with self._database.transaction(workspace_id, write=False) as session:
            found = await find_server(session, server)
            kept = await document_of(session, found.id)
        if kept is None or not is_api(found.url):
            raise NotFound(
                f"'{found.slug}' is no REST API: it has no OpenAPI document.",
                hint="Its tools: `tradepost server tools`.",
            )
        return found, kept

    async def _store(
        self, by: Caller, found: Server, kept: ApiDocument, tag: str, text: str, digest: str, terms: Terms
    ) -> None:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            row = await session.scalar(select(ApiDocument).where(ApiDocument.id == kept.id))
            if row is None or row.digest != kept.digest or row.terms != kept.terms:
                raise StateConflict("The API was changed at this moment.", hint="Look at it and try again.")
            stored = terms.stored()
            details: Json = {
                "before": {"digest": row.digest, **_told(row.terms)},
                "after": {"digest": digest, **_told(stored)},
            }
            before, after = (row.text, read_terms(row.terms)), (text, terms)
            current = await find_server(session, found.id)
            details |= await follow_choice(session, self._servers, current, before, after)
            row.text, row.digest, row.terms = text, digest, stored
            await record_change(session, by, tag, found.id, details)
        kept.digest = digest


def _told(stored: Mapping[str, Any]) -> Json:
    """What the audit tells of terms."""
    return {name: stored[name] for name in ("operations", "fields", "key_header", "checks_answers")}
