"""Bundled servers in the registry: rows like those of any other server, pinned anew when a release changes them.

Their definitions come from this very program, so they are enabled at once; class and scope are the release's facts.
What an admin disabled stays disabled. Every difference is logged, audited and returned.
"""

import logging
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.changes import Changed, change_of
from tradepost.hub.registration.contents import contents_of, key_of, new_content
from tradepost.hub.registration.difference import Difference, Json
from tradepost.hub.registration.history import Scribe
from tradepost.hub.registration.pins import Pin, pin, pin_content
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.protocol.builtin import BuiltinServer, Definitions

RELEASE = "release"  # in a bundled server's identity

logger = logging.getLogger(__name__)


async def sync_builtin(
    database: Database, workspace_id: str, servers: Sequence[BuiltinServer], release: str | None = None
) -> dict[str, Difference]:
    """Bring the registry of a workspace to what the bundled servers of this release are. Returns the differences of
    those servers that had any, by slug. Where `release` is said (release_mark) and the same one was brought before,
    the definitions are not even made."""
    if release is not None and await _has(database, workspace_id, servers, release):
        return {}
    by = system_caller(workspace_id, new_id("req"))
    found: dict[str, Difference] = {}
    async with database.transaction(workspace_id, write=True) as session:
        for server in servers:
            definitions = server.definitions()
            row, is_different = await _server_row(session, server, definitions)
            difference, before = Difference(), dict[str, Pin]()
            with session.no_autoflush:  # so that what is different can be seen before it is written
                await _sync_tools(session, row, definitions, difference, before)
                await _sync_contents(session, row, definitions, difference)
            if is_different or session.new or any(session.is_modified(one) for one in session.dirty):
                found[server.slug] = difference
                await _write_down(session, row, definitions, before)
                await record_change(session, by, "server:synchronised", row.id, difference.summary())
            if release is not None:
                row.identity = {RELEASE: release}  # no change of what anybody sees
    for slug, difference in found.items():
        logger.info("bundled server %s in the registry: %s", slug, orjson.dumps(difference.summary()).decode())
    return found


async def _has(database: Database, workspace_id: str, servers: Sequence[BuiltinServer], release: str) -> bool:
    async with database.transaction(workspace_id, write=False) as session:
        rows = await session.execute(select(Server.builtin_key, Server.identity).where(Server.kind == "builtin"))
    brought = {key for key, identity in rows if identity.get(RELEASE) == release}
    return brought.issuperset(server.slug for server in servers)


async def _server_row(session: AsyncSession, server: BuiltinServer, definitions: Definitions) -> tuple[Server, bool]:
    row = await session.scalar(select(Server).where(Server.slug == server.slug))
    if row is not None and (row.kind != "builtin" or row.builtin_key != server.slug):
        raise StateConflict(
            f"The short name '{server.slug}' of a bundled server is taken by another server.",
            hint="Register that server under another short name, then start again.",
        )
    if row is None:
        row = Server(id=new_id("srv"), slug=server.slug, kind="builtin", builtin_key=server.slug, status="ready")
        session.add(row)
    row.name, row.instructions = server.title, definitions.instructions
    is_different = row in session.new or session.is_modified(row)
    await session.flush()
    return row, is_different


async def _write_down(session: AsyncSession, server: Server, wanted: Definitions, before: Mapping[str, Pin]) -> None:
    """The tools that a release changed: how they were and how they are, which the release approves."""
    if not before:
        return
    scribe = await Scribe(session, server.id, RELEASE, system_now()).open()
    for definition in wanted.tools:
        earlier = before.get(definition["name"])
        if earlier is not None:
            made = pin(definition)
            scribe.seed(definition["name"], earlier.digest, earlier.text)
            facts = {"class": wanted.tool_classes.get(definition["name"], "write"), "before": earlier.digest}
            scribe.approved(definition["name"], made.digest, made.text, facts)
    await scribe.close()


async def _sync_tools(
    session: AsyncSession, server: Server, wanted: Definitions, difference: Difference, before: dict[str, Pin]
) -> None:
    rows = {row.name: row for row in await session.scalars(select(ToolEntry).where(ToolEntry.server_id == server.id))}
    names = set()
    for position, definition in enumerate(wanted.tools):
        name, made = definition["name"], pin(definition)
        names.add(name)
        row = rows.get(name)
        if row is None:
            row = ToolEntry(id=new_id("tool"), server_id=server.id, name=name, state="enabled", approved_by="release")
            session.add(row)
            difference.new.append(name)
        elif row.state == "removed":
            row.state = "enabled"
            difference.new.append(name)
        elif row.digest != made.digest:
            change = change_of(orjson.loads(row.definition), definition)
            before[name] = Pin(row.definition, row.digest)
            difference.changed.append(Changed(name, row.digest, made.digest, change.kinds, change.reasons))
        row.position, row.definition, row.digest = position, made.text, made.digest
        row.tool_class = wanted.tool_classes.get(name, "write")
        row.scope = wanted.tool_scopes.get(name)
        row.moves_money = name in wanted.money_tools
    for name, row in rows.items():
        if name not in names and row.state != "removed":
            row.state = "removed"
            difference.removed.append(name)


async def _sync_contents(session: AsyncSession, server: Server, wanted: Definitions, difference: Difference) -> None:
    fixed = {one["uri"]: one for one in wanted.resources}
    moving = {one["uriTemplate"]: one for one in wanted.resource_templates}
    spoken = {one["name"]: one for one in wanted.prompts}
    await _sync_table(session, server, ResourceEntry, {**fixed, **moving}, wanted.resource_scopes, set(moving))
    await _sync_table(session, server, PromptEntry, spoken, wanted.prompt_scopes, set())
    difference.resources, difference.prompts = len(fixed) + len(moving), len(spoken)


async def _sync_table(
    session: AsyncSession,
    server: Server,
    table: type[ResourceEntry] | type[PromptEntry],
    wanted: Mapping[str, Json],
    scopes: Mapping[str, str],
    templates: set[str],
) -> None:
    rows = {key_of(row): row for row in await contents_of(session, table, server.id)}
    for position, (key, definition) in enumerate(wanted.items()):
        row = rows.get(key)
        if row is None:
            row = new_content(table, server.id, key, position, definition, is_template=key in templates)
            session.add(row)
        made = pin_content(definition)
        row.position, row.definition, row.digest, row.scope = position, made.text, made.digest, scopes.get(key)
        row.state = "enabled" if row.state != "disabled" else "disabled"
    for key, row in rows.items():
        if key not in wanted:
            row.state = "removed"
