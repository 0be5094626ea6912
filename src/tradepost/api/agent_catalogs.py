"""What an agent's model is shown: its list of tools, word by word, and about how many tokens each costs every time."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.agents import Which
from tradepost.api.shapes import Shown
from tradepost.hub.access import agents as services
from tradepost.hub.gateway.sizes import size_of, tokens
from tradepost.hub.registry.catalog import Catalog

router = APIRouter(tags=["agents"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
READ_BY_MODELS = ("name", "description", "inputSchema")


class SeenTool(Shown):
    """A tool as it stands in the list."""

    name: str = Field(description="What the agent calls it.")
    server: str
    tool: str = Field(description="Its own name on its server.")
    tokens: int = Field(description="About how many tokens its name, description and input schema are: 4 bytes each.")
    definition: dict[str, Any] = Field(description="As a client of the agent gets it.")


class CatalogShown(Shown):
    """The list that an agent gets, in its order."""

    tools: list[SeenTool]
    tokens: int = Field(description="Of all of them: what every answer of a model costs before anything is said.")
    callable_tools: int = Field(
        description="How many it can call. More than are listed where there are too many to list: it finds the others "
        "with find_tools."
    )


@router.get("/agents/{agent}/catalog", summary="Show what an agent's model sees")
async def get_catalog(work: Reading, agent: Which) -> CatalogShown:
    """The tools as they are listed for it now, by the pinned definitions that were approved."""
    async with work.reading() as session:
        row = await services.find_agent(session, agent)
    catalogs = work.parts.gateway.pipeline.parts.catalogs
    catalog = await catalogs.for_agent(work.caller.workspace_id, row.id)
    tools = [_seen(catalog, definition) for definition in orjson.loads(catalog.tools_json)]
    return CatalogShown(tools=tools, tokens=sum(one.tokens for one in tools), callable_tools=len(catalog.tools))


def _seen(catalog: Catalog, definition: dict[str, Any]) -> SeenTool:
    entry = catalog.tools[definition["name"]]
    read = {name: definition[name] for name in READ_BY_MODELS if name in definition}
    return SeenTool(
        name=definition["name"],
        server=entry.server_slug,
        tool=entry.raw_name,
        tokens=tokens(size_of(read)),
        definition=definition,
    )
