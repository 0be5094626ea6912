"""What needs a person, in numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.shapes import Shown
from tradepost.hub.registration.attention import needing_attention

router = APIRouter(tags=["workspace"])

Reading = Annotated[Work, Depends(may("viewer", "read:approvals"))]


class WaitingToolsShown(Shown):
    """Tools of one server that wait for a person."""

    server: str = Field(description="The server's slug.")
    name: str
    new: int = Field(description="Never approved yet.")
    changed: int = Field(description="With another definition than the approved one.")


class FailingServerShown(Shown):
    """A server that could not be reached the last time."""

    server: str = Field(description="The server's slug.")
    name: str
    problem: str | None = Field(description="What was wrong.")


class AttentionShown(Shown):
    """Everything that needs a person."""

    approvals: int = Field(description="Writes that wait for an answer.")
    unknown: int = Field(description="Writes of which nobody knows whether they took effect.")
    tools: list[WaitingToolsShown]
    failing: list[FailingServerShown]


@router.get("/attention", summary="What needs a person")
async def get_attention(work: Reading) -> AttentionShown:
    """Approvals, unknown outcomes, tools that wait for a review, servers that fail."""
    async with work.reading() as session:
        found = await needing_attention(session)
    return AttentionShown.model_validate(found, from_attributes=True)
