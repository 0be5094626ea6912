"""The hub's agents, as those who run them know them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.ports import Facts
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.models import Agent, Profile


class HubDirectory:
    """Satisfies Directory."""

    async def agent(self, session: AsyncSession, agent: str) -> Facts:
        """See Directory."""
        found = await find_agent(session, agent)
        posture = await session.scalar(select(Profile.posture).where(Profile.id == found.profile_id))
        return _facts(found, posture)

    async def staff(self, session: AsyncSession) -> list[Facts]:
        """See Directory."""
        active = select(Agent, Profile.posture).join(Profile, Profile.id == Agent.profile_id).order_by(Agent.slug)
        rows = await session.execute(active.where(Agent.status == "active", Profile.posture != "customer"))
        return [_facts(agent, posture) for agent, posture in rows]


def _facts(agent: Agent, posture: str | None) -> Facts:
    return Facts(
        agent.id,
        agent.slug,
        agent.name,
        agent.description,
        agent.profile_id,
        agent.status == "active",
        posture == "customer",
    )
