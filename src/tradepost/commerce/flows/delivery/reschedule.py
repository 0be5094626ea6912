"""Giving a delivery another window: agreed with the customer, or because the planned one cannot be kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import or_, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.delivery_views import Surroundings, surroundings_of
from tradepost.commerce.flows.delivery.reroute import DeliveryRef
from tradepost.commerce.flows.delivery.stop_changes import (
    StopChange,
    carry_etas,
    change_sentence,
    etas_of,
    stop_change,
)
from tradepost.commerce.flows.local_days import local_day
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.logistics.models import Delivery
from tradepost.commerce.logistics.states import DELIVERY
from tradepost.commerce.logistics.tour import close_gap
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.listing import Moment
from tradepost.commerce.store.states import not_in_this_state, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict

USUAL_LENGTH = timedelta(hours=4)
LONGEST_WINDOW = timedelta(hours=24)
FURTHEST_AHEAD = timedelta(days=60)

From = Annotated[Moment, Field(description="Start of the new window, in UTC.", examples=["2026-03-05T09:00:00Z"])]
To = Annotated[
    Moment | None,
    Field(description="Its end; left out: as long as the old window.", examples=["2026-03-05T13:00:00Z"]),
]
Reason = Annotated[
    Literal["customer_request", "failed_attempt", "no_capacity", "weather", "other"],
    Field(description="Why. With customer_request the order's promise moves too.", examples=["customer_request"]),
]
Notify = Annotated[bool, Field(description="E-mail the customer the new window.", examples=[False])]


class RescheduledView(TypedDict):
    """The delivery in its new window. `off_route`: the route it was taken off; then it needs a driver again."""

    delivery: StopChange
    window_from: str
    window_to: str
    previous_from: str | None
    previous_to: str | None
    promise_moved: bool
    off_route: str | None
    needs_driver: bool


@write_tool(title="Reschedule delivery", scope="write:logistics", open_world=True, undo_for=UNDO_FOR)
async def reschedule_delivery(
    store: Store,
    delivery_id: DeliveryRef,
    window_from: From,
    window_to: To = None,
    reason: Reason = "customer_request",
    notify_customer: Notify = False,
) -> Answer[RescheduledView]:
    """Give a delivery another time window. Use when the customer asks for another time, an attempt failed, or the
    window cannot be kept. Not for one on the road (reroute_delivery) and not to change only the driver (assign_driver).
    On another day than its route's it leaves the route and needs a driver again; a failed one waits for assign_driver.
    Moves the parcel's ETA, and the order's promise if the customer asked. Returns the windows before and after, and
    whether the promise is kept."""
    found = await store.find(Delivery, delivery_id, field="delivery_id")
    order = await store.lock(Order, found.order_id)
    stops = await _locked(store, found)
    delivery = await store.primary(Delivery, found.id, field="delivery_id")
    _require_open(delivery)
    window = _window(store, delivery, window_from, window_to)
    around = (await surroundings_of(store, [delivery]))[delivery.id]
    before, old = etas_of(stops), (delivery.window_from, delivery.window_to)
    off_route = _leave_route(delivery, around, stops, window)
    delivery.window_from, delivery.window_to = window
    if delivery.eta is None or not window[0] <= delivery.eta <= window[1]:
        delivery.eta = window[1]  # nobody has planned it yet: the latest it can be
    promise = (order.promised_from, order.promised_to)
    if reason == "customer_request":
        order.promised_from, order.promised_to = window
    await carry_etas(store, stops, before)
    await store.session.flush()
    change = stop_change(delivery, around, before[delivery.id])
    words = f"{to_rfc3339(window[0])} to {to_rfc3339(window[1])}"
    store.emit(
        "delivery:rescheduled",
        delivery,
        order_id=order.id,
        window=words,
        reason=reason,
        notify_customer=notify_customer,
    )
    if notify_customer:
        await mail_goes_out(store, order.customer_id, f"the delivery that comes {words}")
    promise_comes_back = reason != "customer_request" or promise == old
    if old[0] is not None and old[1] is not None and old[0] > store.now and off_route is None and promise_comes_back:
        window_before = {"window_from": to_rfc3339(old[0]), "window_to": to_rfc3339(old[1])}
        store.reverse(
            "reschedule_delivery",
            {"delivery_id": delivery.id, **window_before, "reason": reason},
            f"Gives delivery {delivery.number} its earlier window back.",
        )
    view: RescheduledView = {
        "delivery": change,
        "window_from": to_rfc3339(window[0]),
        "window_to": to_rfc3339(window[1]),
        "previous_from": to_rfc3339(old[0]) if old[0] else None,
        "previous_to": to_rfc3339(old[1]) if old[1] else None,
        "promise_moved": reason == "customer_request",
        "off_route": off_route,
        "needs_driver": delivery.driver_id is None or delivery.status == "failed",
    }
    store.side_effect(change_sentence(change))
    left = f" It left route {off_route}." if off_route else ""
    driver = " It needs a driver: assign_driver." if view["needs_driver"] else ""
    return Answer(view, f"{delivery.number} is due {words}. {change_sentence(change)}{left}{driver}")


async def _locked(store: Store, found: Delivery) -> list[Delivery]:
    """The delivery and the other stops of its route, locked in id order."""
    mine = Delivery.id == found.id
    statement = select(Delivery).where(
        mine if found.route_id is None else or_(mine, Delivery.route_id == found.route_id)
    )
    return list(await store.lock_all(statement.order_by(Delivery.id).execution_options(populate_existing=True)))


def _require_open(delivery: Delivery) -> None:
    if delivery.status in ("unassigned", "assigned", "failed"):
        return
    raise not_in_this_state(
        delivery,
        "and cannot be rescheduled",
        DELIVERY,
        hint="One on the road can be sent elsewhere: reroute_delivery."
        if delivery.status == "active"
        else "Only deliveries still to be made can be rescheduled.",
    )


def _window(store: Store, delivery: Delivery, start: datetime, end: datetime | None) -> tuple[datetime, datetime]:
    length = USUAL_LENGTH
    if delivery.window_from is not None and delivery.window_to is not None:
        length = delivery.window_to - delivery.window_from
    end = start + length if end is None else end
    if start <= store.now:
        raise InvalidArgument(
            f"The window starts at {to_rfc3339(start)}, and it is {to_rfc3339(store.now)} now.",
            hint="Give a time to come.",
            field="window_from",
        )
    if not start < end <= start + LONGEST_WINDOW:
        raise InvalidArgument(
            f"A window from {to_rfc3339(start)} to {to_rfc3339(end)} is none.",
            hint="It ends after it starts, within 24 hours.",
            field="window_to",
        )
    if start > store.now + FURTHEST_AHEAD:
        raise InvalidArgument(
            f"{to_rfc3339(start)} is more than {FURTHEST_AHEAD.days} days ahead.", field="window_from"
        )
    if (start, end) == (delivery.window_from, delivery.window_to):
        raise StateConflict(f"The delivery {delivery.number} has this window already.", hint="Nothing to do.")
    return start, end


def _leave_route(
    delivery: Delivery, around: Surroundings, stops: Sequence[Delivery], window: tuple[datetime, datetime]
) -> str | None:
    """Take the stop off a route of another day. Returns that route's number."""
    route = around.route
    zone = around.place.timezone if around.place else "UTC"
    if route is None or local_day(window[0], zone) == route.service_date:
        return None
    close_gap([stop for stop in stops if stop.route_id == route.id], delivery.stop_sequence)
    delivery.route_id = delivery.stop_sequence = delivery.driver_id = None
    if delivery.status == "assigned":
        step(delivery, "unassigned", DELIVERY)
    return route.number


TOOLS = (reschedule_delivery,)
