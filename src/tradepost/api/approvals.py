"""Writes that wait for a person, and what became of those that were asked about. People answer; an agent never can, and
sees its own alone."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tradepost.api.access import Work, may
from tradepost.api.paging import Place, within
from tradepost.api.shapes import Given, Instant, Page, PageQuery, Shown, in_path, page
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.hub.access.agents import find_agent
from tradepost.hub.actions.models import ActionState
from tradepost.hub.actions.verdicts import MAX_COMMENT_CHARACTERS
from tradepost.hub.actions.views import ActionView, list_views, view

router = APIRouter(tags=["approvals"])

Reading = Annotated[Work, Depends(may("viewer", "read:approvals", agents=True))]
Answering = Annotated[Work, Depends(may("operator", "write:approvals"))]
Which = Annotated[str, in_path("The approval's id.", "act_06fk3w9x0t")]


class ApprovalQuery(PageQuery):
    """Which approvals."""

    state: ActionState | Literal["all"] = Field("pending", description="Where it stands; all for every one.")
    agent: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Only those of this agent, by slug or id.",
    )


class Said(Given):
    """A person's words with their answer."""

    comment: str | None = Field(
        None, max_length=MAX_COMMENT_CHARACTERS, pattern=r"^[^\x00]*$", description="Why; kept with the decision."
    )


class VerdictShown(Shown):
    """What one person said."""

    user_id: str
    user_name: str
    verdict: Literal["approve", "reject"]
    comment: str | None
    at: Instant


class ApprovalShown(Shown):
    """A write: every argument in full, what would change, why it asks, who said what, what became of it."""

    id: str
    state: ActionState
    message: str = Field(description="One sentence about where it stands.")
    tool: str
    exposed_name: str
    server: str
    tool_class: str
    agent_id: str | None
    principal_kind: str
    principal_id: str
    user_id: str | None
    request_id: str
    run_id: str | None
    key: str = Field(description="The idempotency key of the call.")
    arguments: dict[str, Any] = Field(description="Exactly as they will be executed.")
    fingerprint: str = Field(description="Digest of the arguments.")
    definition_digest: str
    preview: dict[str, Any] | None
    decision: str
    decision_reason: str
    rule_id: str | None
    approvals_needed: int
    round: int = Field(description="How often people were asked: once more when what they saw has changed.")
    verdicts: list[VerdictShown]
    created_at: Instant
    expires_at: Instant | None
    decided_at: Instant | None
    finished_at: Instant | None
    result: dict[str, Any] | None
    error_code: str | None


@router.get("/approvals", summary="List approvals")
async def list_approvals(work: Reading, query: Annotated[ApprovalQuery, Query()]) -> Page[ApprovalShown]:
    """Writes that wait for a person, or those in another state, the oldest first. An agent gets its own."""
    place = Place("approvals", work.caller.workspace_id, query.limit, query.cursor, (query.state, query.agent))
    states: tuple[ActionState, ...] = get_args(ActionState) if query.state == "all" else (query.state,)
    inner = within(place)
    async with work.reading() as session:
        agent_id = work.caller.agent_id
        if query.agent is not None:
            wanted = (await find_agent(session, query.agent)).id
            if agent_id not in (None, wanted):
                raise NotFound("There is no such agent.")
            agent_id = wanted
        found, more = await list_views(session, states=states, agent_id=agent_id, limit=query.limit, cursor=inner)
    return page([_shown(one) for one in found if _is_visible(work.caller, one)], place.around(more))


@router.get("/approvals/{approval}", summary="Show an approval")
async def get_approval(work: Reading, approval: Which) -> ApprovalShown:
    """Everything about one."""
    async with work.reading() as session:
        found = await view(session, approval)
    if not _is_visible(work.caller, found):
        raise NotFound("There is no such approval.")
    return _shown(found)


@router.post("/approvals/{approval}/approve", summary="Approve a write")
async def approve(work: Answering, approval: Which, body: Said) -> ApprovalShown:
    """Approve it exactly as shown. With enough approvals the hub carries it out, once."""
    return _shown(await work.parts.gateway.verdicts.approve(work.caller, approval, body.comment))


@router.post("/approvals/{approval}/reject", summary="Reject a write")
async def reject(work: Answering, approval: Which, body: Said) -> ApprovalShown:
    """Reject it for good."""
    return _shown(await work.parts.gateway.verdicts.reject(work.caller, approval, body.comment))


def _is_visible(caller: Caller, found: ActionView) -> bool:
    """People see all of them. An agent's key sees what the agent asked for itself: shoppers share an agent, and what
    they ask for is theirs."""
    return caller.agent_id is None or (found.agent_id == caller.agent_id and found.principal_kind != "shopper")


def _shown(found: ActionView) -> ApprovalShown:
    return ApprovalShown.model_validate({**found.as_dict(), "message": found.what_happened()})
