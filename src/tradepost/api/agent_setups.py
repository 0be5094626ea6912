"""How agents work: role, instructions, model, limits and prompts."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.setups.limits import Limits
from tradepost.agents.setups.models import PLANNER
from tradepost.agents.setups.service import MAX_INSTRUCTIONS, MAX_PROMPTS, Change, Setup, change_setup, read_setup
from tradepost.api.access import Work, may
from tradepost.api.agent_directory import HubDirectory
from tradepost.api.shapes import Given, Shown, in_path
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role

router = APIRouter(tags=["agents"])

Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents", in_profile=True))]
Which = Annotated[str, in_path("The agent's slug or id.", "supply")]
Role = Literal["specialist", "planner", "shopper"]
Model = Annotated[
    str,
    Field(
        max_length=500,
        pattern=r"^[^\x00-\x20]*$",
        description="anthropic:NAME, openai:NAME, openai:NAME@URL of an endpoint of your own, scripted; empty for the "
        "hub's default.",
        examples=["openai:gpt-5"],
    ),
]
Limit = Annotated[int, Field(ge=0, le=10**10)]
PromptName = Annotated[str, Field(min_length=1, max_length=120)]


class SetupChange(Given):
    """What to change of how an agent works. It acts on the next message."""

    role: Role | None = Field(None, description="planner hands on to specialists; shopper serves the shop's customers.")
    instructions: Annotated[str, Field(max_length=MAX_INSTRUCTIONS, pattern=r"^[^\x00]*$")] | None = None
    model: Model | None = None
    fallback_model: Model | None = Field(None, description="Asked where the first model cannot answer.")
    limits: dict[str, Limit | None] | None = Field(
        None, max_length=10, description="For one answer; null goes back to the default.", examples=[{"steps": 10}]
    )
    prompts: list[PromptName] | None = Field(None, max_length=MAX_PROMPTS)
    expected_version: int | None = Field(None, ge=0, le=2**53)


class SetupShown(Shown):
    """How an agent works."""

    agent: str
    role: Role
    instructions: str
    model: str
    fallback_model: str
    limits: dict[str, int] = Field(description="Steps, tokens, cost in millionths of a US dollar, seconds, tool calls.")
    prompts: list[str]
    version: int


@router.get("/agents/{agent}/setup", summary="Show how an agent works")
async def get_setup(work: Reading, agent: Which) -> SetupShown:
    """Its role, instructions, model, limits and prompts."""
    async with work.reading() as session:
        return _shown(await read_setup(session, await HubDirectory().agent(session, agent)))


@router.patch("/agents/{agent}/setup", summary="Change how an agent works")
async def change(work: Writing, agent: Which, body: SetupChange) -> SetupShown:
    """Only the members that are sent change."""
    given = body.model_dump()
    expected = given.pop("expected_version")

    async def record(session: AsyncSession, tag: str, subject: str, details: Mapping[str, Any]) -> None:
        await record_change(session, work.caller, tag, subject, details)

    async with work.writing() as session:
        facts = await HubDirectory().agent(session, agent)
        # A planner acts through agents of all profiles: that is for the whole workspace to say.
        await require_role(session, work.caller, "admin", None if body.role == PLANNER else facts.profile_id)
        return _shown(await change_setup(session, facts, Change(**given), record, expected))


def _shown(setup: Setup) -> SetupShown:
    return SetupShown(
        agent=setup.facts.slug,
        role=setup.role,  # type: ignore[arg-type]  # one of them, by the table's constraint
        instructions=setup.instructions,
        model=setup.model,
        fallback_model=setup.fallback_model,
        limits=Limits.of(setup.limits).as_dict(),
        prompts=setup.prompts,
        version=setup.version,
    )
