"""Cases of customers: opening one, and handing one to a person."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.names import find_buyer
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import Ticket, TicketMessage, TicketPriority
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean

MAX_MESSAGE = 4000
ESCALATIONS = "escalations"
NOBODY = "The ticket is about nobody."

Subject = Annotated[
    str, Field(min_length=3, max_length=160, description="What it is about.", examples=["Parcel not received"])
]
Message = Annotated[
    str | None, Field(max_length=MAX_MESSAGE, description="What is known so far.", examples=["Tracking says delivered"])
]
OrderRef = Annotated[str | None, Field(max_length=200, description="The order, if any.", examples=["ORD-1001"])]
CustomerRef = Annotated[
    str | None, Field(max_length=200, description="The customer; left out: the order's.", examples=["CUST-1001"])
]
TicketRef = Annotated[str | None, Field(max_length=200, description="An existing ticket.", examples=["TKT-1001"])]
Priority = Annotated[TicketPriority, Field(description="How urgent.", examples=["normal"])]
Queue = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$", description="Who works on it.", examples=["claims"])]
Summary = Annotated[
    str,
    Field(
        min_length=10,
        max_length=MAX_MESSAGE,
        description="What happened, what was tried, what is wanted: enough to go on without asking again.",
        examples=["Customer says the parcel never came; carrier shows delivered; wants a refund."],
    ),
]
EscalationReason = Annotated[
    Literal["policy_exception", "customer_upset", "fraud_suspected", "legal", "safety", "not_allowed", "unclear"],
    Field(description="Why a person is needed.", examples=["policy_exception"]),
]


class TicketView(TypedDict):
    """A ticket as a step leaves it."""

    id: str
    number: str
    version: int
    subject: OutsideName
    ticket_status: str
    priority: str
    queue: str
    customer_id: str | None
    order_number: str | None
    updated_at: str


@dataclass(frozen=True, slots=True)
class _About:
    customer_id: str | None
    order: Order | None


@write_tool(title="Create ticket", scope="write:support")
async def create_ticket(
    store: Store,
    subject: Subject,
    order_id: OrderRef = None,
    customer_id: CustomerRef = None,
    priority: Priority = "normal",
    queue: Queue = "general",
    message: Message = None,
) -> Answer[TicketView]:
    """Open a support ticket for a customer or an order. Use to keep track of something that is not solved in this
    conversation; get_customer shows the tickets that are open already. Not to hand over to a person now
    (escalate_to_human) and not to write to the customer (send_customer_message). Tells nobody outside. Returns the
    ticket's number and queue."""
    about = await _about(store, order_id, customer_id)
    if about.customer_id is None and about.order is None:
        raise InvalidArgument(NOBODY, hint="Give order_id or customer_id.", field="customer_id")
    ticket = await _opened(store, clean(subject, 160), about, priority, queue)
    if message:
        _say(store, ticket, message)
    await store.session.flush()
    store.emit("ticket:opened", ticket, queue=queue, priority=priority)
    view = _view(store, ticket, about.order)
    return Answer(view, f"{ticket.number} is open in the queue {queue}, priority {priority}.")


@write_tool(title="Escalate to human", scope="write:support")
async def escalate_to_human(
    store: Store,
    summary: Summary,
    reason: EscalationReason,
    ticket_id: TicketRef = None,
    order_id: OrderRef = None,
    customer_id: CustomerRef = None,
    queue: Queue = ESCALATIONS,
) -> Answer[TicketView]:
    """Hand a case to a person. Use when policy does not allow what the customer wants, when you may not or cannot do
    it, or when someone is upset, in danger, or suspected of fraud; then tell the customer that a person will take over.
    Give the existing ticket, or a new one is opened. Not for a case that just waits (create_ticket). The ticket becomes
    high priority, urgent for safety and legal. Returns its number and queue."""
    text = clean(summary, MAX_MESSAGE)
    priority: TicketPriority = "urgent" if reason in ("safety", "legal") else "high"
    if ticket_id is not None:
        ticket = await store.primary(Ticket, ticket_id, field="ticket_id")
        if order_id is not None or customer_id is not None:
            raise InvalidArgument("The ticket names its order and customer.", hint="Leave them out.", field="ticket_id")
        if ticket.status in ("solved", "closed"):
            raise StateConflict(
                f"The ticket {ticket.number} is {ticket.status}.",
                hint="Leave ticket_id out to open a new one.",
                details={"current": ticket.status},
            )
        about = _About(ticket.customer_id, await store.get(Order, ticket.order_id))
        ticket.queue, ticket.status = queue, "open"
        ticket.priority = "urgent" if "urgent" in (priority, ticket.priority) else priority
    else:
        about = await _about(store, order_id, customer_id)
        subject = f"Escalation ({reason.replace('_', ' ')}): {text[:100]}"
        ticket = await _opened(store, subject, about, priority, queue)
    _say(store, ticket, text)
    ticket.updated_at = store.now
    await store.session.flush()
    store.emit("ticket:escalated", ticket, queue=queue, reason=reason, priority=ticket.priority)
    view = _view(store, ticket, about.order)
    return Answer(view, f"{ticket.number} is with a person now: queue {queue}, priority {ticket.priority}.")


async def _about(store: Store, order_id: str | None, customer_id: str | None) -> _About:
    order = None if order_id is None else await store.find(Order, order_id, field="order_id")
    if order is None and customer_id is None:
        return _About(None, None)
    return _About((await find_buyer(store, customer_id, order, nobody=NOBODY)).id, order)


async def _opened(store: Store, subject: str, about: _About, priority: str, queue: str) -> Ticket:
    ticket = store.add(
        Ticket(
            id=new_id(Ticket.prefix),
            number=await store.next_number("TKT-"),
            subject=subject,
            status="open",
            priority=priority,
            queue=queue,
            customer_id=about.customer_id,
            order_id=about.order.id if about.order is not None else None,
            created_at=store.now,
        )
    )
    await store.session.flush()
    return ticket


def _say(store: Store, ticket: Ticket, text: str) -> None:
    store.add(
        TicketMessage(
            id=new_id(TicketMessage.prefix),
            ticket_id=ticket.id,
            author_kind="staff",
            body=clean(text, MAX_MESSAGE),
            created_at=store.now,
        )
    )


def _view(store: Store, ticket: Ticket, order: Order | None) -> TicketView:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "version": ticket.version,
        "subject": clean_name(ticket.subject, 200, "the subject of a ticket"),
        "ticket_status": ticket.status,
        "priority": ticket.priority,
        "queue": ticket.queue,
        "customer_id": ticket.customer_id,
        "order_number": order.number if order is not None else None,
        "updated_at": to_rfc3339(store.now),
    }


TOOLS = (create_ticket, escalate_to_human)
