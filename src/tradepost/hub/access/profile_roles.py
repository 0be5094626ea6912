"""Roles of people in single profiles, beside the one in the workspace: who approves for one team's agents only."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_profile
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Profile, Role, User
from tradepost.hub.access.people import check_may_touch, find_user
from tradepost.hub.access.person_models import ProfileRole
from tradepost.hub.access.roles import require_role

PROFILE_ROLES: tuple[Role, ...] = ("admin", "operator", "viewer")


async def set_profile_role(
    session: AsyncSession, by: Caller, email: str, profile: str, role: Role | None
) -> tuple[User, Profile]:
    """Give a person a role in one profile, None takes it away. Where it is lower than the one in the workspace, that
    one goes on counting."""
    actor = await require_role(session, by, "admin")
    user, found = await find_user(session, email), await find_profile(session, profile)
    check_may_touch(user, actor)
    if role is not None and role not in PROFILE_ROLES:
        raise InvalidArgument(
            f"'{role[:40]}' is no role in a profile.", field="role", hint=f"Use one of {', '.join(PROFILE_ROLES)}."
        )
    row = await session.scalar(
        select(ProfileRole).where(ProfileRole.user_id == user.id, ProfileRole.profile_id == found.id)
    )
    before = row.role if row is not None else None
    if role is None:
        if row is not None:
            await session.delete(row)
    elif row is None:
        session.add(ProfileRole(id=new_id("prl"), user_id=user.id, profile_id=found.id, role=role))
    else:
        row.role = role
    details = {"profile": found.slug, "before": before, "after": role}
    await record_change(session, by, "user:profile_role", user.id, details)
    return user, found


async def list_profile_roles(session: AsyncSession, user_id: str) -> dict[str, str]:
    """A person's roles by the slug of the profile."""
    rows = await session.execute(
        select(Profile.slug, ProfileRole.role)
        .join(ProfileRole, (ProfileRole.workspace_id == Profile.workspace_id) & (ProfileRole.profile_id == Profile.id))
        .where(ProfileRole.user_id == user_id)
        .order_by(Profile.slug)
    )
    return {row[0]: row[1] for row in rows}
