"""Internal notes at orders."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.orders.changed import OrderReference
from tradepost.commerce.orders.models import Order, OrderNote
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean

MAX_NOTE_CHARACTERS = 2000

NoteText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NOTE_CHARACTERS,
        description="The note, plain text.",
        examples=["Customer asked for a call before delivery."],
    ),
]


class AddedNote(TypedDict):
    """A note that was added."""

    note_id: str
    order_id: str
    order_number: str
    author: str
    created_at: str


@write_tool(title="Add order note", scope="write:orders")
async def add_order_note(store: Store, order_id: OrderReference, note: NoteText) -> Answer[AddedNote]:
    """Add an internal note to an order. Use to record a promise, a finding or an agreement that colleagues must see.
    Not for messages to the customer, and not for changes: a note changes no address, item or state. The customer does
    not see it; notes cannot be edited or deleted. Returns the note's id and time."""
    text = clean(note, MAX_NOTE_CHARACTERS).strip()
    if not text:
        raise InvalidArgument("The note is empty.", hint="Write what colleagues should know.", field="note")
    order = await store.primary(Order, order_id, field="order_id")
    principal = store.caller.principal
    row = store.add(
        OrderNote(
            id=new_id(OrderNote.prefix),
            order_id=order.id,
            author_kind="staff",
            author=f"{principal.kind}:{principal.id}",
            body=text,
            created_at=store.now,
        )
    )
    store.emit("order:noted", order, note_id=row.id)
    added: AddedNote = {
        "note_id": row.id,
        "order_id": order.id,
        "order_number": order.number,
        "author": row.author,
        "created_at": to_rfc3339(store.now),
    }
    return Answer(added, f"Note added to order {order.number}.")


TOOLS = (add_order_note,)
