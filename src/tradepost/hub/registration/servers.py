"""Servers in the registry: add, change, disable, delete. A credential belongs to one origin and is never read back."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.slugs import checked_slug
from tradepost.hub.limits.quotas import read_quotas
from tradepost.hub.limits.settings import checked
from tradepost.hub.registration.granting import follow_needs, needs_of
from tradepost.hub.registration.oauth_terms import (
    OAuthTerms,
    check_beside,
    check_no_authorization,
    check_not_both,
    check_safe,
    is_safe,
    keep_terms,
    require_privacy,
)
from tradepost.hub.registration.ways_in import way_in
from tradepost.hub.registry.injection_rules import ASSERTION, stored_rules
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.upstreams.guard import Guard, Origin, origin_of, read_url
from tradepost.hub.upstreams.oauth.kept import forget_account, forget_oauth
from tradepost.hub.upstreams.oauth.models import ServerOAuth
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.vault.header_rules import Header, checked_headers
from tradepost.hub.vault.managers.references import holds_reference
from tradepost.hub.vault.vault import URL, Vault
from tradepost.protocol.api_marks import SCHEME as API_SCHEME
from tradepost.protocol.api_marks import is_api, web_url

# What is stored together with a new server.
Keep = Callable[[AsyncSession, Server], Awaitable[None]]


class Servers:
    """The admin's way to servers that are not bundled. URLs pass the guard before anything is stored."""

    def __init__(self, database: Database, vault: Vault, guard: Guard, programs: Programs | None = None) -> None:
        self._database = database
        self._vault = vault
        self._guard = guard
        self._programs = programs or Programs()

    async def register(
        self,
        by: Caller,
        slug: str,
        url: str,
        headers: Sequence[Header] = (),
        *,
        name: str = "",
        timeout_seconds: float | None = None,
        hide_url: bool = False,
        oauth: OAuthTerms | None = None,
    ) -> Server:
        """Add a remote MCP server. Nothing is connected yet: test it next. The same URL may be registered twice with
        different credentials. With `hide_url` the whole URL is a secret: only its origin is ever shown."""
        read = await self._read(by, url, hide=hide_url)
        await self._check(read, headers, secret=hide_url or oauth is not None)
        await check_beside(self._guard, oauth, [header.name for header in headers], hide_url=hide_url)
        whole = url if hide_url else None
        return await self._add(by, slug, read, headers, name, timeout_seconds, whole=whole, oauth=oauth)

    async def register_program(
        self, by: Caller, slug: str, program: str, *, name: str = "", timeout_seconds: float | None = None
    ) -> Server:
        """Add a server that is a program of the operator's file. For commands on the operator's machine alone: no
        HTTP API may lead here. Raises NotFound for a program that the file does not have."""
        self._programs.starter(program)
        return await self._add(by, slug, f"{SCHEME}{program}", (), name, timeout_seconds)

    async def register_api(
        self,
        by: Caller,
        slug: str,
        base_url: str,
        headers: Sequence[Header],
        keep: Keep,
        *,
        name: str = "",
        timeout_seconds: float | None = None,
        oauth: OAuthTerms | None = None,
    ) -> Server:
        """Add a REST API; `keep` stores its document with it, in the same transaction."""
        await self._check(base_url, headers, secret=oauth is not None)
        await check_beside(self._guard, oauth, [header.name for header in headers], hide_url=False)
        url = f"{API_SCHEME}{base_url}"
        return await self._add(by, slug, url, headers, name, timeout_seconds, oauth=oauth, keep=keep)

    async def _add(
        self,
        by: Caller,
        slug: str,
        url: str,
        headers: Sequence[Header],
        name: str,
        timeout_seconds: float | None,
        *,
        whole: str | None = None,
        oauth: OAuthTerms | None = None,
        keep: Keep | None = None,
    ) -> Server:
        """`whole` is what is kept of a URL that is a secret."""
        hide_url = whole is not None
        checked_slug(slug, "slug")
        settings = {} if timeout_seconds is None else {"timeout_seconds": checked("timeout_seconds", timeout_seconds)}
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            (await read_quotas(session, None)).require("remote_servers")
            if await session.scalar(select(Server.id).where(Server.slug == slug)) is not None:
                raise StateConflict(f"There is already a server '{slug}'.", hint="Choose another short name.")
            server = Server(
                id=new_id("srv"),
                slug=slug,
                name=name.strip() or slug,
                kind="remote",
                url=origin_of(url) if hide_url else url,
                url_hidden=hide_url,
                owner_id=by.user_id,
                credential_version=1 if headers or hide_url or oauth else 0,
                settings=settings,
            )
            session.add(server)
            await session.flush()
            await self._vault.replace(session, server.id, headers)
            if whole is not None:
                await self._vault.keep_given(session, server.id, URL, whole)
            if oauth is not None:
                await keep_terms(session, self._vault, server.id, web_url(url), oauth)
            if keep is not None:
                await keep(session, server)
            credential = (await way_in(session, server)).credential
            details = {"slug": slug, "url": server.url, "url_hidden": hide_url, "credential": credential}
            await record_change(session, by, "server:registered", server.id, details)
            return server

    async def set_url(self, by: Caller, server: str, url: str, *, hide: bool | None = None) -> Server:
        """Point a server elsewhere. Another scheme, host or port clears its credential: that is for the old one. What
        was hidden stays so, unless `hide` says otherwise."""
        given, hides = url, await self._hides(by, server, hide)
        url = await self._read(by, given, hide=hides)
        origin = await self._check(url, ())
        safe = await is_safe(self._guard, origin)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            found = await remote_server(session, server)
            if hide is None and hides != found.url_hidden:
                raise StateConflict("The server's URL was changed at this moment.", hint="Look at it and try again.")
            before = found.url
            moved = before is None or before.startswith(SCHEME) or read_url(web_url(before)) != origin
            if is_api(before):
                if "?" in url or hides:
                    raise InvalidArgument("The base URL of an API has no query, and is no secret.", field="url")
                url = f"{API_SCHEME}{url}"
            has_oauth = await session.scalar(select(ServerOAuth.id).where(ServerOAuth.server_id == found.id))
            if hides:
                check_safe(safe)
                check_not_both(has_oauth is not None and not moved)
            if hides or found.url_hidden:
                await self._vault.forget(session, found.id, URL)
                found.credential_version += 1
            if hides:
                await self._vault.keep_given(session, found.id, URL, given)
            found.url, found.url_hidden = (origin_of(url) if hides else url), hides
            found.status = "registered" if found.status != "disabled" else "disabled"
            found.last_error = None  # it was of the old one
            if moved:
                await self._vault.clear(session, found.id)
                await forget_oauth(session, self._vault, found.id)
                found.credential_version += 1
                # Who stands there now has not been asked to be told who calls, signed.
                found.settings = {name: value for name, value in found.settings.items() if name != ASSERTION}
            details = {"before": before, "url": found.url, "url_hidden": hides, "credential_cleared": moved}
            await record_change(session, by, "server:url", found.id, details)
            return found

    async def set_headers(self, by: Caller, server: str, headers: Sequence[Header]) -> Server:
        """Replace all headers of a server."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            url = (await remote_server(session, server)).url or ""
        if url.startswith(SCHEME):
            raise StateConflict(
                "A program has no headers.", hint="What it needs stands in the operator's file, as `env`."
            )
        await self._check(web_url(url), headers)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            found = await remote_server(session, server)
            if found.url != url:
                raise StateConflict("The server's URL was changed at this moment.", hint="Look at it and try again.")
            await check_not_ruled(session, found, headers)
            if await session.scalar(select(ServerOAuth.id).where(ServerOAuth.server_id == found.id)) is not None:
                check_no_authorization([header.name for header in headers])
            await self._vault.replace(session, found.id, headers)
            found.credential_version += 1
            names = [header.name for header in headers]
            await record_change(session, by, "server:headers", found.id, {"headers": names})
            return found

    async def renew_tokens(self, session: AsyncSession, server: Server) -> None:
        """Have tokens asked for anew, in the caller's transaction: on other terms than before."""
        await forget_account(session, self._vault, server.id)
        server.credential_version += 1

    async def set_active(self, by: Caller, server: str, active: bool) -> Server:
        """Disable a server (none of its tools can be called from the next call on) or enable it again."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            found = await find_server(session, server)
            if active != (found.status != "disabled"):
                found.status = ("ready" if found.kind == "builtin" else "registered") if active else "disabled"
                await record_change(session, by, "server:enabled" if active else "server:disabled", found.id)
            return found

    async def delete(self, by: Caller, server: str) -> None:
        """Remove a server with its tools, assignments and headers. Its audit rows stay."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            found = await remote_server(session, server)
            await self._vault.clear(session, found.id)
            await self._vault.forget(session, found.id, URL)
            await forget_oauth(session, self._vault, found.id)
            needed = await needs_of(session, found)
            await session.delete(found)
            await record_change(session, by, "server:deleted", found.id, {"slug": found.slug})
            await follow_needs(session, by, found, needed)

    async def _hides(self, by: Caller, server: str, hide: bool | None) -> bool:
        """Whether a server's URL is to be a secret."""
        if hide is not None:
            return hide
        async with self._database.transaction(by.workspace_id, write=False) as session:
            return (await find_server(session, server)).url_hidden

    async def _read(self, by: Caller, url: str, *, hide: bool) -> str:
        """A URL as it is: that of a server may be kept in a secrets manager, whole or the end of it. Raises
        InvalidArgument, Unavailable."""
        if not holds_reference(url):
            return url
        if not hide:
            raise InvalidArgument(
                "A URL that is kept in a secrets manager is a secret.", field="url", hint="Register it as one."
            )
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            await self._vault.references.check(session, url)
        return (await self._vault.filled(by.workspace_id, Header(URL, url))).value

    async def _check(self, url: str, headers: Sequence[Header], *, secret: bool = False) -> Origin:
        origin = await self._guard.check(url)
        if any(header.is_secret for header in checked_headers(headers)) or secret:
            await require_privacy(self._guard, origin)
        return origin


async def find_server(session: AsyncSession, server: str) -> Server:
    """A server by slug or id. Raises NotFound."""
    found = await session.scalar(select(Server).where((Server.slug == server) | (Server.id == server)))
    if found is None:
        raise NotFound(
            f"There is no server '{server[:60]}'.", hint="Run `tradepost server list` to see which there are."
        )
    return found


async def list_servers(session: AsyncSession) -> list[Server]:
    """All servers of the workspace, by slug."""
    return list(await session.scalars(select(Server).order_by(Server.slug)))


async def check_not_ruled(session: AsyncSession, server: Server, headers: Sequence[Header]) -> None:
    """Raises StateConflict for a header that a rule sets as well: a request would carry it once, and not as ruled."""
    of_tools = await session.scalars(select(ToolEntry.settings).where(ToolEntry.server_id == server.id))
    ruled = {rule.key for settings in (server.settings, *of_tools) for rule in stored_rules(settings)}
    for header in headers:
        if ("header", header.name.lower()) in ruled:
            raise StateConflict(f"A rule sets the header '{header.name}'.", hint="Remove that rule first.")


async def remote_server(session: AsyncSession, server: str) -> Server:
    """A server that is not bundled. Raises NotFound, StateConflict."""
    found = await find_server(session, server)
    if found.kind != "remote":
        raise StateConflict(
            f"'{found.slug}' is a bundled server: it comes with the release.", hint="Disable it if you do not want it."
        )
    return found
