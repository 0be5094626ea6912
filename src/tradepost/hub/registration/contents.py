"""A server's resources, templates and prompts as rows: pinned like tools, and not shown until they are approved."""

from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.ids import new_id
from tradepost.hub.registration.pins import pin_content
from tradepost.hub.registry.models import EntryKind, PromptEntry, ResourceEntry

Json = dict[str, Any]


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
    made = pin_content(definition)
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


def kind_of(row: ResourceEntry | PromptEntry) -> EntryKind:
    """Which of both it is; a template is a resource."""
    return "resource" if isinstance(row, ResourceEntry) else "prompt"


def repin(row: ResourceEntry | PromptEntry) -> None:
    """Let go of data in a definition that was pinned with it: what was approved is the same without."""
    if not isinstance(row, ResourceEntry):
        return
    made = pin_content(orjson.loads(row.definition))
    if made.digest != row.digest:
        lay(row, made.text, made.digest)
    if row.candidate is not None:
        waiting = pin_content(orjson.loads(row.candidate))
        row.candidate, row.candidate_digest = waiting.text, waiting.digest


def lay(row: ResourceEntry | PromptEntry, text: str, digest: str) -> None:
    """Make a definition the one that the row stands for."""
    row.definition, row.digest = text, digest
    if isinstance(row, ResourceEntry):
        row.is_template = orjson.loads(text).get("uri") != row.uri
