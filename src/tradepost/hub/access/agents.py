"""Profiles (a group of agents with one audience and one posture) and the agents in them."""

from collections.abc import Collection, Iterable
from typing import get_args

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent, Posture, Profile
from tradepost.hub.access.roles import require_in_profile, require_role
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
    """A new agent in a profile. Its scopes bound every key it will have. An admin of the profile alone hands on what
    agents there have already."""
    owner = await find_profile(session, profile)
    for_workspace = await require_in_profile(session, by, "admin", owner.id)
    wanted = checked_scopes(scopes)
    if not for_workspace:
        await _refuse_more(session, owner, wanted)
    if await session.scalar(select(Agent.id).where(Agent.slug == checked_slug(slug, of_agent=True))) is not None:
        raise StateConflict(f"There is already an agent '{slug}'.", hint="Choose another short name.")
    agent = Agent(
        id=new_id("agt"),
        profile_id=owner.id,
        slug=slug,
        name=name.strip() or slug,
        description=description,
        scopes=wanted,
    )
    session.add(agent)
    await record_change(session, by, "agent:created", agent.id, {"slug": slug, "profile": owner.slug})
    return agent


async def set_agent_scopes(session: AsyncSession, by: Caller, agent: str, scopes: Iterable[str]) -> Agent:
    """Replace an agent's scopes; acts on the next call of every key it has. An admin of its profile alone hands on what
    agents there have already."""
    found = await find_agent(session, agent)
    for_workspace = await require_in_profile(session, by, "admin", found.profile_id)
    wanted = checked_scopes(scopes)
    if not for_workspace:
        await _refuse_more(session, await find_profile(session, found.profile_id), wanted)
    before, found.scopes = found.scopes, wanted
    await record_change(session, by, "agent:scopes", found.id, {"before": before, "after": found.scopes})
    return found


async def set_agent_active(session: AsyncSession, by: Caller, agent: str, active: bool) -> Agent:
    """Disable an agent (all its keys stop working on the next call) or enable it again."""
    found = await find_agent(session, agent)
    await require_role(session, by, "admin", found.profile_id)
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
        raise no_agent(agent)
    return found


def no_agent(agent: str) -> NotFound:
    """What is said where there is none of this name."""
    return NotFound(f"There is no agent '{agent[:60]}'.", hint="Run `tradepost agent list` to see which there are.")


async def list_agents(session: AsyncSession) -> list[Agent]:
    """All agents of the workspace, by slug."""
    return list(await session.scalars(select(Agent).order_by(Agent.slug)))


async def list_profiles(session: AsyncSession) -> list[Profile]:
    """All profiles of the workspace, by slug."""
    return list(await session.scalars(select(Profile).order_by(Profile.slug)))


async def _refuse_more(session: AsyncSession, profile: Profile, wanted: Collection[str]) -> None:
    """Raises ForbiddenScope where none of the profile's agents has one of these scopes: what a profile may do at most
    is for the workspace to say."""
    rows = await session.scalars(select(Agent.scopes).where(Agent.profile_id == profile.id))
    lacking = sorted(set(wanted).difference(*rows))
    if lacking:
        raise ForbiddenScope(
            f"No agent of the profile '{profile.slug}' has the scope {lacking[0]}.",
            hint="An admin of the workspace can give it to one of them.",
            details={"scopes": lacking},
        )


def _check_posture(posture: str) -> None:
    if posture not in get_args(Posture):
        raise InvalidArgument(
            f"'{posture[:40]}' is no posture.", field="posture", hint=f"Use one of {', '.join(get_args(Posture))}."
        )
