"""Profiles (a group of agents with one audience and one posture) and the agents in them."""

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, Posture, Profile
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.scopes import checked_scopes
from tradepost.hub.access.slugs import checked_slug


async def create_profile(
    session: AsyncSession, by: Caller, slug: str, name: str = "", posture: Posture = "propose"
) -> Profile:
    """A new profile. It asks before every write unless another posture is chosen."""
    await require_role(session, by, "admin")
    _check_posture(posture)
    if await session.scalar(select(Profile.id).where(Profile.slug == checked_slug(slug))) is not None:
        raise StateConflict(f"There is already a profile '{slug}'.", hint="Choose another short name.")
    profile = Profile(id=new_id("prf"), slug=slug, name=name.strip() or slug, posture=posture)
    session.add(profile)
    await record_change(session, by, "profile:created", profile.id, {"slug": slug, "posture": posture})
    return profile


async def set_posture(session: AsyncSession, by: Caller, profile: str, posture: Posture) -> Profile:
    """Change how a profile's writes are treated; acts on the next call."""
    await require_role(session, by, "admin")
    _check_posture(posture)
    found = await find_profile(session, profile)
    before, found.posture = found.posture, posture
    await record_change(session, by, "profile:posture", found.id, {"before": before, "after": posture})
    return found


async def create_agent(
    session: AsyncSession,
    by: Caller,
    profile: str,
    slug: str,
    name: str = "",
    description: str = "",
    scopes: Iterable[str] = (),
) -> Agent:
    """A new agent in a profile. Its scopes bound every key it will have."""
    await require_role(session, by, "admin")
    owner = await find_profile(session, profile)
    if await session.scalar(select(Agent.id).where(Agent.slug == checked_slug(slug, of_agent=True))) is not None:
        raise StateConflict(f"There is already an agent '{slug}'.", hint="Choose another short name.")
    agent = Agent(
        id=new_id("agt"),
        profile_id=owner.id,
        slug=slug,
        name=name.strip() or slug,
        description=description,
        scopes=checked_scopes(scopes),
    )
    session.add(agent)
    await record_change(session, by, "agent:created", agent.id, {"slug": slug, "profile": owner.slug})
    return agent


async def set_agent_scopes(session: AsyncSession, by: Caller, agent: str, scopes: Iterable[str]) -> Agent:
    """Replace an agent's scopes; acts on the next call of every key it has."""
    await require_role(session, by, "admin")
    found = await find_agent(session, agent)
    before, found.scopes = found.scopes, checked_scopes(scopes)
    await record_change(session, by, "agent:scopes", found.id, {"before": before, "after": found.scopes})
    return found


async def set_agent_active(session: AsyncSession, by: Caller, agent: str, active: bool) -> Agent:
    """Disable an agent (all its keys stop working on the next call) or enable it again."""
    await require_role(session, by, "admin")
    found = await find_agent(session, agent)
    found.status = "active" if active else "disabled"
    await record_change(session, by, f"agent:{found.status}", found.id)
    return found


async def find_profile(session: AsyncSession, profile: str) -> Profile:
    """A profile by slug or id. Raises NotFound."""
    found = await session.scalar(select(Profile).where((Profile.slug == profile) | (Profile.id == profile)))
    if found is None:
        raise NotFound(f"There is no profile '{profile[:60]}'.", hint="List the profiles to see which there are.")
    return found


async def find_agent(session: AsyncSession, agent: str) -> Agent:
    """An agent by slug or id. Raises NotFound."""
    found = await session.scalar(select(Agent).where((Agent.slug == agent) | (Agent.id == agent)))
    if found is None:
        raise NotFound(f"There is no agent '{agent[:60]}'.", hint="Run `tradepost agent list` to see which there are.")
    return found


async def list_agents(session: AsyncSession) -> list[Agent]:
    """All agents of the workspace, by slug."""
    return list(await session.scalars(select(Agent).order_by(Agent.slug)))


async def list_profiles(session: AsyncSession) -> list[Profile]:
    """All profiles of the workspace, by slug."""
    return list(await session.scalars(select(Profile).order_by(Profile.slug)))


def _check_posture(posture: str) -> None:
    if posture not in get_args(Posture):
        raise InvalidArgument(
            f"'{posture[:40]}' is no posture.", field="posture", hint=f"Use one of {', '.join(get_args(Posture))}."
        )
