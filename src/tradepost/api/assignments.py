"""Assignments: which tool a profile or an agent sees, and under which name."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy import Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Page, PageQuery, Reference, Shown, either, in_path, page
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.hub.access.agents import find_agent, find_profile
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.registration import assignments as services
from tradepost.hub.registration.names import MAX_DESCRIPTION, MAX_TITLE
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

router = APIRouter(tags=["assignments"])

Reading = Annotated[Work, Depends(may("viewer", "read:servers"))]
Writing = Annotated[Work, Depends(may("admin", "write:servers", in_profile=True))]
Which = Annotated[str, in_path("The assignment's id.", "asg_06fk3w9x0t")]


OwnTitle = Annotated[
    str | None, Field(max_length=MAX_TITLE, description="Stands in place of the server's own; empty lets go of it.")
]
OwnDescription = Annotated[
    str | None,
    Field(max_length=MAX_DESCRIPTION, description="Stands in place of the server's own; empty lets go of it."),
]


class AssignmentQuery(PageQuery):
    """Which assignments."""

    server: Reference | None = Field(None, description="Only tools of this server, by slug or id.")
    agent: Reference | None = Field(None, description="Only those of this very agent, by slug or id.")
    profile: Reference | None = Field(None, description="Only those of this very profile, by slug or id.")


class NewAssignment(Given):
    """A tool to make visible, to an agent or to a profile: exactly one of them."""

    model_config = ConfigDict(json_schema_extra=either("agent", "profile"))

    server: Reference = Field(description="By slug or id.", examples=["tracker"])
    tool: Reference = Field(description="The tool's own name, or its id.", examples=["track_parcel"])
    agent: Reference | None = Field(None, description="By slug or id.")
    profile: Reference | None = Field(None, description="By slug or id: all its agents.")
    exposed_name: str | None = Field(
        None, min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.-]+$", description="Show it under this name."
    )
    position: int | None = Field(None, ge=0, le=10_000, description="Its place in the list of tools.")
    title: OwnTitle = None
    description: OwnDescription = None


class AssignmentChange(Given):
    """What to change of an assignment."""

    exposed_name: str | None = Field(
        None, min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.-]+$", description="Show it under this name."
    )
    position: int | None = Field(None, ge=0, le=10_000, description="Its place in the list of tools.")
    title: OwnTitle = None
    description: OwnDescription = None


class AssignmentShown(Shown):
    """An assignment."""

    id: str
    server: str
    tool: str
    exposed_name: str
    position: int
    agent: str | None = Field(description="Slug of the agent that sees it, null where a whole profile does.")
    profile: str | None
    title: str | None = Field(description="An admin's, null where agents see the server's own.")
    description: str | None


class AssignedShown(AssignmentShown):
    """An assignment just made."""

    warnings: list[str] = Field(
        description="What an admin should know, for example that an agent sees very many tools."
    )


@router.get("/assignments", summary="List assignments")
async def list_assignments(work: Reading, query: Annotated[AssignmentQuery, Query()]) -> Page[AssignmentShown]:
    """All assignments, in the order in which they were made."""
    filters = (query.server, query.agent, query.profile)
    place = Place("assignments", work.caller.workspace_id, query.limit, query.cursor, filters)
    async with work.reading() as session:
        statement = _all()
        if query.server is not None:
            statement = statement.where(Server.id == (await find_server(session, query.server)).id)
        if query.agent is not None:
            statement = statement.where(Assignment.agent_id == (await find_agent(session, query.agent)).id)
        if query.profile is not None:
            statement = statement.where(Assignment.profile_id == (await find_profile(session, query.profile)).id)
        rows, more = await page_of(session, place, statement, [(Assignment.id, str)])
    return page([AssignmentShown(**_shown(row)) for row in rows], more)


@router.post("/assignments", status_code=201, summary="Assign a tool")
async def create_assignment(work: Writing, body: NewAssignment) -> AssignedShown:
    """Make a tool visible; it can be called from the next call on. Doing it again changes name and position. A name
    that is taken in a catalog is refused with a suggestion."""
    if (body.agent is None) == (body.profile is None):
        raise InvalidArgument(
            "A tool is assigned to an agent or to a profile.", hint="Name exactly one.", field="agent"
        )
    async with work.writing() as session:
        made = await services.assign(
            session,
            work.caller,
            body.server,
            body.tool,
            profile=body.profile,
            agent=body.agent,
            exposed_name=body.exposed_name,
            position=body.position,
            title=body.title,
            description=body.description,
        )
        row = await _one(session, made.id)
    return AssignedShown(**_shown(row), warnings=list(made.warnings))


@router.get("/assignments/{assignment}", summary="Show an assignment")
async def get_assignment(work: Reading, assignment: Which) -> AssignmentShown:
    """One assignment."""
    async with work.reading() as session:
        return AssignmentShown(**_shown(await _one(session, assignment)))


@router.patch("/assignments/{assignment}", summary="Change how a tool is shown")
async def change_assignment(work: Writing, assignment: Which, body: AssignmentChange) -> AssignedShown:
    """Another name, place, title or description; whoever sees it sees that from the next call on."""
    async with work.writing() as session:
        row, entry, server, _, _ = await _one(session, assignment)
        made = await services.assign(
            session,
            work.caller,
            server.id,
            entry.id,
            profile=row.profile_id,
            agent=row.agent_id,
            exposed_name=body.exposed_name,
            position=body.position,
            title=body.title,
            description=body.description,
        )
        changed = await _one(session, made.id)
    return AssignedShown(**_shown(changed), warnings=list(made.warnings))


@router.delete("/assignments/{assignment}", status_code=204, summary="Take a tool away")
async def delete_assignment(work: Writing, assignment: Which) -> None:
    """The tool cannot be called by whoever saw it, from the next call on."""
    async with work.writing() as session:
        row, entry, server, _, _ = await _one(session, assignment)
        await services.unassign(session, work.caller, server.id, entry.id, profile=row.profile_id, agent=row.agent_id)


def _all() -> Select[Assignment, ToolEntry, Server, Agent, Profile]:
    def of(table: Any, column: Any) -> Any:
        return and_(table.workspace_id == Assignment.workspace_id, table.id == column)

    return (
        select(Assignment, ToolEntry, Server, Agent, Profile)
        .join(ToolEntry, of(ToolEntry, Assignment.tool_entry_id))
        .join(Server, and_(Server.workspace_id == ToolEntry.workspace_id, Server.id == ToolEntry.server_id))
        .outerjoin(Agent, of(Agent, Assignment.agent_id))
        .outerjoin(Profile, of(Profile, Assignment.profile_id))
    )


async def _one(session: AsyncSession, assignment: str) -> Row[Assignment, ToolEntry, Server, Agent, Profile]:
    await session.flush()
    row = (await session.execute(_all().where(Assignment.id == assignment))).one_or_none()
    if row is None:
        raise NotFound("There is no such assignment.")
    return row


def _shown(row: Any) -> dict[str, Any]:
    assignment, entry, server, agent, profile = row
    return {
        "id": assignment.id,
        "server": server.slug,
        "tool": entry.name,
        "exposed_name": assignment.exposed_name,
        "position": assignment.position,
        "agent": agent.slug if agent is not None else None,
        "profile": profile.slug if profile is not None else None,
        "title": assignment.title,
        "description": assignment.description,
    }
