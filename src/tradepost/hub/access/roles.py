"""What a person may do: viewer looks, operator approves, admin changes registry and access, owner everything.

An agent has no role: whoever acts with an agent key can change nothing here.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.person_models import ProfileRole

_RANK: dict[str, int] = {"viewer": 0, "operator": 1, "admin": 2, "owner": 3}
_MACHINE = ("operator", "system")


async def require_role(session: AsyncSession, by: Caller, least: Role, profile_id: str | None = None) -> User | None:
    """The user behind the caller, when their role suffices; None for the machine's operator and the system itself.

    What belongs to one profile names it: a role in that profile suffices, too. Raises ForbiddenScope.
    """
    if by.principal.kind in _MACHINE and by.user_id is None:
        return None
    user = None
    if by.agent_id is None and by.user_id is not None:
        user = await session.scalar(select(User).where(User.id == by.user_id, User.status == "active"))
    if user is None or not await has_role(session, user, least, profile_id):
        where = "this workspace" if profile_id is None else "this workspace, or in the profile that it belongs to"
        raise ForbiddenScope(
            f"This needs a person with the role {least} or higher in {where}.",
            hint="Ask an owner of the workspace to do it, or to raise your role.",
        )
    return user


async def require_in_profile(session: AsyncSession, by: Caller, least: Role, profile_id: str) -> bool:
    """Whether a caller's role reaches in the whole workspace; False where it does in the profile alone. Raises
    ForbiddenScope where it does in neither."""
    user = await require_role(session, by, least, profile_id)
    return user is None or at_least(user.role, least)


async def require_in_some_profile(session: AsyncSession, by: Caller, least: Role) -> User | None:
    """As require_role, of people whose role reaches in the workspace or in any of its profiles. Which one it has to be
    is for whoever knows what is to be changed."""
    profile_id = None
    if by.user_id is not None:
        held = await session.execute(
            select(ProfileRole.profile_id, ProfileRole.role).where(ProfileRole.user_id == by.user_id)
        )
        profile_id = next((profile for profile, role in held if at_least(role, least)), None)
    return await require_role(session, by, least, profile_id)


async def has_role(session: AsyncSession, user: User, least: Role, profile_id: str | None) -> bool:
    """Whether a person's role reaches another, in the workspace or in the profile, if one is named."""
    if at_least(user.role, least):
        return True
    if profile_id is None:
        return False
    held = select(ProfileRole.role).where(ProfileRole.user_id == user.id, ProfileRole.profile_id == profile_id)
    role = await session.scalar(held)
    return role is not None and at_least(role, least)


def at_least(role: str, least: Role) -> bool:
    """Whether a role reaches another."""
    return _RANK[role] >= _RANK[least]


def caller_for_user(user: User, request_id: str) -> Caller:
    """A person as a caller."""
    return Caller(
        workspace_id=user.workspace_id, principal=Principal("user", user.id), request_id=request_id, user_id=user.id
    )


def system_caller(workspace_id: str, request_id: str) -> Caller:
    """The program itself: the first start, a release's migration, the sweeper."""
    return Caller(workspace_id=workspace_id, principal=Principal("system", "system"), request_id=request_id)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Where a caller may decide about writes, and so sees personal data in what is to be decided."""

    everywhere: bool
    profiles: frozenset[str] = frozenset()

    def about(self, profile_id: str | None) -> bool:
        """Whether about the writes of a profile's agents."""
        return self.everywhere or profile_id in self.profiles


async def deciding(session: AsyncSession, by: Caller) -> Deciding:
    """Where a caller is an operator or more; an agent nowhere."""
    if by.agent_id is not None:
        return Deciding(False)
    try:
        await require_role(session, by, "operator")
    except ForbiddenScope:
        held = select(ProfileRole.profile_id, ProfileRole.role).where(ProfileRole.user_id == by.user_id)
        rows = await session.execute(held)
        return Deciding(False, frozenset(profile for profile, role in rows if at_least(role, "operator")))
    return Deciding(True)
