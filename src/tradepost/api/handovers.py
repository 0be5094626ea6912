"""Conversations of customers that wait for a person of the shop, or have one: the queue, the whole context, taking one,
answering, giving it back to the assistant, closing it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.build import Desk
from tradepost.agents.conversations.handovers import UNENDED, Handed
from tradepost.agents.conversations.touched import orders_in
from tradepost.api.access import Work, may
from tradepost.api.conversation_shapes import turn_in_full
from tradepost.api.handover_shapes import (
    HandoverInFull,
    HandoverQuery,
    HandoverShown,
    RemarkShown,
    Reply,
    Take,
    handover_in_full,
    handover_shown,
    remark_shown,
)
from tradepost.api.paging import Place, within
from tradepost.api.shapes import Page, in_path, page

router = APIRouter(tags=["handovers"])

Reading = Annotated[Work, Depends(may("operator", "read:conversations"))]
Answering = Annotated[Work, Depends(may("operator", "write:conversations"))]
Which = Annotated[str, in_path("The hand-over's id, or that of its conversation.", "hnd_06fk3w9x0t")]


@router.get("/handovers", summary="List conversations for people")
async def list_handovers(work: Reading, query: Annotated[HandoverQuery, Query()]) -> Page[HandoverShown]:
    """The one that has waited longest first."""
    states = UNENDED if query.state is None else (query.state,)
    place = Place("handovers", work.caller.workspace_id, query.limit, query.cursor, states)
    found, more = await _desk(work).handovers.list(Reach(work.caller, True), states, query.limit, within(place))
    return page([handover_shown(one) for one in found], place.around(more))


@router.get("/handovers/{handover}", summary="Show a conversation for a person")
async def get_handover(work: Reading, handover: Which) -> HandoverInFull:
    """With everything that a person needs to go on: what was said, every call and its result, the customer, their
    orders. That somebody looked is recorded."""
    return await in_full(_desk(work), Reach(work.caller, True), handover)


@router.post("/handovers/{handover}/take", summary="Take a conversation")
async def take_handover(work: Answering, handover: Which, body: Take) -> HandoverShown:
    """Whoever takes it answers from now on."""
    return handover_shown(await _desk(work).handovers.take(_reach(work), handover, over=body.over))


@router.post("/handovers/{handover}/answer", summary="Answer a customer as a person", status_code=201)
async def answer_customer(work: Answering, handover: Which, body: Reply) -> RemarkShown:
    """The customer reads it in the same chat. Who answers one that still waits takes it with that."""
    return remark_shown(await _desk(work).handovers.answer(_reach(work), handover, body.message))


@router.post("/handovers/{handover}/give-back", summary="Give a conversation back")
async def give_back(work: Answering, handover: Which) -> HandoverShown:
    """The assistant goes on with it, and knows what the person said."""
    return handover_shown(await _ended(work, handover, close=False))


@router.post("/handovers/{handover}/close", summary="Close a conversation")
async def close_handover(work: Answering, handover: Which) -> HandoverShown:
    """Nobody says anything in it any more. Who has another question begins another one."""
    return handover_shown(await _ended(work, handover, close=True))


async def in_full(desk: Desk, reach: Reach, handover: str) -> HandoverInFull:
    """A hand-over with its whole context. Raises NotFound."""
    found = await desk.handovers.get(reach, handover)
    conversation = await desk.looking.get(reach, found.conversation.id)
    views = await desk.looking.newest(reach, conversation.id)
    remarks = await desk.handovers.remarks(reach, conversation.id)
    return handover_in_full(
        Handed(found.handover, conversation),
        [turn_in_full(one) for one in views],
        [remark_shown(one) for one in remarks],
        orders_in([step.content for view in views for step in view.steps]),
    )


async def _ended(work: Work, handover: str, *, close: bool) -> Handed:
    return await _desk(work).handovers.end(_reach(work), handover, "closed" if close else "given_back")


def _desk(work: Work) -> Desk:
    return work.parts.conversations.desk


def _reach(work: Work) -> Reach:
    return Reach(work.caller, everything=True)
