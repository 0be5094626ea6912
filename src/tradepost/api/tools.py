"""Tools of a server: every word a model would read, and a person's decisions about them."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.server_settings import Tool
from tradepost.api.servers import Which
from tradepost.api.shapes import Given, Page, PageQuery, Scope, Shown, page
from tradepost.hub.registration import tools as services
from tradepost.hub.registration.known_names import known_names
from tradepost.hub.registration.review import Review, review
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.registry.models import Server, ToolEntry

router = APIRouter(tags=["tools"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers"))]
State = Literal["unapproved", "enabled", "disabled", "removed", "quarantined"]
ClassField = Annotated[ToolClass, Field(description="What an admin says it does; unknown counts as write.")]


class Approval(Given):
    """What a person decides about a definition."""

    tool_class: ClassField | None = Field(None, alias="class")
    scope: Scope | None = Field(None, description="The scope a caller needs, in place of the server's.")
    digest: str | None = Field(
        None, max_length=100, description="Approve only the definition with this digest, the one that was looked at."
    )


class ToolChange(Given):
    """What to change of a tool."""

    enabled: bool | None = Field(None, description="false: refused from the next call on.")
    tool_class: ClassField | None = Field(None, alias="class")
    scope: Scope | None = Field(None, description="The scope a caller needs, in place of the server's.")


class ToolBrief(Shown):
    """A tool in a list."""

    id: str
    server: str
    name: str
    state: State
    tool_class: ClassField = Field(serialization_alias="class")
    scope: str | None = Field(
        description="The scope a caller needs: the one that was set, else `read:tools.<server>` or, for a tool that "
        "does not only look, `write:tools.<server>`. Null for the hub's own tools alone."
    )
    waits: bool = Field(description="Whether a definition of it waits for approval.")
    description: str
    digest: str


class EditShown(Shown):
    """One place in which the waiting definition differs from the pinned one."""

    place: str
    before: Any
    after: Any
    kind: str = Field(description="suspicious, breaking, additive or text.")
    says: str = Field(description="The difference in a sentence; invisible characters are written out.")


class Waiting(Shown):
    """A changed definition that waits for approval."""

    kind: str | None = Field(description="The gravest that applies.")
    kinds: list[str] = Field(description="All that apply, the gravest first.")
    reasons: list[str] = Field(description="What is suspicious, a sentence each.")
    digest: str
    definition: dict[str, Any]
    differences: list[EditShown]


class ToolShown(ToolBrief):
    """A tool in full."""

    definition: dict[str, Any] = Field(description="The pinned definition: what agents see.")
    signs: list[str] = Field(
        description="What to look at first in the definition that approving would pin: words to the model, invisible "
        "characters, names of other tools, arguments that lead outward."
    )
    waiting: Waiting | None


@router.get("/servers/{server}/tools", summary="List a server's tools")
async def list_tools(work: Reading, server: Which, query: Annotated[PageQuery, Query()]) -> Page[ToolBrief]:
    """All tools that the registry knows of a server, with their states, in the server's order."""
    async with work.reading() as session:
        found = await find_server(session, server)
        place = Place("tools", work.caller.workspace_id, query.limit, query.cursor, [found.id])
        statement = select(ToolEntry).where(ToolEntry.server_id == found.id)
        rows, more = await page_of(session, place, statement, [(ToolEntry.position, int), (ToolEntry.name, str)])
    return page([ToolBrief(**_brief(row, found)) for row in rows], more)


@router.get("/servers/{server}/tools/{tool}", summary="Show a tool")
async def get_tool(work: Reading, server: Which, tool: Tool) -> ToolShown:
    """One tool in full, with what differs from the pinned definition where another one waits."""
    async with work.reading() as session:
        return await _shown(session, await services.find_tool(session, server, tool))


@router.post("/servers/{server}/tools/{tool}/approve", summary="Approve a tool")
async def approve_tool(work: Writing, server: Which, tool: Tool, body: Approval) -> ToolShown:
    """Pin its current definition and enable it. Without a class it counts as a write. Resources and prompts of the
    server have decisions of their own."""
    async with work.writing() as session:
        entry = await services.approve_tool(
            session,
            work.caller,
            server,
            tool,
            tool_class=body.tool_class,
            scope=body.scope,
            digest=body.digest,
            now=work.parts.now,
        )
        return await _shown(session, entry)


@router.patch("/servers/{server}/tools/{tool}", summary="Switch a tool, or say what it does")
async def change_tool(work: Writing, server: Which, tool: Tool, body: ToolChange) -> ToolShown:
    """Enable a tool that was approved before, disable one, or set its class and scope. Acts on the next call."""
    async with work.writing() as session:
        entry = await services.find_tool(session, server, tool)
        if body.tool_class is not None or body.scope is not None:
            wanted: Any = body.tool_class or entry.tool_class
            await services.set_tool_class(session, work.caller, server, tool, wanted, body.scope)
        if body.enabled is not None:
            await services.set_tool_enabled(session, work.caller, server, tool, body.enabled)
        return await _shown(session, entry)


def _brief(entry: ToolEntry, server: Server) -> dict[str, Any]:
    seen = review(entry)
    return {
        "id": entry.id,
        "server": server.slug,
        "name": entry.name,
        "state": entry.state,
        "tool_class": entry.tool_class,
        "scope": services.scope_needed(entry, server),
        "waits": seen.waits,
        "description": str(seen.definition.get("description", "")),
        "digest": entry.digest,
    }


def waiting_of(seen: Review) -> Waiting | None:
    """The changed definition that waits, where one does."""
    waiting = seen.waiting()
    return None if waiting is None else Waiting(**waiting)


async def _shown(session: AsyncSession, entry: ToolEntry) -> ToolShown:
    names = await known_names(session)
    seen = review(entry, names)
    server = await find_server(session, entry.server_id)
    return ToolShown(
        **_brief(entry, server),
        definition=orjson.loads(entry.definition),
        signs=seen.signs(names),
        waiting=waiting_of(seen),
    )
