"""The workspace that the key belongs to. There is no way to another one."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import func, select

from tradepost.api.access import Work, may
from tradepost.api.shapes import Instant, Shown
from tradepost.hub.access.models import Agent, RegistryVersion, User, Workspace
from tradepost.hub.registry.models import Server

router = APIRouter(tags=["workspace"])


class WorkspaceShown(Shown):
    """A workspace."""

    id: str
    slug: str
    name: str
    status: str
    created_at: Instant
    registry_version: int = Field(description="Counts up with every change of servers, tools, agents, keys or people.")
    servers: int
    agents: int
    users: int


@router.get("/workspace", summary="The workspace")
async def get_workspace(work: Annotated[Work, Depends(may("viewer", "manage:workspace"))]) -> WorkspaceShown:
    """The workspace and how much is in it."""
    async with work.reading() as session:
        row = (await session.scalars(select(Workspace))).one()
        version = await session.scalar(select(RegistryVersion.version))
        counts = [await session.scalar(select(func.count()).select_from(table)) or 0 for table in (Server, Agent, User)]
    return WorkspaceShown(
        id=row.id,
        slug=row.slug,
        name=row.name,
        status=row.status,
        created_at=row.created_at,
        registry_version=version or 0,
        servers=counts[0],
        agents=counts[1],
        users=counts[2],
    )
