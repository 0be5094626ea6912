"""Conversations with agents: begin one, say something, watch the answer being made, look back, judge, forget.

Everybody has their own; operators and higher see all of the workspace, and it is recorded that they looked.
"""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.asking import check_message
from tradepost.agents.conversations.build import Conversations
from tradepost.agents.conversations.following import Beat, End, Event
from tradepost.agents.conversations.judging import DOWN, UP
from tradepost.agents.conversations.looking import StepView, TurnView, Wanted
from tradepost.agents.conversations.metrics import Figures
from tradepost.api.access import ANSWER, Work, may
from tradepost.api.conversation_requests import (
    MOST_EVENT_DIGITS,
    Cancel,
    ListQuery,
    Message,
    MetricsQuery,
    New,
    Opinion,
    RulesChange,
    SearchQuery,
    StreamQuery,
)
from tradepost.api.conversation_shapes import (
    Begun,
    ConversationInFull,
    ConversationShown,
    Counted,
    FeedbackShown,
    HitShown,
    MetricsRow,
    RulesShown,
    Stopped,
    TurnShown,
    conversation_shown,
    feedback_shown,
    hit_shown,
    in_full,
    rules_shown,
    step_shown,
    turn_in_full,
    turn_shown,
)
from tradepost.api.paging import Place, within
from tradepost.api.shapes import Page, PageQuery, in_path, page
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.hub.access.roles import at_least

router = APIRouter(tags=["conversations"])

Reading = Annotated[Work, Depends(may("viewer", "read:conversations", agents=True))]
Talking = Annotated[Work, Depends(may("viewer", "write:conversations", agents=True))]
Counting = Annotated[Work, Depends(may("viewer", "read:conversations"))]
Ruling = Annotated[Work, Depends(may("admin", "write:conversations"))]
Which = Annotated[str, in_path("The conversation's id.", "cnv_06fk3w9x0t")]
MOST = timedelta(days=92)
USUALLY = timedelta(days=30)
STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


@router.get("/conversations", summary="List conversations")
async def list_conversations(work: Reading, query: Annotated[ListQuery, Query()]) -> Page[ConversationShown]:
    """The one that was spoken in last first."""
    filters = query.agent, query.mine, query.since, query.run
    place = Place("conversations", work.caller.workspace_id, query.limit, query.cursor, filters)
    wanted = Wanted(*filters)
    found, more = await _parts(work).desk.looking.list(_reach(work), wanted, query.limit, within(place))
    return page([conversation_shown(one) for one in found], place.around(more))


@router.post("/conversations", summary="Begin a conversation", status_code=201)
async def create_conversation(work: Talking, body: New) -> Begun:
    """With an agent; with a message it is answered at once."""
    reach, asking = _reach(work), _parts(work).desk.asking
    if body.message is not None:
        check_message(body.message)
    made = await asking.create(reach, body.agent, body.title)
    turn = None if body.message is None else await asking.send(reach, made.id, body.message)
    found = await _parts(work).desk.looking.get(reach, made.id)
    return Begun(**conversation_shown(found).model_dump(), turn=None if turn is None else turn_shown(turn))


@router.get("/conversations/search", summary="Search conversations")
async def search_conversations(work: Reading, query: Annotated[SearchQuery, Query()]) -> Page[HitShown]:
    """Turns whose message or answer has all the words, the newest first."""
    place = Place(
        "conversations/search", work.caller.workspace_id, query.limit, query.cursor, (query.q, query.agent, query.mine)
    )
    wanted = Wanted(query.agent, query.mine)
    found, more = await _parts(work).desk.looking.search(_reach(work), query.q, wanted, query.limit, within(place))
    return page([hit_shown(one) for one in found], place.around(more))


@router.get("/conversations/metrics", summary="Count conversations")
async def get_metrics(work: Counting, query: Annotated[MetricsQuery, Query()]) -> Counted:
    """Turns, tokens, cost, times, tool calls and scores by agent and day; no text."""
    until = query.until or work.parts.now()
    since = query.since or until - USUALLY
    if not timedelta(0) < until - since <= MOST:
        raise InvalidArgument(
            f"The time from since to until is not between nothing and {MOST.days} days.",
            field="since",
            hint="Ask for a shorter time, several times if need be.",
        )
    found = await _parts(work).desk.metrics.count(work.caller.workspace_id, since, until, query.agent)
    return Counted(items=[_row(one) for one in found])


@router.get("/conversations/rules", summary="Show for how long conversations are kept")
async def get_rules(work: Counting) -> RulesShown:
    """The workspace's rules."""
    return rules_shown(await _parts(work).desk.forgetting.rules(work.caller.workspace_id))


@router.patch("/conversations/rules", summary="Change for how long conversations are kept")
async def change_rules(work: Ruling, body: RulesChange) -> RulesShown:
    """What is not named stays. The hub looks once an hour what is due."""
    changed = body.model_dump(include=body.model_fields_set)
    return rules_shown(await _parts(work).desk.forgetting.change_rules(work.caller, changed))


@router.get("/conversations/{conversation}", summary="Show a conversation")
async def get_conversation(
    work: Reading, conversation: Which, query: Annotated[PageQuery, Query()]
) -> ConversationInFull:
    """With its turns and all their steps."""
    looking, reach = _parts(work).desk.looking, _reach(work)
    found = await looking.get(reach, conversation)
    place = Place(f"conversations/{found.id}", work.caller.workspace_id, query.limit, query.cursor)
    turns, more = await looking.turns(reach, found.id, query.limit, within(place))
    return in_full(found, page([turn_in_full(one) for one in turns], place.around(more)))


@router.post("/conversations/{conversation}/messages", summary="Say something", status_code=202)
async def send_message(work: Talking, conversation: Which, body: Message) -> TurnShown:
    """It is answered after what was said before; watch `/conversations/{conversation}/events`."""
    return turn_shown(await _parts(work).desk.asking.send(_reach(work), conversation, body.message))


@router.get("/conversations/{conversation}/events", summary="Watch a conversation", response_class=Response)
async def watch_conversation(
    request: Request, work: Reading, conversation: Which, query: Annotated[StreamQuery, Query()]
) -> Response:
    """Server-sent events: `delta` (text that is being written, not kept), `step`, `turn` (how one stands), and `end`
    when no turn is under way. A step's id is its number: with `Last-Event-ID` a client goes on where it was. Without
    it, and without `after`, it begins with the last message."""
    parts, reach = _parts(work), _reach(work)
    found = await parts.desk.looking.get(reach, conversation, tag="conversation:watched")
    after = _last_event(request.headers.get("last-event-id"), query.after)
    events = parts.following.follow(work.caller, found.id, after, stay=query.stay)
    request.scope[ANSWER].stream = _written(events)
    return Response(headers=STREAM)


@router.post("/conversations/{conversation}/cancel", summary="Stop an answer")
async def cancel(work: Talking, conversation: Which, body: Cancel) -> Stopped:
    """What was done until then stays done; a write that waits for an approval can still be approved or rejected."""
    return Stopped(stopped=await _parts(work).desk.asking.cancel(_reach(work), conversation, body.turn))


@router.post("/conversations/{conversation}/feedback", summary="Judge an answer")
async def give_feedback(work: Talking, conversation: Which, body: Opinion) -> FeedbackShown:
    """A score or a thumb, and words. What the same person said before about the same answer is replaced."""
    if (body.score is None) == (body.thumb is None):
        raise InvalidArgument("Give a score or a thumb, one of both.", field="score")
    score = body.score if body.score is not None else UP if body.thumb == "up" else DOWN
    given = await _parts(work).desk.judging.give(_reach(work), conversation, score, body.words, body.turn)
    return feedback_shown(given)


@router.post("/conversations/{conversation}/redact", summary="Take personal data out of a conversation")
async def redact(work: Ruling, conversation: Which) -> ConversationShown:
    """For good: from messages, answers, steps and the search index."""
    return conversation_shown(await _parts(work).desk.forgetting.redact(work.caller, conversation))


def _parts(work: Work) -> Conversations:
    return work.parts.conversations


def _reach(work: Work) -> Reach:
    return Reach(work.caller, work.user is not None and at_least(work.user.role, "operator"))


def _row(figures: Figures) -> MetricsRow:
    return MetricsRow(**{name: getattr(figures, name) for name in MetricsRow.model_fields})


def _last_event(header: str | None, after: int | None) -> int | None:
    if header is None or header == "":
        return after
    if not re.fullmatch(rf"[0-9]{{1,{MOST_EVENT_DIGITS}}}", header):
        raise InvalidArgument(
            "Last-Event-ID is not one that this stream gave.", hint="Leave it out.", field="Last-Event-ID"
        )
    return int(header)


async def _written(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """The events as they go out. The first bytes go at once, so that the client sees that it is heard."""
    yield b"retry: 1000\n\n"
    try:
        async for event in events:
            yield _as_bytes(event)
    except TradepostError as error:
        yield b"event: error\ndata: " + orjson.dumps(error.as_dict()) + b"\n\n"
    finally:
        await events.aclose()


def _as_bytes(event: Event) -> bytes:
    if isinstance(event, Beat):
        return b": still here\n\n"
    if isinstance(event, End):
        return b"event: end\ndata: {}\n\n"
    if isinstance(event, StepView):
        return b"id: %d\nevent: step\ndata: %b\n\n" % (event.number, step_shown(event).model_dump_json().encode())
    if isinstance(event, TurnView):
        return b"event: turn\ndata: %b\n\n" % turn_shown(event.turn, event.waits).model_dump_json().encode()
    said = {"turn_id": event.turn_id, "agent": event.agent, "text": event.text}
    return b"event: delta\ndata: %b\n\n" % orjson.dumps(said)
