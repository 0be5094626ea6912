"""Ready-made ways for an assistant that talks with a customer of the shop. They have the names of the operators' ones:
a shopper sees only these, and of their own orders only."""

from typing import Annotated

from pydantic import Field

from tradepost.commerce.flows.self_service.my_orders import my_order_view
from tradepost.commerce.serving.declare import Guide, prompt
from tradepost.commerce.store.store import Store

CLOSING = "Propose; do not act without approval."

OrderNumber = Annotated[str, Field(description="Your order's number.", examples=["1001"])]


@prompt(title="Where is my order?", scope="me:orders.read")
async def where_is_my_order(store: Store, order: OrderNumber) -> Guide:
    """Answer a customer who asks where their own order is: its parcels, when they come, what can be done if late."""
    view = await my_order_view(store, order)
    number = view["number"]
    text = (
        f"The customer asks where order {number} is. The order is attached.\n"
        f"1. track_my_order(order_id={number}): parcels, scans, expected and promised date.\n"
        "2. Answer in two or three friendly sentences: what was sent with which carrier and tracking number, where it "
        "is, when it comes. If it is late, say so and say sorry.\n"
        f"3. get_my_order(order_id={number}) if they ask what is in it, or want to cancel it.\n{CLOSING}"
    )
    return Guide(text, ((f"me://orders/{number}", view),))


@prompt(title="Start a return", scope="me:orders.read")
async def start_a_return(store: Store, order: OrderNumber) -> Guide:
    """Help a customer to send items of their own order back: what is allowed, until when, what they get back."""
    view = await my_order_view(store, order)
    number = view["number"]
    text = (
        f"The customer wants to send back something of order {number}. The order is attached.\n"
        f"1. check_my_return(order_id={number}): per line whether it may come back, until when, the fee, the clause.\n"
        "2. Ask which items, why, and where the money should go, as far as it is not said yet. Something broken, "
        "missing or wrong is no return: report_my_problem.\n"
        "3. Sum up items, fee and where the money goes, and let the customer confirm it.\n"
        f"4. start_my_return(order_id={number}, lines, refund_to) with a fresh idempotency_key, and tell them the RMA "
        f"number; get_my_return shows later how it stands.\n{CLOSING}"
    )
    return Guide(text, ((f"me://orders/{number}", view),))


PROMPTS = (where_is_my_order, start_a_return)
