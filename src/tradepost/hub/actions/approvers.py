"""Who may answer an action: an active person of the workspace with the role for it, or one to whom such a person has
handed the right for a while. Never an agent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, StateConflict
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.person_models import ProfileRole
from tradepost.hub.access.roles import at_least, has_role, require_role
from tradepost.hub.actions.models import Action, ActionVerdict, Delegation

CONFIRMED: Literal["confirmed"] = "confirmed"  # the way of whoever said yes to their own call


@dataclass(frozen=True, slots=True)
class Right:
    """A person and whose right they use: their own, or another one's. In the end each right counts once."""

    user: User
    holder_id: str

    @property
    def on_behalf_of(self) -> str | None:
        """The person whose right it is, where it is not their own."""
        return None if self.holder_id == self.user.id else self.holder_id


def least_role(action: Action) -> Role:
    """The role that an action's answer needs."""
    return cast(Role, action.approver_role or "operator")


async def may_hold(session: AsyncSession, user: User) -> bool:
    """Whether a person may answer at least some actions, in the workspace or in one profile."""
    if user.status != "active":
        return False
    if at_least(user.role, "operator"):
        return True
    roles = await session.scalars(select(ProfileRole.role).where(ProfileRole.user_id == user.id))
    return any(at_least(role, "operator") for role in roles)


async def person_behind(session: AsyncSession, by: Caller) -> User:
    """Before an action is even looked for: the person who asks, who may answer at least some. Raises ForbiddenScope for
    agents, for people who are operators nowhere, and for nobody in particular."""
    user = await require_role(session, by, "viewer")
    if user is None:
        raise ForbiddenScope(
            "An approval is answered by a named person.", hint="Say who answers: an operator, admin or owner."
        )
    if not await may_hold(session, user):
        await require_role(session, by, "operator")
    return user


async def rights_of(session: AsyncSession, user: User, action: Action, now: datetime) -> list[Right]:
    """The rights that a person has to answer an action, their own first."""
    least, found = least_role(action), []
    if await has_role(session, user, least, action.profile_id):
        found.append(Right(user, user.id))
    handed = (
        select(User)
        .join(Delegation, (Delegation.workspace_id == User.workspace_id) & (Delegation.from_user_id == User.id))
        .where(
            Delegation.to_user_id == user.id,
            Delegation.starts_at <= now,
            Delegation.ends_at > now,
            Delegation.revoked_at.is_(None),
            User.status == "active",
        )
        .order_by(Delegation.created_at)
    )
    for holder in await session.scalars(handed):
        known = any(right.holder_id == holder.id for right in found)
        if not known and await has_role(session, holder, least, action.profile_id):
            found.append(Right(user, holder.id))
    return found


async def require_right(session: AsyncSession, user: User, action: Action, now: datetime) -> list[Right]:
    """The same, at least one. Raises ForbiddenScope."""
    found = await rights_of(session, user, action, now)
    if not found:
        raise ForbiddenScope(
            f"This needs a person with the role {least_role(action)} or higher in this workspace.",
            hint="Ask an owner of the workspace to do it, or to raise your role.",
        )
    return found


async def right_to_approve(session: AsyncSession, action: Action, rights: list[Right]) -> Right:
    """Which of a person's rights counts for one more approval. Raises ForbiddenScope, StateConflict: with several
    approvals no person and no right counts twice, and those of whoever asked not at all."""
    if action.approvals_needed <= 1:
        return rights[0]
    if action.user_id == rights[0].user.id:
        raise ForbiddenScope("Whoever asked for this cannot approve it too: it needs other people.")
    given = await approvals_of(session, action)
    used = {one.on_behalf_of or one.user_id for one in given} | {action.user_id}
    free = next((right for right in rights if right.holder_id not in used), None)
    if free is None:
        raise ForbiddenScope(
            "The right that was handed to you was used for this already, or is that of whoever asked.",
            hint="Another person with a right of their own has to approve it too.",
        )
    return free


async def check_not_answered_yet(session: AsyncSession, action: Action, user: User) -> None:
    """Raises StateConflict for a person who has said something to this round already."""
    if any(one.user_id == user.id for one in await approvals_of(session, action)):
        raise StateConflict(f"{user.name} has approved this already.", hint="Another person has to approve it too.")


async def approvals_of(session: AsyncSession, action: Action) -> list[ActionVerdict]:
    """The approvals of the action's round, the first one first."""
    said = (
        select(ActionVerdict)
        .where(
            ActionVerdict.workspace_id == action.workspace_id,
            ActionVerdict.action_id == action.id,
            ActionVerdict.round == action.round,
            ActionVerdict.verdict == "approve",
        )
        .order_by(ActionVerdict.created_at)
    )
    return list(await session.scalars(said))


async def still_approved(session: AsyncSession, action: Action) -> bool:
    """Whether everyone whose approval counted is still a person who may give it, by a right that still stands."""
    given = await approvals_of(session, action)
    people = await _active(session, action, {one.user_id for one in given} | {one.on_behalf_of or "" for one in given})
    standing = [one for one in given if await _stands(session, action, one, people)]
    if action.approvals_needed > 1:
        barred = action.user_id
        standing = [one for one in standing if barred is None or barred not in (one.user_id, one.on_behalf_of)]
    persons, holders = {one.user_id for one in standing}, {one.on_behalf_of or one.user_id for one in standing}
    return min(len(persons), len(holders)) >= action.approvals_needed


async def _stands(session: AsyncSession, action: Action, said: ActionVerdict, people: dict[str, User]) -> bool:
    user, holder = people.get(said.user_id), people.get(said.on_behalf_of or said.user_id)
    if user is None or holder is None:
        return False
    if said.way == CONFIRMED and action.approver_role is None:
        return True
    if not await has_role(session, holder, least_role(action), action.profile_id):
        return False
    if said.on_behalf_of is None:
        return True
    handed = select(Delegation.id).where(
        Delegation.workspace_id == action.workspace_id,
        Delegation.from_user_id == holder.id,
        Delegation.to_user_id == user.id,
        Delegation.starts_at <= said.created_at,
        Delegation.ends_at > said.created_at,
        Delegation.revoked_at.is_(None),
    )
    return await may_hold(session, user) and (await session.scalars(handed)).first() is not None


async def _active(session: AsyncSession, action: Action, ids: set[str]) -> dict[str, User]:
    wanted = select(User).where(User.workspace_id == action.workspace_id, User.id.in_(ids), User.status == "active")
    return {user.id: user for user in await session.scalars(wanted)}
