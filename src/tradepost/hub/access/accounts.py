"""Who may be behind an e-mail address or an identity elsewhere: the same person may be a user of several workspaces."""

from dataclasses import dataclass

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.person_models import LinkedIdentity
from tradepost.hub.access.roles import caller_for_user


@dataclass(frozen=True, slots=True)
class Account:
    """An active user of an active workspace."""

    workspace_id: str
    workspace: str
    slug: str
    user_id: str
    email: str
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an identity provider says somebody is. The e-mail address is one that it has verified."""

    issuer: str
    subject: str
    email: str
    name: str


async def accounts_of(database: Database, email: str, slug: str = "") -> list[Account]:
    """The accounts of an e-mail address, in all workspaces or the one of this slug, by slug."""
    wanted = _accounts().where(User.email == email.strip().lower())
    if slug:
        wanted = wanted.where(Workspace.slug == slug)
    async with database.system(write=False) as session:
        return [_account(user, workspace) for user, workspace in await session.execute(wanted)]


async def accounts_of_identity(database: Database, who: Identity) -> list[Account]:
    """The accounts that an identity may use: those linked to it, and those of its address that are linked to nobody of
    that provider yet. An address that went over to somebody else opens nothing."""
    linked = and_(
        LinkedIdentity.workspace_id == User.workspace_id,
        LinkedIdentity.user_id == User.id,
        LinkedIdentity.issuer == who.issuer,
    )
    mine = (LinkedIdentity.subject == who.subject) | ((User.email == who.email) & LinkedIdentity.id.is_(None))
    async with database.system(write=False) as session:
        rows = await session.execute(_accounts().outerjoin(LinkedIdentity, linked).where(mine))
        return [_account(user, workspace) for user, workspace in rows]


async def link_identity(session: AsyncSession, user: User, who: Identity, now: Now = system_now) -> None:
    """Remember that this identity is the user, when nothing is remembered yet. Raises Unauthenticated when somebody
    else of that provider is."""
    known = await session.scalar(
        select(LinkedIdentity).where(LinkedIdentity.user_id == user.id, LinkedIdentity.issuer == who.issuer)
    )
    if known is None:
        session.add(
            LinkedIdentity(id=new_id("idn"), user_id=user.id, issuer=who.issuer, subject=who.subject, linked_at=now())
        )
        by = caller_for_user(user, new_id("req"))
        await record_change(session, by, "user:identity_linked", user.id, {"issuer": who.issuer})
    elif known.subject != who.subject:
        raise Unauthenticated("Somebody else of that provider is this user.")


async def active_user(session: AsyncSession, user_id: str) -> User:
    """The user, who is still active in an active workspace. Raises Unauthenticated."""
    status = await session.scalar(select(Workspace.status))
    user = await session.scalar(select(User).where(User.id == user_id, User.status == "active"))
    if user is None or status != "active":
        raise Unauthenticated("This account is not active any more.", hint="Ask an admin of the workspace.")
    return user


def _accounts() -> Select[User, Workspace]:
    return (
        select(User, Workspace)
        .join(Workspace, and_(Workspace.workspace_id == User.workspace_id, Workspace.id == User.workspace_id))
        .where(User.status == "active", Workspace.status == "active")
        .order_by(Workspace.slug)
    )


def _account(user: User, workspace: Workspace) -> Account:
    return Account(user.workspace_id, workspace.name, workspace.slug, user.id, user.email, user.password_hash)
