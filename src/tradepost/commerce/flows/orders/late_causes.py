"""Why an order is late or will be: each cause a clause that fits after "because", with the chain of records it runs
through, so that a reader can check it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from typing_extensions import TypedDict

from tradepost.commerce.flows.orders.late_facts import OrderFacts, ShipmentFact, StopFact
from tradepost.commerce.flows.orders.shortages import Shortage
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.store.rows import label_of
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import clean_name, delivered_person
from tradepost.foundation.untrusted import clean

CauseKind = Literal["driver", "delivery", "carrier", "hold", "payment", "stock", "purchase_order", "not_shipped"]

SOON = timedelta(hours=24)  # an order due within it should have left
HOLD_NOTICE = timedelta(hours=48)  # a hold or an unpaid bill this close to the promise endangers it
SILENCE = timedelta(days=3)  # a parcel on its way without a scan for so long has probably gone astray
REASON_CAP = 80

ON_ITS_WAY = ("carrier_picked_up", "in_transit", "out_for_delivery")
GONE_WRONG = {
    "failure": "failed",
    "returning_to_sender": "is going back to the sender",
    "returned": "went back to the sender",
    "lost": "is lost",
    "damaged": "is damaged",
}
UNPAID = ("pending", "expired", "voided")


# A cause; `chain` names the records from the order down to the root.
class CauseView(TypedDict, total=False):
    kind: str
    sentence: str
    chain: list[str]
    since: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause as it stands after "because"."""

    kind: CauseKind
    because: str
    chain: tuple[str, ...]
    since: datetime | None = None

    def view(self) -> CauseView:
        """As tools return it."""
        return {
            "kind": self.kind,
            "sentence": self.because[:1].upper() + self.because[1:] + ".",
            "chain": list(self.chain),
            "since": to_rfc3339(self.since) if self.since else None,
        }


@dataclass(frozen=True, slots=True)
class _Case:
    """The order in question and its deadlines."""

    order: Order
    now: datetime
    promised: datetime
    late: bool

    def due_within(self, span: timedelta) -> bool:
        return self.late or self.promised - self.now <= span

    def chain(self, *rows: object) -> tuple[str, ...]:
        return (label_of(self.order), *(row if isinstance(row, str) else label_of(row) for row in rows))


def is_arrived(facts: OrderFacts) -> datetime | None:
    """When the last parcel arrived, if all have and nothing else is owed."""
    if facts.unshipped_lines or not facts.shipments or any(fact.owed for fact in facts.shipments):
        return None
    times = [fact.shipment.delivered_at for fact in facts.shipments if fact.shipment.delivered_at is not None]
    return max(times) if times else None


def causes_of(order: Order, facts: OrderFacts, now: datetime, promised: datetime, late: bool) -> tuple[Cause, ...]:
    """The causes, the most telling first."""
    case = _Case(order, now, promised, late)
    by_stop = [(stop.delivery.shipment_id, list(_of_stop(case, stop))) for stop in facts.stops]
    # A stop that explains the delay of its parcel is nearer to the root than the parcel's own late date.
    explained = {shipment_id for shipment_id, causes in by_stop if causes}
    owed = [fact for fact in facts.shipments if fact.owed]
    if None in explained:
        explained |= {fact.shipment.id for fact in owed}  # a stop that names no parcel carries them all
    owed = [fact for fact in owed if fact.shipment.id not in explained or fact.shipment.status in GONE_WRONG]
    found = [
        *(cause for _, causes in by_stop for cause in causes),
        *(cause for fact in owed for cause in _of_shipment(case, fact)),
        *_of_order(case, facts),
        *(cause for shortage in facts.shortages for cause in _of_shortage(case, shortage)),
    ]
    return tuple(found or _of_standstill(case, facts))


def _of_stop(case: _Case, stop: StopFact) -> Iterator[Cause]:
    delivery, driver = stop.delivery, stop.driver
    if driver is not None and driver.status == "unavailable":
        until = driver.unavailable_until
        if case.late or until is None or until > (delivery.window_to or case.promised):
            reason = driver.unavailable_reason or "no reason given"
            times = [f"since {_day(driver.unavailable_since)}"] if driver.unavailable_since else []
            times += [f"until {_day(until)}"] if until else []
            span = f" ({', '.join(times)})" if times else ""
            because = (
                f"its assigned driver {delivered_person(clean(driver.name, REASON_CAP))} is unavailable: {reason}{span}"
            )
            yield Cause("driver", because, case.chain(delivery, driver), driver.unavailable_since)
            return
    if delivery.status == "failed":
        why = _said(delivery.failure_reason, "the reason of a failed delivery")
        yield Cause("delivery", f"delivery {delivery.number} failed{why}", case.chain(delivery))
    elif driver is None and delivery.status == "unassigned" and case.due_within(SOON):
        yield Cause("delivery", f"delivery {delivery.number} has no driver", case.chain(delivery))
    elif delivery.eta is not None and delivery.eta > case.promised:
        yield Cause("delivery", f"delivery {delivery.number} is expected on {_day(delivery.eta)}", case.chain(delivery))


def _of_shipment(case: _Case, fact: ShipmentFact) -> Iterator[Cause]:
    shipment = fact.shipment
    carrier = clean(fact.carrier, REASON_CAP) if fact.carrier else "the carrier"
    name = f"shipment {shipment.number}"
    why = _said(shipment.delay_reason, "the reason of a delay")
    expected = f" (now expected {_day(shipment.eta)})" if shipment.eta is not None else ""
    because = None
    if shipment.status == "delayed":
        because = f"{name} is delayed at {carrier}{why}{expected}"
    elif shipment.status in GONE_WRONG:
        because = f"{name} with {carrier} {GONE_WRONG[shipment.status]}{why}"
    elif shipment.status == "attempted_delivery":
        because = f"{carrier} tried to deliver {name} and could not{why}"
    elif shipment.eta is not None and shipment.eta > case.promised:
        because = f"{carrier} expects {name} on {_day(shipment.eta)}, after the promise{why}"
    elif shipment.status in ON_ITS_WAY and shipment.last_event_at and case.now - shipment.last_event_at > SILENCE:
        because = f"{name} with {carrier} has had no scan since {_day(shipment.last_event_at)}"
    if because is not None:
        yield Cause("carrier", because, case.chain(shipment, f"carrier {carrier}"), shipment.last_event_at)


def _of_order(case: _Case, facts: OrderFacts) -> Iterator[Cause]:
    order = case.order
    has_left = bool(facts.shipments or facts.stops) and not facts.unshipped_lines
    if has_left or not case.due_within(HOLD_NOTICE):
        return
    if order.status == "on_hold":
        why = _said(order.hold_reason, "the reason of a hold")
        yield Cause("hold", f"it is on hold{why}", case.chain())
    if order.payment_status in UNPAID and order.po_number is None:  # who orders by purchase order pays an invoice
        yield Cause("payment", f"its payment is {order.payment_status}", case.chain())


def _of_shortage(case: _Case, shortage: Shortage) -> Iterator[Cause]:
    place = f" at {shortage.location_code}" if shortage.location_code else ""
    stock = f"stock {shortage.sku}{place}"
    if shortage.recalled:
        yield Cause("stock", f"SKU {shortage.sku} is recalled and may not leave", case.chain(stock))
        return
    have, need = units_text(shortage.covered, shortage.scale), units_text(shortage.needed, shortage.scale)
    short = f"only {have} of {need} units of SKU {shortage.sku} are there for it{place}"
    coming = shortage.purchase_order
    if coming is None:
        yield Cause("stock", f"{short} and no purchase order brings more", case.chain(stock))
    elif coming.eta is None:
        because = f"{short} and purchase order {coming.number} has no date"
        yield Cause("purchase_order", because, case.chain(stock, coming))
    elif coming.eta < case.now:
        because = f"{short} and purchase order {coming.number} is overdue since {_day(coming.eta)}"
        yield Cause("purchase_order", because, case.chain(stock, coming), coming.eta)
    elif case.late or coming.eta > case.promised:
        because = f"{short} and purchase order {coming.number} comes on {_day(coming.eta)}, after the promise"
        yield Cause("purchase_order", because, case.chain(stock, coming))


def _of_standstill(case: _Case, facts: OrderFacts) -> Iterator[Cause]:
    """Nothing went wrong that a record tells: say what has not happened yet."""
    if facts.unshipped_lines and case.due_within(SOON):
        part = "part of it has" if facts.shipments else "it has"
        yield Cause("not_shipped", f"{part} not been shipped yet", case.chain())
    elif case.late:
        for fact in facts.shipments:
            if fact.owed:
                status = fact.shipment.status.replace("_", " ")
                because = f"shipment {fact.shipment.number} is still {status}"
                yield Cause("carrier", because, case.chain(fact.shipment), fact.shipment.last_event_at)


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment is not None else "an unknown date"


def _said(reason: str | None, what: str) -> str:
    return f": {clean_name(reason, REASON_CAP, what)}" if reason else ""
