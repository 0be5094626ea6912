"""The names of all tools that a workspace knows: what a definition should not speak of, unless somebody has looked."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registry.models import Assignment, ToolEntry


async def known_names(session: AsyncSession) -> frozenset[str]:
    """The tools' own names and those under which agents see them."""
    own = await session.scalars(select(ToolEntry.name).distinct())
    exposed = await session.scalars(select(Assignment.exposed_name).distinct())
    return frozenset((*own, *exposed))
