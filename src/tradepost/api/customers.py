"""The chat of the shop's own customers, with the token of a shopper session: these routes, and no others.

A conversation belongs to one customer, whatever session they come with. What they see of it is what was said.
"""

from collections.abc import AsyncGenerator
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from tradepost.agents.conversations.build import Conversations
from tradepost.agents.conversations.customer_stream import News, Said, Still
from tradepost.agents.conversations.customer_views import CustomerView
from tradepost.agents.conversations.judging import DOWN, UP
from tradepost.api.access import ANSWER, Work, customers_only
from tradepost.api.build import PREFIX, SHOPPERS
from tradepost.api.conversations import STREAM
from tradepost.api.customer_shapes import (
    AskForPerson,
    Begin,
    ChatListed,
    ChatShown,
    Opinion,
    Say,
    Thanks,
    chat_shown,
    listed,
    message_shown,
)
from tradepost.api.paging import Place, within
from tradepost.api.shapes import Page, PageQuery, in_path, page
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError

router = APIRouter(tags=["chat"])
_HERE = SHOPPERS.removeprefix(PREFIX)

Mine = Annotated[Work, Depends(customers_only())]
Which = Annotated[str, in_path("The conversation's id.", "cnv_06fk3w9x0t")]


def is_for(caller: Caller, path: str) -> bool:
    """Whether a customer may come to a path."""
    return caller.principal.kind == "shopper" and path.startswith(f"{SHOPPERS}/")


@router.get(f"{_HERE}/conversations", summary="List one's own conversations")
async def list_chats(work: Mine, query: Annotated[PageQuery, Query()]) -> Page[ChatListed]:
    """The one that was spoken in last first."""
    holder = dict(work.caller.attributes).get("customer", "")
    place = Place("shopper/conversations", work.caller.workspace_id, query.limit, query.cursor, (holder,))
    found, more = await _parts(work).desk.customers.list(work.caller, query.limit, within(place))
    return page([listed(one) for one in found], place.around(more))


@router.post(f"{_HERE}/conversations", summary="Begin a conversation with the assistant", status_code=201)
async def begin_chat(work: Mine, body: Begin) -> ChatShown:
    """With a message it is answered at once."""
    return chat_shown(await _parts(work).desk.customers.begin(work.caller, body.message))


@router.get(f"{_HERE}/conversations/{{conversation}}", summary="Show one's own conversation")
async def get_chat(work: Mine, conversation: Which) -> ChatShown:
    """With what was said in it, the newest hundred messages and their answers."""
    return chat_shown(await _parts(work).desk.customers.view(work.caller, conversation))


@router.post(f"{_HERE}/conversations/{{conversation}}/messages", summary="Say something", status_code=202)
async def say(work: Mine, conversation: Which, body: Say) -> ChatShown:
    """The assistant answers it, or the person who has the conversation. 429 says when there may be more."""
    return chat_shown(await _parts(work).desk.customers.send(work.caller, conversation, body.message))


@router.get(
    f"{_HERE}/conversations/{{conversation}}/events", summary="Watch one's own conversation", response_class=Response
)
async def watch_chat(request: Request, work: Mine, conversation: Which) -> Response:
    """Server-sent events. `conversation` comes first, with everything, and again when it goes to a person or comes
    back; `message` is one that is new or has changed; `delta` is text that is being added to the answer of a turn;
    `error` comes before an early end. Who lost the stream opens it again, and begins with everything."""
    events = _parts(work).for_customers.follow(work.caller, conversation)
    first = await anext(events)  # so that what is wrong is an answer of its own
    request.scope[ANSWER].stream = _written(first, events)
    return Response(headers=STREAM)


@router.post(f"{_HERE}/conversations/{{conversation}}/feedback", summary="Judge an answer")
async def judge_answer(work: Mine, conversation: Which, body: Opinion) -> Thanks:
    """What was said before about the same answer is replaced."""
    score = UP if body.thumb == "up" else DOWN
    given = await _parts(work).desk.customers.judge(work.caller, conversation, score, body.words, body.turn)
    return Thanks(turn=given.turn_id, thumb=body.thumb)


@router.post(f"{_HERE}/conversations/{{conversation}}/person", summary="Ask for a person")
async def ask_for_person(work: Mine, conversation: Which, body: AskForPerson) -> ChatShown:
    """A person of the shop takes over, who sees the whole conversation; the assistant keeps silent from now on."""
    return chat_shown(await _parts(work).desk.customers.ask_for_person(work.caller, conversation, body.words))


def _parts(work: Work) -> Conversations:
    return work.parts.conversations


async def _written(first: News, events: AsyncGenerator[News, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield b"retry: 1000\n\n" + _as_bytes(first)
        async for event in events:
            yield _as_bytes(event)
    except TradepostError as error:
        yield b"event: error\ndata: " + orjson.dumps({"code": error.code, "message": error.message}) + b"\n\n"
    finally:
        await events.aclose()


def _as_bytes(event: News) -> bytes:
    if isinstance(event, Still):
        return b": still here\n\n"
    if isinstance(event, Said):
        return b"event: delta\ndata: %b\n\n" % orjson.dumps({"turn": event.turn_id, "text": event.text})
    if isinstance(event, CustomerView):
        return b"event: conversation\ndata: %b\n\n" % chat_shown(event).model_dump_json().encode()
    return b"event: message\ndata: %b\n\n" % message_shown(event).model_dump_json().encode()
