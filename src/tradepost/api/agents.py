"""Agents: specialists and outside MCP clients, each with its scopes."""

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Reference, Scope, Shown, Words, in_path, page
from tradepost.foundation.errors import VersionConflict
from tradepost.hub.access import agents as services
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.registration.assignments import count_visible, too_many
from tradepost.hub.registration.granting import greet
from tradepost.hub.registry.rules import read_rules

router = APIRouter(tags=["agents"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents", in_profile=True))]
Which = Annotated[str, in_path("The agent's slug or id.", "supply")]
AgentSlug = Annotated[
    str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", examples=["supply"])
]
Scopes = Annotated[
    list[Scope],
    Field(max_length=100, description="Scopes it has; they bound every key of it.", examples=[["read:orders"]]),
]


class NewAgent(Given):
    """An agent to make."""

    profile: Reference = Field(description="Its profile, by slug or id.", examples=["internal"])
    slug: AgentSlug
    name: Words = Field("", description="Full name; the slug without one.")
    description: Words = Field("", description="What it is for.")
    scopes: Scopes = Field(default_factory=list)


class AgentChange(Given):
    """What to change of an agent."""

    scopes: Scopes | None = None
    status: Literal["active", "disabled"] | None = Field(None, description="disabled: none of its keys works any more.")
    expected_version: int | None = Field(
        None, ge=1, le=2**53, description="Change it only if this is still its version; else 409 version_conflict."
    )


class AgentShown(Shown):
    """An agent."""

    id: str
    slug: str
    name: str
    description: str
    profile: str = Field(description="Slug of its profile.")
    status: Literal["active", "disabled"]
    scopes: list[str]
    version: int
    created_at: Instant


class AgentInFull(AgentShown):
    """An agent, and how much it sees."""

    visible_tools: int = Field(description="Tools assigned to it or its profile that it can call now.")
    warnings: list[str] = Field(description="What an admin should know, for example that these are very many.")


@router.get("/agents", summary="List agents")
async def list_agents(work: Reading, query: Annotated[PageQuery, Query()]) -> Page[AgentShown]:
    """All agents, by slug."""
    place = Place("agents", work.caller.workspace_id, query.limit, query.cursor)
    async with work.reading() as session:
        rows, more = await page_of(session, place, select(Agent), [(Agent.slug, str)])
        slugs = await _slugs(session, {row.profile_id for row in rows})
        return page([_with_profile(row, slugs.get(row.profile_id)) for row in rows], more)


@router.post("/agents", status_code=201, summary="Make an agent")
async def create_agent(work: Writing, body: NewAgent) -> AgentShown:
    """A new agent in a profile. Assign it tools, then mint a key for it. Beside the scopes given here it has those of
    the tools of your own servers that its profile shows it."""
    async with work.writing() as session:
        row = await services.create_agent(
            session, work.caller, body.profile, body.slug, body.name, body.description, body.scopes
        )
        await greet(session, work.caller, row)
        return await _shown(session, row)


@router.get("/agents/{agent}", summary="Show an agent")
async def get_agent(work: Reading, agent: Which) -> AgentInFull:
    """One agent."""
    async with work.reading() as session:
        row, rules = await services.find_agent(session, agent), await read_rules(session)
        count = await count_visible(session, row, rules)
        warning = too_many(row.slug, count, rules.visible_tools)
        shown = (await _shown(session, row)).model_dump(mode="python")
    return AgentInFull(**shown, visible_tools=count, warnings=[warning] if warning is not None else [])


@router.patch("/agents/{agent}", summary="Change an agent")
async def change_agent(work: Writing, agent: Which, body: AgentChange) -> AgentShown:
    """Replace its scopes, shut it out, or let it in again; acts on the next call of each of its keys."""
    async with work.writing() as session:
        row = await services.find_agent(session, agent)
        if body.expected_version is not None and body.expected_version != row.version:
            raise VersionConflict(
                f"The agent has version {row.version} now, not {body.expected_version}.",
                hint="Look at it again, then repeat the change with that version.",
                field="expected_version",
            )
        if body.scopes is not None:
            await services.set_agent_scopes(session, work.caller, row.id, body.scopes)
        if body.status is not None and body.status != row.status:
            await services.set_agent_active(session, work.caller, row.id, body.status == "active")
        return await _shown(session, row)


async def _shown(session: AsyncSession, row: Agent) -> AgentShown:
    return _with_profile(row, (await _slugs(session, {row.profile_id})).get(row.profile_id))


async def _slugs(session: AsyncSession, profiles: Collection[str]) -> dict[str, str]:
    """Slugs of profiles by their ids."""
    rows = await session.execute(select(Profile.id, Profile.slug).where(Profile.id.in_(profiles)))
    return {row.id: row.slug for row in rows}


def _with_profile(row: Agent, profile: str | None) -> AgentShown:
    return AgentShown(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        profile=row.profile_id if profile is None else profile,
        status="active" if row.status == "active" else "disabled",
        scopes=row.scopes,
        version=row.version,
        created_at=row.created_at,
    )
