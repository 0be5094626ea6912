"""Writing to a customer: a template with the order's facts, or a text, as it was approved."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.customers.views import full_name
from tradepost.commerce.flows.accounts.message_facts import facts_of
from tradepost.commerce.flows.names import find_buyer
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store import privacy
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import CustomerMessage, MessageChannel
from tradepost.commerce.support.templates import TEMPLATES, MessageTemplate
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean

MAX_TEXT = 4000
MAX_SMS = 480  # three parts, as networks join them

Reason = Annotated[
    str, Field(min_length=1, max_length=200, description="Why they are written to.", examples=["Asked where it is"])
]
CustomerRef = Annotated[
    str | None, Field(max_length=200, description="The customer; left out: the order's.", examples=["CUST-1001"])
]
OrderRef = Annotated[
    str | None, Field(max_length=200, description="The order it is about; templates need it.", examples=["ORD-1001"])
]
TemplateName = Annotated[
    MessageTemplate | None, Field(description="A ready message; or text.", examples=["order_delayed"])
]
Text = Annotated[
    str | None,
    Field(max_length=MAX_TEXT, description="The message, plain text; or template.", examples=["It left us today."]),
]
Subject = Annotated[
    str | None, Field(max_length=160, description="With text by e-mail.", examples=["Your order ORD-1001"])
]
Channel = Annotated[MessageChannel, Field(description="How.", examples=["email"])]


class QueuedMessage(TypedDict):
    """The message as it goes out. `to` is masked without read:customers.pii."""

    id: str
    number: str
    customer_number: str
    order_number: str | None
    channel: str
    to: str
    subject: str
    text: str


@write_tool(title="Send customer message", scope="write:support", destructive=True, open_world=True)
async def send_customer_message(
    store: Store,
    reason: Reason,
    order_id: OrderRef = None,
    customer_id: CustomerRef = None,
    template: TemplateName = None,
    text: Text = None,
    subject: Subject = None,
    channel: Channel = "email",
) -> Answer[QueuedMessage]:
    """Write to a customer by e-mail or SMS. Use to answer them or to tell them what they must know about an order; a
    template fills in the order's facts. Not for notes among colleagues (add_order_note, create_ticket), and not where
    another tool tells the customer itself (notify_customer). What is sent cannot be taken back; dry_run shows it word
    by word. Returns the message as it goes out, with its number."""
    order = await store.find(Order, order_id, field="order_id") if order_id is not None else None
    buyer = await find_buyer(store, customer_id, order, nobody="The message is to nobody.")
    customer = await store.lock(Customer, buyer.id)
    address = _address(customer, channel)
    title, body = await _words(store, customer, order, template, text, subject)
    _require_fits(channel, body)
    message = store.add(
        CustomerMessage(
            id=new_id(CustomerMessage.prefix),
            number=await store.next_number("MSG-"),
            customer_id=customer.id,
            order_id=order.id if order is not None else None,
            channel=channel,
            template=template,
            subject=title,
            body=body,
            created_at=store.now,
        )
    )
    customer.last_contact_at = store.now
    await store.session.flush()
    store.emit("message:queued", message, order_id=message.order_id, channel=channel, reason=clean(reason, 200))
    masked = privacy.email(store.caller, address) if channel == "email" else privacy.phone(store.caller, address)
    store.side_effect(f"An {'e-mail' if channel == 'email' else 'SMS'} goes to {masked}: {title}.")
    data: QueuedMessage = {
        "id": message.id,
        "number": message.number,
        "customer_number": customer.number,
        "order_number": order.number if order is not None else None,
        "channel": channel,
        "to": masked or "",
        "subject": title,
        "text": body,
    }
    about = f" about order {order.number}" if order is not None else ""
    return Answer(data, f"{message.number} to {full_name(customer)} ({masked}){about}: {title}.")


def _address(customer: Customer, channel: str) -> str:
    found = customer.email if channel == "email" else customer.phone
    if not found:
        raise StateConflict(
            f"{customer.number} has no {'e-mail address' if channel == 'email' else 'phone number'} on record.",
            hint="Use the other channel, or add it with update_customer.",
            field="channel",
        )
    return found


async def _words(
    store: Store,
    customer: Customer,
    order: Order | None,
    template: str | None,
    text: str | None,
    subject: str | None,
) -> tuple[str, str]:
    """Subject and text of the message."""
    if (template is None) == (text is None or not text.strip()):
        raise InvalidArgument("Give either template or text.", hint=f"Templates: {', '.join(TEMPLATES)}.", field="text")
    if template is None:
        title = subject or (f"Your order {order.number}" if order is not None else "A message from us")
        return clean(title, 160), clean(str(text), MAX_TEXT)
    if subject is not None:
        raise InvalidArgument("A template has its own subject.", hint="Leave subject out.", field="subject")
    if order is None:
        raise InvalidArgument(f"The template {template} is about an order.", hint="Give order_id.", field="order_id")
    facts = await facts_of(store, customer, order)
    return _filled(template, order, facts)


def _filled(template: str, order: Order, facts: Mapping[str, str]) -> tuple[str, str]:
    chosen = TEMPLATES[template]
    missing = [need for need in chosen.needs if need not in facts]
    if missing:
        raise StateConflict(
            f"{template} does not fit order {order.number}: it has no {', '.join(missing)}.",
            hint="Write a text, or use another template.",
            field="template",
            details={"missing": missing},
        )
    return chosen.subject.format(**facts), chosen.body.format(**facts)


def _require_fits(channel: str, body: str) -> None:
    if channel == "sms" and len(body) > MAX_SMS:
        raise InvalidArgument(
            f"The text has {len(body)} characters; an SMS takes {MAX_SMS}.",
            hint="Shorten it, or use channel email.",
            field="text",
        )


TOOLS = (send_customer_message,)
