"""Suggesting numbers while a customer types: those of their own orders, and nobody else's."""

from sqlalchemy import select

from tradepost.commerce.flows.completing import MOST, Suggestions
from tradepost.commerce.flows.self_service.mine import my_customer_id
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.privacy import is_shopper
from tradepost.commerce.store.store import Store


async def suggest_mine(store: Store, name: str, typed: str) -> Suggestions:
    """Values for the argument of a prompt, or of a resource, that names an order."""
    if name not in ("order", "me") or not is_shopper(store.caller):
        return Suggestions([], False)
    begun = typed.strip().removeprefix("#")
    mine = select(Order.number).where(Order.customer_id == await my_customer_id(store))
    newest = mine.where(Order.number.startswith(begun, autoescape=True)).order_by(Order.placed_at.desc(), Order.id)
    found = list((await store.session.scalars(newest.limit(MOST + 1))).all())
    return Suggestions(found[:MOST], len(found) > MOST)
