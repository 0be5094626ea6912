"""What a change of stops does to promises: the ETA before and after, said in words, and the parcels' ETA with it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.delivery_views import Surroundings
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.logistics.states import FINISHED_SHIPMENTS
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339

Etas = Mapping[str, datetime | None]


class StopChange(TypedDict):
    """A stop after the change. eta_change_minutes is null where there was no ETA before."""

    id: str
    number: str
    version: int
    delivery_status: str
    stop_sequence: int | None
    eta_before: str | None
    eta: str | None
    eta_change_minutes: int | None
    window_to: str | None
    promised_to: str | None
    misses_promise: bool
    minutes_late: int


def etas_of(stops: Iterable[Delivery]) -> dict[str, datetime | None]:
    """The ETAs as they are now, to compare with later."""
    return {stop.id: stop.eta for stop in stops}


def promised(around: Surroundings, stop: Delivery) -> datetime | None:
    """Until when the stop was promised: the order's promise, else the end of its window."""
    return around.order.promised_to or stop.window_to


def stop_change(stop: Delivery, around: Surroundings, before: datetime | None) -> StopChange:
    """The view of a changed stop. Flush before, so that the version is the new one."""
    limit = promised(around, stop)
    late = stop.eta - limit if stop.eta is not None and limit is not None else None
    minutes = round((stop.eta - before).total_seconds() / 60) if stop.eta and before else None
    return {
        "id": stop.id,
        "number": stop.number,
        "version": stop.version,
        "delivery_status": stop.status,
        "stop_sequence": stop.stop_sequence,
        "eta_before": _time(before),
        "eta": _time(stop.eta),
        "eta_change_minutes": minutes,
        "window_to": _time(stop.window_to),
        "promised_to": _time(limit),
        "misses_promise": late is not None and late.total_seconds() > 0,
        "minutes_late": max(round(late.total_seconds() / 60), 0) if late is not None else 0,
    }


def change_sentence(change: StopChange) -> str:
    """ "D-1: ETA 10:15 -> 10:45 (+30 min), promise kept." with dates in UTC."""
    after = change["eta"] or "unknown"
    if change["eta_before"] is None:
        moved = f"ETA {after}"
    elif change["eta_change_minutes"]:
        moved = f"ETA {change['eta_before']} -> {after} ({change['eta_change_minutes']:+d} min)"
    else:
        moved = f"ETA stays {after}"
    if change["promised_to"] is None:
        return f"{change['number']}: {moved}, no promise made."
    if change["misses_promise"]:
        late = change["minutes_late"]
        by = f"{late} min" if late < 180 else f"{late / 60:.0f} h"
        return f"{change['number']}: {moved}, MISSES its promise {change['promised_to']} by {by}."
    return f"{change['number']}: {moved}, promise kept."


def newly_late(stops: Iterable[Delivery], before: Etas) -> list[str]:
    """The numbers of stops whose window is missed now and was not before."""
    found = []
    for stop in stops:
        then = before.get(stop.id)
        if stop.window_to is None or stop.eta is None or stop.eta <= stop.window_to:
            continue
        if then is None or then <= stop.window_to:
            found.append(stop.number)
    return found


async def carry_etas(store: Store, stops: Sequence[Delivery], before: Etas) -> None:
    """Give the parcels of stops that moved the new ETA, in id order."""
    moved = {stop.shipment_id: stop for stop in stops if stop.shipment_id and stop.eta != before.get(stop.id)}
    if not moved:
        return
    statement = select(Shipment).where(Shipment.id.in_(sorted(moved))).order_by(Shipment.id)
    for shipment in await store.lock_all(statement):
        eta = moved[shipment.id].eta
        if shipment.status in FINISHED_SHIPMENTS or eta is None or shipment.eta == eta:
            continue
        shipment.eta = eta
        store.emit("shipment:eta_changed", shipment, eta=to_rfc3339(eta), delivery=moved[shipment.id].number)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
