"""Who am I: what the hub makes of the key that was sent."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select

from tradepost.api.access import Work, anybody
from tradepost.api.shapes import Shown
from tradepost.hub.access.models import Agent, Profile, User, Workspace

router = APIRouter(tags=["me"])


class PersonRef(Shown):
    """A person, in short."""

    id: str
    email: str
    name: str
    role: str = Field(description="owner, admin, operator or viewer.")


class AgentRef(Shown):
    """An agent, in short."""

    id: str
    slug: str
    profile: str


class WorkspaceRef(Shown):
    """A workspace, in short."""

    id: str
    slug: str
    name: str


class Me(Shown):
    """The caller. Exactly one of `user` and `agent` is there."""

    principal: str = Field(description="api_key (of a person) or agent_key.")
    principal_id: str
    workspace: WorkspaceRef
    user: PersonRef | None
    agent: AgentRef | None
    scopes: list[str] = Field(
        description="Of an agent: what its tools may need. Of a person's key: if there are any, it is limited to them."
    )


@router.get("/me", summary="Who am I")
async def get_me(work: Annotated[Work, Depends(anybody())]) -> Me:
    """The principal behind the key, its workspace, and what it may do."""
    caller = work.caller
    async with work.reading() as session:
        workspace = (await session.scalars(select(Workspace))).one()
        user = await session.scalar(select(User).where(User.id == (caller.user_id or "")))
        found = await session.execute(
            select(Agent, Profile.slug)
            .join(Profile, (Profile.workspace_id == Agent.workspace_id) & (Profile.id == Agent.profile_id))
            .where(Agent.id == (caller.agent_id or ""))
        )
        agent = found.one_or_none()
    return Me(
        principal=caller.principal.kind,
        principal_id=caller.principal.id,
        workspace=WorkspaceRef(id=workspace.id, slug=workspace.slug, name=workspace.name),
        user=PersonRef(id=user.id, email=user.email, name=user.name, role=user.role) if user is not None else None,
        agent=AgentRef(id=agent[0].id, slug=agent[0].slug, profile=agent[1]) if agent is not None else None,
        scopes=sorted(caller.scopes),
    )
