"""Resources and prompts of a server: what they say of themselves, and a person's decisions about them."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Page, PageQuery, Shown, in_path, page
from tradepost.api.tools import State, Waiting, waiting_of
from tradepost.hub.registration import content_decisions
from tradepost.hub.registration.content_decisions import Entry
from tradepost.hub.registration.contents import key_of
from tradepost.hub.registration.known_names import known_names
from tradepost.hub.registration.review import review
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.models import EntryKind, PromptEntry, ResourceEntry

router = APIRouter(tags=["contents"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
Resource = Annotated[str, in_path("The id of a resource or template.", "res_01k9")]
Prompt = Annotated[str, in_path("The prompt's own name, or its id.", "late_order")]


class ContentApproval(Given):
    """What a person decides about a definition."""

    digest: str | None = Field(
        None, max_length=100, description="Approve only the definition with this digest, the one that was looked at."
    )


class ContentChange(Given):
    """What to change of a resource or prompt."""

    enabled: bool = Field(description="false: gone for agents from the next call on; true: if it was approved before.")


class ContentBrief(Shown):
    """A resource, template or prompt in a list."""

    id: str
    name: str = Field(description="The URI of a resource, the pattern of a template, or the prompt's name.")
    template: bool = Field(description="Whether `name` is a pattern of URIs.")
    state: State
    waits: bool = Field(description="Whether a definition of it waits for approval.")
    digest: str


class ContentShown(ContentBrief):
    """A resource, template or prompt in full."""

    definition: dict[str, Any] = Field(description="The pinned definition: what agents see.")
    signs: list[str] = Field(description="What to look at first in the definition that approving would pin.")
    waiting: Waiting | None


@router.get("/servers/{server}/resources", summary="List a server's resources")
async def list_resources(work: Reading, server: Which, query: Annotated[PageQuery, Query()]) -> Page[ContentBrief]:
    """All resources and templates that the registry knows of a server, in the server's order."""
    return await _listed(work, server, query, "resources", ResourceEntry, ResourceEntry.uri)


@router.get("/servers/{server}/resources/{resource}", summary="Show a resource")
async def get_resource(work: Reading, server: Which, resource: Resource) -> ContentShown:
    """One in full, with what differs from the pinned definition where another one waits."""
    return await _got(work, server, resource, "resource")


@router.post("/servers/{server}/resources/{resource}/approve", summary="Approve a resource")
async def approve_resource(work: Writing, server: Which, resource: Resource, body: ContentApproval) -> ContentShown:
    """Pin its current definition and show it to agents."""
    return await _approved(work, server, resource, "resource", body)


@router.patch("/servers/{server}/resources/{resource}", summary="Switch a resource")
async def change_resource(work: Writing, server: Which, resource: Resource, body: ContentChange) -> ContentShown:
    """Take it away from agents, or show it again as it was approved. Acts on the next call."""
    return await _switched(work, server, resource, "resource", body)


@router.get("/servers/{server}/prompts", summary="List a server's prompts")
async def list_prompts(work: Reading, server: Which, query: Annotated[PageQuery, Query()]) -> Page[ContentBrief]:
    """All prompts that the registry knows of a server, in the server's order."""
    return await _listed(work, server, query, "prompts", PromptEntry, PromptEntry.name)


@router.get("/servers/{server}/prompts/{prompt}", summary="Show a prompt")
async def get_prompt(work: Reading, server: Which, prompt: Prompt) -> ContentShown:
    """One in full, with what differs from the pinned definition where another one waits."""
    return await _got(work, server, prompt, "prompt")


@router.post("/servers/{server}/prompts/{prompt}/approve", summary="Approve a prompt")
async def approve_prompt(work: Writing, server: Which, prompt: Prompt, body: ContentApproval) -> ContentShown:
    """Pin its current definition and show it to agents."""
    return await _approved(work, server, prompt, "prompt", body)


@router.patch("/servers/{server}/prompts/{prompt}", summary="Switch a prompt")
async def change_prompt(work: Writing, server: Which, prompt: Prompt, body: ContentChange) -> ContentShown:
    """Take it away from agents, or show it again as it was approved. Acts on the next call."""
    return await _switched(work, server, prompt, "prompt", body)


async def _listed(
    work: Work,
    server: str,
    query: PageQuery,
    what: str,
    table: type[ResourceEntry] | type[PromptEntry],
    key: InstrumentedAttribute[str],
) -> Page[ContentBrief]:
    async with work.reading() as session:
        found = await find_server(session, server)
        place = Place(what, work.caller.workspace_id, query.limit, query.cursor, [found.id])
        order: list[tuple[Any, type]] = [(table.position, int), (key, str)]
        rows, more = await page_of(session, place, select(table).where(table.server_id == found.id), order)
    return page([ContentBrief(**_brief(row)) for row in rows], more)


async def _got(work: Work, server: str, name: str, kind: EntryKind) -> ContentShown:
    async with work.reading() as session:
        return await _shown(session, await content_decisions.find_content(session, server, name, kind))


async def _approved(work: Work, server: str, name: str, kind: EntryKind, body: ContentApproval) -> ContentShown:
    async with work.writing() as session:
        row = await content_decisions.approve_content(
            session, work.caller, server, name, kind=kind, digest=body.digest, now=work.parts.now
        )
        return await _shown(session, row)


async def _switched(work: Work, server: str, name: str, kind: EntryKind, body: ContentChange) -> ContentShown:
    async with work.writing() as session:
        row = await content_decisions.set_content_enabled(session, work.caller, server, name, body.enabled, kind=kind)
        return await _shown(session, row)


def _brief(row: Entry) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": key_of(row),
        "template": isinstance(row, ResourceEntry) and row.is_template,
        "state": row.state,
        "waits": content_decisions.waits(row),
        "digest": row.digest,
    }


async def _shown(session: AsyncSession, row: Entry) -> ContentShown:
    names = await known_names(session)
    seen = review(row, names)
    return ContentShown(
        **_brief(row),
        definition=orjson.loads(row.definition),
        signs=seen.signs(names),
        waiting=waiting_of(seen),
    )
