"""What REST takes from a customer of the shop, and shows them."""

from typing import Annotated, Literal

from pydantic import Field

from tradepost.agents.conversations.asking import MAX_MESSAGE
from tradepost.agents.conversations.customer_views import CustomerMessage, CustomerView
from tradepost.agents.conversations.handovers import MAX_REASON
from tradepost.agents.conversations.judging import MAX_WORDS
from tradepost.agents.conversations.models import Conversation
from tradepost.api.shapes import Given, Instant, Reference, Shown

# Longer ones are refused by the shop's own limit, which says how long they may be.
Text = Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE, pattern=r"^[^\x00]*$")]
State = Literal["assistant", "waiting_for_person", "person", "closed"]
_STATES: dict[str | None, State] = {None: "assistant", "waiting": "waiting_for_person", "taken": "person"}


class Begin(Given):
    """A conversation to begin, with what the customer says first."""

    message: Text | None = None


class Say(Given):
    """What the customer says."""

    message: Text


class Opinion(Given):
    """What the customer thought of an answer."""

    thumb: Literal["up", "down"]
    words: Annotated[str, Field(max_length=MAX_WORDS, pattern=r"^[^\x00]*$")] = ""
    turn: Reference | None = Field(None, description="That of the answer; the last one without it.")


class AskForPerson(Given):
    """A wish for a person, with a word about it where the customer likes."""

    words: Annotated[str, Field(max_length=MAX_REASON, pattern=r"^[^\x00]*$")] = ""


class MessageShown(Shown):
    """One thing that was said."""

    id: str
    author: Literal["customer", "assistant", "person"]
    text: str = Field(description="Plain text. Of an answer that is being written there is none yet.")
    status: Literal["sent", "writing", "waiting", "done", "failed", "stopped"] = Field(
        description="waiting: the shop has to agree first."
    )
    at: Instant
    turn: str | None = Field(description="Of an answer: by this it is judged, and deltas belong to it.")


class ChatListed(Shown):
    """A conversation of the customer's."""

    id: str
    state: State = Field(description="Who answers.")
    created_at: Instant
    last_at: Instant


class ChatShown(ChatListed):
    """The same, with what was said. After sending, what was sent alone."""

    messages: list[MessageShown]


class Thanks(Shown):
    """An opinion that was kept."""

    turn: str
    thumb: Literal["up", "down"]


def message_shown(found: CustomerMessage) -> MessageShown:
    return MessageShown(
        id=found.id, author=found.author, text=found.text, status=found.status, at=found.at, turn=found.turn_id
    )


def listed(found: Conversation) -> ChatListed:
    state = _STATES.get(found.with_person, "closed")
    return ChatListed(id=found.id, state=state, created_at=found.created_at, last_at=found.last_at)


def chat_shown(found: CustomerView) -> ChatShown:
    return ChatShown(
        id=found.id,
        state=_STATES.get(found.with_person, "closed"),
        created_at=found.created_at,
        last_at=found.last_at,
        messages=[message_shown(one) for one in found.messages],
    )
