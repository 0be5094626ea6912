"""Limits of the workspace and of its agents: how often, how much in a day, and which features."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.agents import Which
from tradepost.api.shapes import Given, Shown
from tradepost.hub.access import quotas
from tradepost.hub.access.agents import find_agent

router = APIRouter(tags=["limits"])

OfWorkspace = Annotated[Work, Depends(may("viewer", "read:usage"))]
Reading = Annotated[Work, Depends(may("viewer", "read:agents"))]
Writing = Annotated[Work, Depends(may("admin", "write:agents"))]
Name = Annotated[str, Field(min_length=1, max_length=60, examples=["calls_per_minute"])]


class LimitsChange(Given):
    """Limits to set, and names to let go of: then what stands behind them holds again."""

    set: dict[Name, Annotated[int, Field(ge=0, le=2**53)]] = Field(
        default_factory=dict, max_length=50, description="Name to value.", examples=[{"calls_per_minute": 60}]
    )
    unset: list[Name] = Field(default_factory=list, max_length=50)


class LimitShown(Shown):
    """One limit or feature as it holds."""

    name: str
    value: int | bool | None = Field(description="null is no limit; features are true or false.")
    set_by: str = Field(description="agent, workspace, or default where nobody set it.")
    used: int | None = Field(description="Used today; null for what does not count by the day.")
    what: str


class LimitsShown(Shown):
    """All limits that hold."""

    limits: list[LimitShown]


@router.get("/limits", summary="Show the workspace's limits")
async def get_limits(work: OfWorkspace) -> LimitsShown:
    """They are the workspace's plan: whoever runs the installation sets them."""
    async with work.reading() as session:
        return _shown(await quotas.in_force(session))


@router.get("/agents/{agent}/limits", summary="Show an agent's limits")
async def get_agent_limits(work: Reading, agent: Which) -> LimitsShown:
    """What holds for all its keys together."""
    async with work.reading() as session:
        return _shown(await quotas.in_force(session, (await find_agent(session, agent)).slug))


@router.patch("/agents/{agent}/limits", summary="Change an agent's limits")
async def change_agent_limits(work: Writing, agent: Which, body: LimitsChange) -> LimitsShown:
    """In force on the next call. They can be lower than the workspace's and never go above them."""
    async with work.writing() as session:
        slug = (await find_agent(session, agent)).slug
        return _shown(await quotas.change(session, work.caller, slug, given=body.set, dropped=body.unset))


def _shown(found: list[quotas.InForce]) -> LimitsShown:
    return LimitsShown(
        limits=[
            LimitShown(name=one.name, value=one.value, set_by=one.set_by, used=one.used, what=one.what) for one in found
        ]
    )
