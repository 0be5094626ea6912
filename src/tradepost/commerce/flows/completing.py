"""Suggesting ids while somebody types: the numbers, codes and SKUs that begin with what is there so far."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tradepost.commerce.billing.models import Invoice, Quote
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Driver, Route, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Payout
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.store import Store

MOST = 20
_READ = 5 * MOST  # some orders of texts mix in what differs in case or hyphens alone
DAYS_BACK = 30

# What an argument of a prompt, or the scheme of a resource, names.
_NAMED: dict[str, tuple[Any, str]] = {
    "order": (Order, "number"),
    "warehouse": (Location, "code"),
    "stock": (Variant, "sku"),
    "product": (Variant, "sku"),
    "shipment": (Shipment, "number"),
    "route": (Route, "number"),
    "driver": (Driver, "number"),
    "carrier": (Carrier, "code"),
    "return": (Return, "number"),
    "rma": (Return, "number"),
    "claim": (Claim, "number"),
    "payment": (Payment, "number"),
    "payout": (Payout, "number"),
    "po": (PurchaseOrder, "number"),
    "invoice": (Invoice, "number"),
    "quote": (Quote, "number"),
    "customer": (Customer, "number"),
}


@dataclass(frozen=True, slots=True)
class Suggestions:
    """At most 20 values that begin with what was typed; `more`: there are others."""

    values: list[str]
    more: bool


async def suggest(store: Store, name: str, typed: str) -> Suggestions:
    """Values for an argument called `name`. Nothing for one that is free, like a budget."""
    begun = typed.strip().removeprefix("#").removeprefix("sku:")
    if name in ("date", "report"):
        days = [(store.now - timedelta(days=back)).date().isoformat() for back in range(DAYS_BACK)]
        return _first([day for day in days if day.startswith(begun)])
    if name not in _NAMED:
        return Suggestions([], False)
    model, attribute = _NAMED[name]
    column = getattr(model, attribute)
    # What begins with it comes right behind it, in every order that a database may keep texts in: the index is read
    # from there. A condition on the beginning itself has an index in few of them.
    found: set[str] = set()
    for way in (begun, begun.upper(), begun.lower()):
        behind = select(column).where(column >= way).order_by(column).limit(_READ)
        found |= {value for value in await store.session.scalars(behind) if value.startswith(way)}
    return _first(sorted(found))


def _first(values: list[str]) -> Suggestions:
    return Suggestions(values[:MOST], len(values) > MOST)
