"""Tokens of language models, as whoever runs an agent reports them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from tradepost.api.access import Work, agents_only
from tradepost.api.shapes import Given, Shown
from tradepost.foundation.errors import RateLimited
from tradepost.hub.limits.quotas import read_quotas

router = APIRouter(tags=["usage"])

Reporting = Annotated[Work, Depends(agents_only())]
MOST = 10**9


class TokensUsed(Given):
    """What was used since the last report."""

    tokens: int = Field(ge=1, le=MOST, description="Tokens of input and output together.", examples=[1850])


class TokensCounted(Shown):
    """What was counted."""

    agent_id: str
    tokens: int
    used_up: bool = Field(
        description="Whether the day's tokens of the agent or its workspace are used up: calls of the agent are "
        "refused with 429 until midnight UTC, or until an admin sets another limit."
    )
    retry_after_seconds: float | None = Field(description="Until midnight UTC, where they are used up.")


@router.post("/usage/tokens", summary="Report tokens that an agent used")
async def report_tokens(work: Reporting, body: TokensUsed) -> TokensCounted:
    """Counted for the agent of the credential and its workspace, whatever is left: it has happened. Send an idempotency
    key, so that a report that is repeated counts once."""
    agent_id, workspace_id = work.caller.agent_id or "", work.caller.workspace_id
    async with work.reading() as session:
        quotas = await read_quotas(session, agent_id)
    budgets = work.parts.gateway.pipeline.parts.pace.budgets
    try:
        await budgets.add_tokens(workspace_id, agent_id, quotas, body.tokens)
    except RateLimited as error:
        return TokensCounted(
            agent_id=agent_id, tokens=body.tokens, used_up=True, retry_after_seconds=error.retry_after_seconds
        )
    return TokensCounted(agent_id=agent_id, tokens=body.tokens, used_up=False, retry_after_seconds=None)
