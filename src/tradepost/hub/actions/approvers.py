"""Who may answer an action: an active person of the workspace with the role for it. Never an agent."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access.models import User
from tradepost.hub.access.person_models import ProfileRole
from tradepost.hub.access.roles import at_least, has_role, require_role
from tradepost.hub.actions.models import Action, ActionVerdict


async def person_behind(session: AsyncSession, by: Caller) -> None:
    """Before an action is even looked for: that a person asks who may answer at least some. Raises ForbiddenScope for
    agents, and for people who are operators nowhere."""
    user = await require_role(session, by, "viewer")
    if user is None or at_least(user.role, "operator"):
        return
    roles = await session.scalars(select(ProfileRole.role).where(ProfileRole.user_id == user.id))
    if not any(at_least(role, "operator") for role in roles):
        await require_role(session, by, "operator")


async def approver(session: AsyncSession, by: Caller, profile_id: str | None) -> User:
    """The person who wants to answer an action of that profile. Raises ForbiddenScope for agents, for people with a
    lower role there, and for nobody in particular."""
    user = await require_role(session, by, "operator", profile_id)
    if user is None:
        raise ForbiddenScope(
            "An approval is answered by a named person.", hint="Say who answers: an operator, admin or owner."
        )
    return user


async def still_approved(session: AsyncSession, action: Action) -> bool:
    """Whether everyone whose approval counted is still a person who may give it."""
    approved_by = await session.scalars(
        select(User)
        .join(ActionVerdict, (ActionVerdict.workspace_id == User.workspace_id) & (ActionVerdict.user_id == User.id))
        .where(
            User.workspace_id == action.workspace_id,
            ActionVerdict.action_id == action.id,
            ActionVerdict.round == action.round,
            ActionVerdict.verdict == "approve",
        )
    )
    standing = [
        user
        for user in approved_by.all()
        if user.status == "active" and await has_role(session, user, "operator", action.profile_id)
    ]
    return len(standing) >= action.approvals_needed
