"""The hub's agents, as those who run them know them."""

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.ports import Facts
from tradepost.database.lookups import Lookup, Record
from tradepost.hub.access.agents import no_agent
from tradepost.hub.access.models import Agent, Profile

_named = or_(Agent.slug == bindparam("agent"), Agent.id == bindparam("agent"))
# Asked with every message that is answered: made once.
_AGENT = Lookup(select(Agent, Profile.posture).join(Profile, Profile.id == Agent.profile_id).where(_named))


class HubDirectory:
    """Satisfies Directory."""

    async def agent(self, session: AsyncSession, agent: str) -> Facts:
        """See Directory."""
        rows = await _AGENT.rows(session, {"agent": agent})
        if not rows:
            raise no_agent(agent)
        return _facts(*rows[0])

    async def staff(self, session: AsyncSession) -> list[Facts]:
        """See Directory."""
        active = select(Agent, Profile.posture).join(Profile, Profile.id == Agent.profile_id).order_by(Agent.slug)
        rows = await session.execute(active.where(Agent.status == "active", Profile.posture != "customer"))
        return [_facts(agent, posture) for agent, posture in rows]


def _facts(agent: Record, posture: str | None) -> Facts:
    return Facts(
        agent.id,
        agent.slug,
        agent.name,
        agent.description,
        agent.profile_id,
        agent.status == "active",
        posture == "customer",
    )
