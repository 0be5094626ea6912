"""A conversation as its customer sees it: what was said, by whom, and how it stands. Nothing of how an answer came to
be: no tools, no ids of approvals, no models, no cost, no names of the shop's people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.handover_models import ConversationRemark
from tradepost.agents.conversations.handovers import remarks_of
from tradepost.agents.conversations.models import Conversation, ConversationTurn

MOST_TURNS = 100  # of one conversation that are shown, the newest
AGREEMENT = (
    "Somebody of the shop has to agree to this first, so nothing has changed yet. You will read here what became of it;"
    " you need not wait."
)
TROUBLE = "Sorry, this could not be answered just now. Please try again, or ask for a person."
STOPPED = "This was not answered."

Author = Literal["customer", "assistant", "person"]
Status = Literal["sent", "writing", "waiting", "done", "failed", "stopped"]
_STATUS: dict[str, Status] = {
    "queued": "writing",
    "running": "writing",
    "waiting": "waiting",
    "finished": "done",
    "failed": "failed",
    "stopped": "stopped",
}
_WORDS = {"waiting": AGREEMENT, "failed": TROUBLE, "stopped": STOPPED}


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """One thing that was said. `turn_id` is that of an answer, by which it is judged and its text is streamed. An
    answer that is being written has no text yet."""

    id: str
    author: Author
    text: str
    status: Status
    at: datetime
    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A conversation, or what is new of it. `with_person`: None, "waiting", "taken" or "closed"."""

    id: str
    with_person: str | None
    created_at: datetime
    last_at: datetime
    messages: Sequence[CustomerMessage]


async def view_of(session: AsyncSession, conversation: Conversation) -> CustomerView:
    """The whole conversation, as far as it is shown."""
    turn = ConversationTurn
    newest = select(turn).where(turn.conversation_id == conversation.id).order_by(turn.number.desc()).limit(MOST_TURNS)
    turns = list(await session.scalars(newest))[::-1]
    since = turns[0].number if turns else 0
    said = [((one.number, 0), message_of_turn(one)) for one in turns]
    remarks = await remarks_of(session, conversation.id)
    said += [((one.after_turn, one.number), [message_of_remark(one)]) for one in remarks if one.after_turn >= since - 1]
    messages = [message for _, some in sorted(said, key=lambda one: one[0]) for message in some]
    c = conversation
    return CustomerView(c.id, c.with_person, c.created_at, c.last_at, messages)


def message_of_turn(turn: ConversationTurn) -> list[CustomerMessage]:
    """What the customer said, and the answer to it."""
    status = _STATUS[turn.status]
    text = turn.answer if status == "done" else _WORDS.get(turn.status, "")
    return [
        CustomerMessage(turn.id, "customer", turn.message, "sent", turn.created_at),
        CustomerMessage(f"{turn.id}.answer", "assistant", text, status, turn.finished_at or turn.created_at, turn.id),
    ]


def message_of_remark(remark: ConversationRemark) -> CustomerMessage:
    """What was said without the assistant."""
    author: Author = "person" if remark.author == "person" else "customer"
    return CustomerMessage(remark.id, author, remark.text, "sent", remark.at)
