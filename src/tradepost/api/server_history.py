"""What became of a server and its tools: every version that was seen, who approved which, what was noticed in use."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.server_settings import Tool
from tradepost.api.servers import Which
from tradepost.api.shapes import Instant, Page, PageQuery, Shown, page
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.models import HistoryEntry

router = APIRouter(tags=["servers"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
What = Literal["server", "definition", "approved", "removed", "noticed"]


class EntryShown(Shown):
    """One thing that was seen or decided."""

    what: What = Field(
        description="server: a version of the whole server; definition: of one tool; approved, removed; noticed: it "
        "did not do in use what it says of itself."
    )
    kind: Literal["tool", "resource", "prompt"] = Field(description="What `tool` is the name or URI of.")
    tool: str | None
    version: int | None = Field(description="Counted for the server, or for the one tool.")
    digest: str | None
    who: str = Field(description="A person's id, or what made the hub look: schedule, list_changed, in_use.")
    at: Instant
    details: dict[str, Any] = Field(description="kinds and reasons of a change; class and scope of an approval.")


class VersionShown(EntryShown):
    """The same, with the text."""

    definition: dict[str, Any] | None = Field(description="With the first entry of each definition.")


@router.get("/servers/{server}/history", summary="Show a server's history")
async def get_server_history(work: Reading, server: Which, query: Annotated[PageQuery, Query()]) -> Page[EntryShown]:
    """The newest first."""
    async with work.reading() as session:
        found = await find_server(session, server)
        place = Place("history", work.caller.workspace_id, query.limit, query.cursor, [found.id])
        statement = select(HistoryEntry).where(HistoryEntry.server_id == found.id)
        rows, more = await page_of(session, place, statement, [(HistoryEntry.place, int)], newest=True)
    return page([EntryShown(**_shown(row)) for row in rows], more)


@router.get("/servers/{server}/tools/{tool}/history", summary="Show a tool's history", tags=["tools"])
async def get_tool_history(
    work: Reading, server: Which, tool: Tool, query: Annotated[PageQuery, Query()]
) -> Page[VersionShown]:
    """The newest first, with every definition that was seen."""
    async with work.reading() as session:
        entry = await find_tool(session, server, tool)
        place = Place("tool_history", work.caller.workspace_id, query.limit, query.cursor, [entry.id])
        statement = select(HistoryEntry).where(
            HistoryEntry.server_id == entry.server_id, HistoryEntry.kind == "tool", HistoryEntry.tool == entry.name
        )
        rows, more = await page_of(session, place, statement, [(HistoryEntry.place, int)], newest=True)
    return page(
        [
            VersionShown(**_shown(row), definition=orjson.loads(row.definition) if row.definition else None)
            for row in rows
        ],
        more,
    )


def _shown(row: HistoryEntry) -> dict[str, Any]:
    return {
        "what": row.what,
        "kind": row.kind,
        "tool": row.tool,
        "version": row.number,
        "digest": row.digest,
        "who": row.who,
        "at": row.happened_at,
        "details": row.details,
    }
