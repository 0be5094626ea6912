"""A server's resources, templates and prompts as rows: pinned like tools, and not shown until they are approved."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.ids import new_id
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server

Json = dict[str, Any]


async def apply_contents(
    session: AsyncSession,
    server: Server,
    table: type[ResourceEntry] | type[PromptEntry],
    items: dict[str, Json],
    templates: set[str],
) -> int:
    """Resources and prompts: a changed one is not shown until it is approved again. How many are others than before."""
    changes = 0
    rows = {key_of(row): row for row in await contents_of(session, table, server.id)}
    for position, (key, definition) in enumerate(items.items()):
        made, row = pin(definition), rows.get(key)
        if row is None:
            session.add(new_content(table, server.id, key, position, definition, is_template=key in templates))
            changes += 1
            continue
        row.position = position
        if row.digest != made.digest or row.state == "removed":
            changes += 1
            row.state = "quarantined" if row.state == "enabled" else "unapproved"
            row.definition, row.digest = made.text, made.digest
    for key, row in rows.items():
        if key not in items:
            changes += row.state != "removed"
            row.state = "removed"
    return changes


def new_content(
    table: type[ResourceEntry] | type[PromptEntry],
    server_id: str,
    key: str,
    position: int,
    definition: Json,
    *,
    is_template: bool = False,
) -> ResourceEntry | PromptEntry:
    """An unapproved row for a resource, template or prompt."""
    made = pin(definition)
    if table is PromptEntry:
        return PromptEntry(
            id=new_id("prm"),
            server_id=server_id,
            name=key,
            position=position,
            definition=made.text,
            digest=made.digest,
            state="unapproved",
        )
    return ResourceEntry(
        id=new_id("res"),
        server_id=server_id,
        uri=key,
        is_template=is_template,
        position=position,
        definition=made.text,
        digest=made.digest,
        state="unapproved",
    )


async def contents_of(
    session: AsyncSession, table: type[ResourceEntry] | type[PromptEntry], server_id: str
) -> list[ResourceEntry] | list[PromptEntry]:
    """A server's resources or prompts, whatever their state."""
    if table is PromptEntry:
        return list(await session.scalars(select(PromptEntry).where(PromptEntry.server_id == server_id)))
    return list(await session.scalars(select(ResourceEntry).where(ResourceEntry.server_id == server_id)))


def key_of(row: ResourceEntry | PromptEntry) -> str:
    """The URI or name."""
    return row.uri if isinstance(row, ResourceEntry) else row.name
