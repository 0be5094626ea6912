"""Another window for a stop: its route, its parcel and the promise follow, and what is on the road stays."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.last_mile import at, stop, tour
from tradepost.commerce.flows.delivery import reschedule
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.foundation.clock import to_rfc3339


@pytest.fixture
async def van(shop: Shop) -> Shop:
    shop.offer(reschedule.TOOLS)
    await shop.add(
        *tour(),
        *stop("6", 3, on=("R-1", 5), driver_id="drv_1", status="active"),
        *stop("7", -20, promise=-19, driver_id="drv_1", status="failed", failure_reason="nobody home"),
    )
    return shop


async def rows(shop: Shop, model: type[Any]) -> dict[str, Any]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return {row.number: row for row in (await session.scalars(select(model))).all()}


async def test_another_day_takes_the_stop_off_its_route_and_moves_the_promise(van: Shop) -> None:
    done = await van.call("reschedule_delivery", delivery_id="D-3", window_from=to_rfc3339(at(48)))
    assert (done["off_route"], done["needs_driver"], done["promise_moved"]) == ("R-1", True, True)
    assert (done["window_to"], done["previous_to"]) == (to_rfc3339(at(50)), to_rfc3339(at(2.5)))
    assert done["delivery"]["misses_promise"] is False
    stops = await rows(van, Delivery)
    assert (stops["D-3"].status, stops["D-3"].driver_id, stops["D-3"].route_id) == ("unassigned", None, None)
    assert (stops["D-4"].stop_sequence, stops["D-6"].stop_sequence) == (3, 4)
    assert (await rows(van, Shipment))["S-3"].eta == at(50)
    assert (await rows(van, Order))["103"].promised_to == at(50)


async def test_later_the_same_day_stays_on_the_route_and_keeps_the_promise_made(van: Shop) -> None:
    done = await van.call(
        "reschedule_delivery",
        delivery_id="D-2",
        window_from=to_rfc3339(at(3)),
        window_to=to_rfc3339(at(4)),
        reason="no_capacity",
        notify_customer=True,
    )
    assert (done["off_route"], done["needs_driver"], done["promise_moved"]) == (None, False, False)
    assert (done["delivery"]["misses_promise"], done["delivery"]["minutes_late"]) == (True, 120)
    assert (await rows(van, Order))["102"].promised_to == at(2)


async def test_a_failed_stop_waits_for_its_new_attempt(van: Shop) -> None:
    done = await van.call("reschedule_delivery", delivery_id="D-7", window_from=to_rfc3339(at(24)))
    assert (done["delivery"]["delivery_status"], done["needs_driver"]) == ("failed", True)


NO_WINDOWS: list[tuple[dict[str, str], str, str]] = [
    ({"delivery_id": "D-6"}, "state_conflict", "active and cannot be rescheduled"),
    ({"delivery_id": "D-1"}, "state_conflict", "completed and cannot"),
    ({"window_from": to_rfc3339(at(-1))}, "invalid_argument", "it is 2026-03-02T09:00:00Z now"),
    ({"window_from": "2026-03-05T09:00:00"}, "invalid_argument", "is not a"),
    ({"window_to": to_rfc3339(at(24))}, "invalid_argument", "is none"),
    ({"window_to": to_rfc3339(at(72))}, "invalid_argument", "within 24 hours"),
    ({"window_from": to_rfc3339(at(24 * 90))}, "invalid_argument", "60 days"),
    ({"window_from": to_rfc3339(at(0.5))}, "state_conflict", "has this window already"),
    ({"window_from": "soon"}, "invalid_argument", "window_from"),
]


async def test_a_window_that_cannot_be_is_refused(van: Shop, subtests: pytest.Subtests) -> None:
    for change, code, said in NO_WINDOWS:
        with subtests.test(change=change):
            refused = await van.refused(
                "reschedule_delivery", **{"delivery_id": "D-3", "window_from": to_rfc3339(at(24)), **change}
            )
            assert refused["code"] == code
            assert said in refused["message"] + (refused.get("hint") or "")
            assert (await rows(van, Delivery))["D-3"].window_to == at(2.5)
