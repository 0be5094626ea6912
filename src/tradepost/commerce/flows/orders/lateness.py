"""Whether orders keep their promise, and why not: order -> shipment or delivery -> driver, or stock -> purchase order.

late: the promised end is past, or the goods are expected after it. at_risk: not late yet, but something that is known
today makes it likely. `days_late` counts calendar days (UTC) between the promised end and now, or the expected arrival
where the promise is still ahead, or the delivery. `assess` takes any number of orders in a handful of queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from typing_extensions import TypedDict

from tradepost.commerce.flows.orders.late_causes import Cause, CauseView, causes_of, is_arrived
from tradepost.commerce.flows.orders.late_facts import OrderFacts, Parcels, load_facts
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339

IN_FLIGHT = ("pending", "open", "on_hold")
CAUSES_IN_SENTENCE = 2


# Whether an order keeps its promise; `sentence` carries the whole finding.
class LatenessView(TypedDict, total=False):
    late: bool
    at_risk: bool
    days_late: int
    expected_at: str | None
    sentence: str
    causes: list[CauseView]


@dataclass(frozen=True, slots=True)
class Lateness:
    """The finding for one order."""

    late: bool
    at_risk: bool
    days_late: int
    expected_at: datetime | None
    sentence: str
    causes: tuple[Cause, ...] = field(default=())

    def view(self) -> LatenessView:
        """As tools return it."""
        return {
            "late": self.late,
            "at_risk": self.at_risk,
            "days_late": self.days_late,
            "expected_at": to_rfc3339(self.expected_at) if self.expected_at else None,
            "sentence": self.sentence,
            "causes": [cause.view() for cause in self.causes],
        }


async def assess(
    store: Store,
    orders: Sequence[Order],
    *,
    lines: Sequence[OrderLine] | None = None,
    parcels: Parcels | None = None,
) -> dict[str, Lateness]:
    """The finding for each order, by order id. Pass all their `lines` and `parcels` where they are loaded already."""
    moving = [order for order in orders if is_moving(order)]
    facts = await load_facts(store, moving, lines, parcels)
    return {
        order.id: _judge(order, facts[order.id], store.now) if order.id in facts else _closed(order) for order in orders
    }


def is_moving(order: Order) -> bool:
    """A promise was made and the goods are still owed."""
    return order.promised_to is not None and order.delivered_at is None and order.status in IN_FLIGHT


def _judge(order: Order, facts: OrderFacts, now: datetime) -> Lateness:
    promised = order.promised_to
    if promised is None:
        return _closed(order)
    arrived = is_arrived(facts)
    if arrived is not None:
        return _delivered(order, arrived, promised)
    expected = _expected(facts)
    late = now > promised or (expected is not None and expected > promised)
    causes = causes_of(order, facts, now, promised, late)
    days = days_between(promised, now if now > promised else expected or promised)
    expected = expected if expected is not None and expected >= now else None  # a date that has passed says nothing
    name = f"Order {order.number}"
    because = _because(causes)
    if late:
        how = f"is {_span(promised, now)} late"
        if now <= promised:
            how = f"(promised by {promised.date().isoformat()}) will be {_span(promised, expected or now)} late"
        return Lateness(True, False, days, expected, f"{name} {how}{because}.", causes)
    if causes:
        sentence = f"{name} may miss its promise of {promised.date().isoformat()}{because}."
        return Lateness(False, True, 0, expected, sentence, causes)
    return Lateness(False, False, 0, expected, f"{name} is on time: promised by {promised.date().isoformat()}.")


def _closed(order: Order) -> Lateness:
    if order.promised_to is not None and order.delivered_at is not None:
        return _delivered(order, order.delivered_at, order.promised_to)
    if order.promised_to is None:
        return Lateness(False, False, 0, None, f"Order {order.number} has no promised date.")
    return Lateness(False, False, 0, None, f"Order {order.number} is {order.status}: nothing is due.")


def _delivered(order: Order, arrived: datetime, promised: datetime) -> Lateness:
    late = arrived > promised
    how = f"{_span(promised, arrived)} late" if late else "on time"
    sentence = f"Order {order.number} was delivered {how} on {arrived.date().isoformat()}."
    return Lateness(late, False, days_between(promised, arrived) if late else 0, None, sentence)


def _expected(facts: OrderFacts) -> datetime | None:
    """The last known arrival. A last-mile stop knows better than the shipment it carries."""
    stops = {stop.delivery.shipment_id: stop.delivery.eta for stop in facts.stops if stop.delivery.eta is not None}
    times: list[datetime | None] = [eta for shipment_id, eta in stops.items() if shipment_id is None]
    for fact in facts.shipments:
        if fact.owed:
            times.append(stops.get(fact.shipment.id, fact.shipment.eta))
    known = [eta for eta in times if eta is not None]
    return max(known) if known else None


def days_between(promised: datetime, actual: datetime) -> int:
    """Calendar days in UTC, never below zero."""
    return max(0, (actual.date() - promised.date()).days)


def _span(promised: datetime, actual: datetime) -> str:
    days = days_between(promised, actual)
    if days:
        return "1 day" if days == 1 else f"{days} days"
    hours = max(1, (actual - promised) // timedelta(hours=1))
    return "1 hour" if hours == 1 else f"{hours} hours"


def _because(causes: Sequence[Cause]) -> str:
    if not causes:
        return ""
    return " because " + " and because ".join(cause.because.rstrip(".") for cause in causes[:CAUSES_IN_SENTENCE])
