"""Recurring orders: finding them, pausing one, ending one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import ColumnElement, and_, or_, select
from typing_extensions import TypedDict

from tradepost.commerce.billing.models import Subscription, SubscriptionStatus
from tradepost.commerce.billing.states import SUBSCRIPTION, present_status
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import find_customer
from tradepost.commerce.flows.numbers import customer_names, numbers_of
from tradepost.commerce.serving.declare import Answer, read_tool, write_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Moment, Page, found_sentence, page
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

LONGEST_PAUSE = timedelta(days=365)

SubscriptionRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Subscription id or number.", examples=["SUB-201"])
]
CustomerFilter = Annotated[
    str | None, Field(max_length=99, description="Customer: id, number or name.", examples=["C-1"])
]
StatusFilter = Annotated[SubscriptionStatus | None, Field(description="State.", examples=["active"])]
Until = Annotated[
    Moment, Field(description="First day of the next delivery, in UTC.", examples=["2026-05-01T00:00:00Z"])
]
AtPeriodEnd = Annotated[
    bool, Field(description="End when the next delivery would be due; false: now.", examples=[True])
]
Reason = Annotated[str, Field(min_length=3, max_length=300, description="Why.", examples=["Moves abroad"])]


class SubscriptionView(TypedDict, total=False):
    """A recurring order; `next_at` is when it is due next, null once it has ended."""

    id: str
    number: str
    version: int
    status: str
    customer_id: str
    customer_number: str
    customer_name: OutsideName
    sku: str
    quantity: int
    interval_days: int
    price: MoneyView
    next_at: str | None
    paused_until: str | None
    cancel_at: str | None


class ChangedSubscription(TypedDict):
    """A subscription as a change leaves it."""

    id: str
    number: str
    version: int
    subscription_status: str
    allowed_next: list[str]
    sku: str
    next_at: str | None
    paused_until: str | None
    cancel_at: str | None


@read_tool(title="List subscriptions", scope="read:billing")
async def list_subscriptions(
    store: Store,
    customer_id: CustomerFilter = None,
    status: StatusFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[SubscriptionView]]:
    """List recurring orders, the newest first. Use to see what a customer gets regularly, when the next one is due, or
    which are paused or past due. Not for single orders (search_orders). Reads only. Returns per subscription its state,
    customer, SKU, quantity, price, interval and dates."""
    statement = select(Subscription)
    if customer_id is not None:
        statement = statement.where(Subscription.customer_id == (await find_customer(store, customer_id)).id)
    if status is not None:
        statement = statement.where(_is(status, store.now))

    async def view(rows: Sequence[Subscription]) -> list[SubscriptionView]:
        return await _views(store, rows, detail)

    order = [Subscription.created_at, Subscription.id]
    found = await page(
        store, "subscriptions", statement, order, view, limit=limit, cursor=cursor, descending=True, fields=fields
    )
    text = found_sentence(found, "subscriptions", "No subscriptions found with these filters.")
    if fields is None:
        text += "".join(f" {item['number']}: {item['sku']}, {item['status']}." for item in found["items"][:8])
    return Answer(found, text)


@write_tool(title="Pause subscription", scope="write:billing")
async def pause_subscription(
    store: Store, subscription_id: SubscriptionRef, until: Until
) -> Answer[ChangedSubscription]:
    """Pause a recurring order until a date; it goes on by itself then. Use when the customer has enough or is away.
    Pausing a paused one moves the date. Not to end it (cancel_subscription). Nothing is delivered or charged meanwhile;
    nobody is told. Returns the subscription with its next date."""
    row = await store.primary(Subscription, subscription_id, field="subscription_id")
    now = _require_running(store, row)
    if not store.now < until <= store.now + LONGEST_PAUSE:
        raise InvalidArgument(
            f"{to_rfc3339(until)} is no date to pause until; it is {to_rfc3339(store.now)} now.",
            hint="Give a time to come, within a year.",
            field="until",
        )
    if row.cancel_at is not None and row.cancel_at <= until:
        raise StateConflict(
            f"The subscription {row.number} ends on {to_rfc3339(row.cancel_at)}, before that.", hint="Nothing to pause."
        )
    if now != "paused":
        step(row, "paused", SUBSCRIPTION)
    row.paused_until = until
    row.next_at = until if row.next_at is None else max(row.next_at, until)
    await store.session.flush()
    store.emit("subscription:paused", row, until=to_rfc3339(until))
    view = await _changed(store, row)
    return Answer(view, f"{row.number} is paused until {to_rfc3339(until)[:10]}; next delivery {view['next_at']}.")


@write_tool(title="Cancel subscription", scope="write:billing", destructive=True)
async def cancel_subscription(
    store: Store, subscription_id: SubscriptionRef, reason: Reason, at_period_end: AtPeriodEnd = True
) -> Answer[ChangedSubscription]:
    """End a recurring order, by default when its next delivery would be due. Use when the customer wants no more of it.
    Not for a break (pause_subscription) and not for an order that is placed (cancel_order). Cannot be undone; refunds
    nothing and tells nobody. Returns the subscription with the day it ends."""
    row = await store.primary(Subscription, subscription_id, field="subscription_id")
    _require_running(store, row)
    why = clean(reason, 300)
    if at_period_end and row.next_at is not None and row.next_at > store.now:
        if row.cancel_at == row.next_at:
            raise StateConflict(
                f"The subscription {row.number} ends on {to_rfc3339(row.cancel_at)} already.", hint="Nothing to do."
            )
        row.cancel_at = row.next_at
    else:
        step(row, "canceled", SUBSCRIPTION)
        row.cancel_at, row.next_at = store.now, None
    await store.session.flush()
    store.emit("subscription:canceled", row, at=to_rfc3339(row.cancel_at), reason=why)
    view = await _changed(store, row)
    return Answer(view, f"{row.number} ends on {view['cancel_at']}.")


def _require_running(store: Store, row: Subscription) -> str:
    """The present status. Raises StateConflict once the subscription is over."""
    status = present_status(row, store.now)
    if status == "canceled":
        raise StateConflict(
            f"The subscription {row.number} is canceled. Allowed next: none: it is final.",
            hint="A new one has to be ordered.",
            details={"current": "canceled", "allowed": []},
        )
    if row.status != status:
        row.status, row.paused_until = status, None  # its pause is over
    return status


def _is(status: str, now: datetime) -> ColumnElement[bool]:
    """The filter of a status at this moment; see `present_status`."""
    row = Subscription
    over = or_(row.status == "canceled", and_(row.cancel_at.is_not(None), row.cancel_at <= now))
    awake = and_(row.status == "paused", row.paused_until.is_not(None), row.paused_until <= now)
    if status == "canceled":
        return over
    if status == "active":
        return and_(~over, or_(row.status == "active", awake))
    if status == "paused":
        return and_(~over, row.status == "paused", ~awake)
    return and_(~over, row.status == status)


async def _changed(store: Store, row: Subscription) -> ChangedSubscription:
    (view,) = await _views(store, [row], "standard")
    return {
        "id": row.id,
        "number": row.number,
        "version": row.version,
        "subscription_status": view["status"],
        "allowed_next": list(SUBSCRIPTION[view["status"]]),
        "sku": view["sku"],
        "next_at": view["next_at"],
        "paused_until": view["paused_until"],
        "cancel_at": view["cancel_at"],
    }


async def _views(store: Store, rows: Sequence[Subscription], detail: Detail) -> list[SubscriptionView]:
    customers = await customer_names(store, (row.customer_id for row in rows))
    skus = await numbers_of(store, Variant, (row.variant_id for row in rows), by="sku")
    views: list[SubscriptionView] = []
    for row in rows:
        status = present_status(row, store.now)
        view: SubscriptionView = {
            "id": row.id,
            "number": row.number,
            "status": status,
            "customer_number": customers[row.customer_id][0],
            "sku": skus[row.variant_id],
            "next_at": None if status == "canceled" or row.next_at is None else to_rfc3339(row.next_at),
        }
        if detail != "summary":
            view |= {
                "version": row.version,
                "customer_id": row.customer_id,
                "customer_name": customers[row.customer_id][1],
                "quantity": row.quantity,
                "interval_days": row.interval_days,
                "price": money(row.price_minor, row.currency),
                "paused_until": to_rfc3339(row.paused_until) if status == "paused" and row.paused_until else None,
                "cancel_at": None if row.cancel_at is None else to_rfc3339(row.cancel_at),
            }
        views.append(view)
    return views


TOOLS = (list_subscriptions, pause_subscription, cancel_subscription)
