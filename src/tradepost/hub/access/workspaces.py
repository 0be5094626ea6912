"""Workspaces: made with their owner in one transaction, found by slug, suspended and resumed."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.people import create_user
from tradepost.hub.access.person_sessions import end_sessions_of
from tradepost.hub.access.roles import require_role, system_caller
from tradepost.hub.access.slugs import checked_slug


@dataclass(frozen=True, slots=True)
class Founded:
    """A new workspace and its first owner."""

    workspace: Workspace
    owner: User


async def create_workspace(
    database: Database, slug: str, name: str, owner_email: str, owner_name: str = "", password: str | None = None
) -> Founded:
    """A workspace with its owner, both or neither."""
    workspace = Workspace(id=new_id("ws"), slug=checked_slug(slug), name=name.strip() or slug)
    workspace.workspace_id = workspace.id
    by = system_caller(workspace.id, new_id("req"))
    try:
        async with database.transaction(workspace.id, write=True) as session:
            session.add(workspace)
            await session.flush()
            owner = await create_user(session, by, owner_email, owner_name, "owner", password)
            await record_change(session, by, "workspace:created", workspace.id, {"slug": slug})
    except IntegrityError:
        raise StateConflict(f"There is already a workspace '{slug}'.", hint="Choose another short name.") from None
    return Founded(workspace, owner)


async def ensure_workspace(database: Database, slug: str, name: str, owner_email: str) -> Workspace:
    """The workspace of this slug; made, with its owner, when it is not there yet (the first start)."""
    try:
        return await find_workspace(database, slug)
    except NotFound:
        return (await create_workspace(database, slug, name, owner_email)).workspace


async def find_workspace(database: Database, slug: str) -> Workspace:
    """A workspace by its slug or id. For the operator's commands only: it looks across workspaces."""
    async with database.system(write=False) as session:
        found = await session.scalar(select(Workspace).where((Workspace.slug == slug) | (Workspace.id == slug)))
    if found is None:
        raise NotFound(f"There is no workspace '{slug[:60]}'.", hint="Run `tradepost workspace list`.")
    return found


async def own_slug(session: AsyncSession) -> str:
    """The short name of the session's workspace."""
    return (await session.scalars(select(Workspace.slug))).one()


async def list_workspaces(database: Database) -> list[Workspace]:
    """All workspaces by slug. For the operator's commands and the start only."""
    async with database.system(write=False) as session:
        return list(await session.scalars(select(Workspace).order_by(Workspace.slug)))


async def set_workspace_active(database: Database, by: Caller, active: bool) -> Workspace:
    """Suspend the caller's workspace (keys stop working on the next call, people are signed out) or resume it."""
    async with database.transaction(by.workspace_id, write=True) as session:
        await require_role(session, by, "owner")
        workspace: Workspace | None = await session.scalar(select(Workspace))
        if workspace is None:
            raise NotFound("The workspace is gone.")
        workspace.status = "active" if active else "suspended"
        if not active:
            await end_sessions_of(session)
        await record_change(session, by, f"workspace:{workspace.status}", workspace.id)
        return workspace
