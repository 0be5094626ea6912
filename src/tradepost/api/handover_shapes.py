"""What REST takes and shows of conversations that were handed over to a person."""

from typing import Annotated, Literal

from pydantic import Field

from tradepost.agents.conversations.asked import CUSTOMER_HOLDER
from tradepost.agents.conversations.asking import MAX_MESSAGE
from tradepost.agents.conversations.handover_models import ConversationRemark
from tradepost.agents.conversations.handovers import Handed
from tradepost.api.conversation_shapes import ConversationShown, TurnInFull, conversation_shown
from tradepost.api.shapes import Given, Instant, PageQuery, Shown

State = Literal["waiting", "taken", "given_back", "closed"]


class HandoverQuery(PageQuery):
    """Which ones."""

    state: State | None = Field(None, description="Those that wait and those that were taken, without it.")


class Take(Given):
    """How to take it."""

    over: bool = Field(False, description="Also where a colleague has it.")


class Reply(Given):
    """What the person says to the customer."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE, pattern=r"^[^\x00]*$")]


class HandoverShown(Shown):
    """One hand-over of a conversation."""

    id: str
    conversation_id: str
    agent: str
    customer: str | None = Field(description="Their id or number in the shop, as the shop named them.")
    title: str
    asked_by: Literal["customer", "assistant"]
    reason: str
    state: State
    taken_by: str | None
    created_at: Instant
    taken_at: Instant | None
    ended_at: Instant | None


class RemarkShown(Shown):
    """What was said while the assistant kept silent."""

    id: str
    number: int
    after_turn: int = Field(description="The number of the turn that it stands after.")
    author: Literal["customer", "person"]
    user_id: str | None
    text: str
    at: Instant


class HandoverInFull(HandoverShown):
    """The same with the whole conversation: turns with every step, what was said since, and what it was about."""

    conversation: ConversationShown
    turns: list[TurnInFull] = Field(description="The newest, the first one first.")
    remarks: list[RemarkShown]
    orders: list[str] = Field(description="Numbers of the customer's orders that tools answered about.")


def handover_shown(found: Handed) -> HandoverShown:
    handover, conversation = found.handover, found.conversation
    holder = conversation.holder
    return HandoverShown(
        agent=conversation.agent,
        title=conversation.title,
        customer=holder.removeprefix(CUSTOMER_HOLDER) if holder.startswith(CUSTOMER_HOLDER) else None,
        **{name: getattr(handover, name) for name in _OWN},
    )


def handover_in_full(
    found: Handed, turns: list[TurnInFull], remarks: list[RemarkShown], orders: list[str]
) -> HandoverInFull:
    return HandoverInFull(
        **handover_shown(found).model_dump(),
        conversation=conversation_shown(found.conversation),
        turns=turns,
        remarks=remarks,
        orders=orders,
    )


def remark_shown(found: ConversationRemark) -> RemarkShown:
    return RemarkShown(**{name: getattr(found, name) for name in RemarkShown.model_fields})


_OWN = ("id", "conversation_id", "asked_by", "reason", "state", "taken_by", "created_at", "taken_at", "ended_at")
