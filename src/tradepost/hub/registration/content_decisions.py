"""A person's decisions about a server's resources, templates and prompts: approve what waits, or take one away from
agents. Each has its own, as a tool has."""

from collections.abc import Mapping

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.hub.access.changes import bump, record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.contents import contents_of, key_of, kind_of, lay
from tradepost.hub.registration.history import Scribe
from tradepost.hub.registration.intake import content_finding
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.models import EntryKind, PromptEntry, ResourceEntry

Entry = ResourceEntry | PromptEntry


async def approve_content(
    session: AsyncSession,
    by: Caller,
    server: str,
    content: str,
    *,
    kind: EntryKind | None = None,
    digest: str | None = None,
    now: Now = system_now,
) -> Entry:
    """Approve the current definition of one and show it to agents. A changed one that waits becomes the pinned one.
    `digest` is that of the definition which was looked at: StateConflict where another one stands there by now."""
    await require_role(session, by, "admin")
    found = await find_server(session, server)
    scribe = await Scribe(session, found.id, by.user_id or by.principal.id, now()).open()  # first, for its lock
    row = await find_content(session, found.id, content, kind)
    await _approve(session, by, row, scribe, digest, now)
    return row


async def approve_waiting(
    session: AsyncSession, by: Caller, server: str, digests: Mapping[str, str] | None = None, *, now: Now = system_now
) -> list[Entry]:
    """Approve all that wait: new and changed ones, but none that a person disabled. With `digests` only those, by id,
    whose definitions were looked at: StateConflict where another one stands there by now, and then none."""
    await require_role(session, by, "admin")
    found = await find_server(session, server)
    scribe = await Scribe(session, found.id, by.user_id or by.principal.id, now()).open()  # first, for its lock
    rows = [row for row in await list_contents(session, found.id) if waits(row) and row.state != "disabled"]
    wanted = [row for row in rows if digests is None or row.id in digests]
    for row in wanted:
        await _approve(session, by, row, scribe, None if digests is None else digests[row.id], now)
    return wanted


async def set_content_enabled(
    session: AsyncSession, by: Caller, server: str, content: str, enabled: bool, *, kind: EntryKind | None = None
) -> Entry:
    """Take one away from agents, from the next call on, or show it again where a person approved it before."""
    await require_role(session, by, "admin")
    await bump(session)  # first, for its lock
    row = await find_content(session, server, content, kind)
    if row.state == "removed":
        raise _is_gone(row)
    if enabled and waits(row):
        raise StateConflict(
            f"'{_named(row)}' is {row.state}: its definition has not been approved.", hint="Approve it instead."
        )
    wanted = "enabled" if enabled else "disabled"
    if row.state != wanted:
        details = {"kind": kind_of(row), "name": key_of(row), "before": row.state, "after": wanted}
        row.state = wanted
        await record_change(session, by, f"content:{wanted}", row.id, details)
    return row


async def find_content(session: AsyncSession, server: str, content: str, kind: EntryKind | None = None) -> Entry:
    """One by its server (slug or id) and its URI, name or id. Raises NotFound; StateConflict where a resource and a
    prompt have that name and `kind` does not say which."""
    found = await find_server(session, server)
    rows: list[Entry] = []
    if kind != "prompt":
        named = (ResourceEntry.uri == content) | (ResourceEntry.id == content)
        rows += await session.scalars(select(ResourceEntry).where(ResourceEntry.server_id == found.id, named))
    if kind != "resource":
        said = (PromptEntry.name == content) | (PromptEntry.id == content)
        rows += await session.scalars(select(PromptEntry).where(PromptEntry.server_id == found.id, said))
    exact = [row for row in rows if row.id == content] or rows  # a server may call one as the hub calls another
    if not exact:
        raise NotFound(
            f"The server '{found.slug}' has no resource or prompt '{content[:60]}'.",
            hint=f"Run `tradepost server contents {found.slug}` to see what it has, or discover it again.",
        )
    if len(exact) > 1:
        raise StateConflict(
            f"'{content[:60]}' is a resource and a prompt of '{found.slug}'.",
            hint=f"Name it by its id: {', '.join(row.id for row in exact)}.",
        )
    return exact[0]


async def list_contents(session: AsyncSession, server: str) -> list[Entry]:
    """All resources and templates, then all prompts of a server with their states, in its order."""
    found = await find_server(session, server)
    rows: list[Entry] = [*await contents_of(session, ResourceEntry, found.id)]
    rows += await contents_of(session, PromptEntry, found.id)
    return sorted(rows, key=lambda row: (kind_of(row) == "prompt", row.position, key_of(row)))


def waits(row: Entry) -> bool:
    """Whether a definition of it waits for a person."""
    return row.state in ("unapproved", "quarantined") or (row.candidate is not None and row.state != "removed")


async def _approve(session: AsyncSession, by: Caller, row: Entry, scribe: Scribe, digest: str | None, now: Now) -> None:
    current = row.candidate_digest or row.digest
    if digest is not None and digest != current:
        raise StateConflict(
            f"The definition of '{_named(row)}' is {current} now, not {digest[:80]}.",
            hint="Look at it again before approving it.",
            details={"digest": current},
        )
    if row.state == "removed":
        raise _is_gone(row)
    if row.state == "enabled" and row.candidate is None:
        return
    finding = _finding(row)
    if finding is not None:
        raise StateConflict(f"'{_named(row)}' cannot be approved. {finding}", hint="Its owner has to change it first.")
    before = {"state": row.state, "digest": row.digest}
    if row.candidate is not None and row.candidate_digest is not None:
        lay(row, row.candidate, row.candidate_digest)
        row.candidate = row.candidate_digest = None
    row.state, row.approved_by, row.approved_at = "enabled", by.user_id or by.principal.id, now()
    scribe.approved(key_of(row), row.digest, row.definition, {"before": before["digest"]}, kind_of(row))
    details = {"kind": kind_of(row), "name": key_of(row), "digest": row.digest, "before": before}
    await record_change(session, by, "content:approved", row.id, details)


def _finding(row: Entry) -> str | None:
    definition = orjson.loads(row.candidate or row.definition)
    if isinstance(row, PromptEntry):
        return content_finding(definition, "name")
    return content_finding(definition, "uri" if definition.get("uri") == row.uri else "uriTemplate")


def _is_gone(row: Entry) -> StateConflict:
    return StateConflict(f"The server does not offer '{_named(row)}' any more.", hint="Discover the server again.")


def _named(row: Entry) -> str:
    return key_of(row)[:100]
