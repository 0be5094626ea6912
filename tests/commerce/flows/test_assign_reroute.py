"""Changing who delivers and where: refusals with numbers, ETAs, promises, and the parcels that follow."""

from typing import Any

from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.last_mile import at, driver, stop, tour
from tradepost.commerce.flows.delivery import assign, reroute
from tradepost.commerce.logistics.models import Delivery, Route, Shipment


async def seed(shop: Shop, *more: Any) -> None:
    shop.offer([*assign.TOOLS, *reroute.TOOLS])
    await shop.add(*tour(), *more)


async def stops(shop: Shop) -> dict[str, Delivery]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return {row.number: row for row in (await session.scalars(select(Delivery))).all()}


async def test_a_stop_goes_to_the_end_of_the_drivers_own_route(shop: Shop) -> None:
    await seed(shop)
    done = await shop.call("assign_driver", delivery_ids=["D-3"], driver_id="Bob", reason="Ann is late")
    assert (done["route"], done["load"], done["capacity"]) == ("R-2", 1, 2)
    (change,) = done["deliveries"]
    assert (change["delivery_status"], change["stop_sequence"], change["version"]) == ("assigned", 1, 2)
    after = await stops(shop)
    assert (after["D-3"].driver_id, after["D-3"].route_id) == ("drv_2", "rte_R-2")
    assert after["D-4"].stop_sequence == 3  # the gap is closed
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        parcel = (await session.scalars(select(Shipment).where(Shipment.id == "shp_3"))).one()
        assert parcel.eta == after["D-3"].eta


async def test_a_whole_route_changes_hands_in_order_and_catches_up(shop: Shop) -> None:
    late = {"driver_id": "drv_3", "status": "active"}
    await seed(
        shop,
        driver("6", "Fay"),
        *stop("6", -48, promise=-47, on=("R-3", 1), **late),
        *stop("7", -47, promise=-46, on=("R-3", 2), **late),
    )
    done = await shop.call("assign_driver", delivery_ids=["D-7", "D-6"], driver_id="6")
    assert (done["route"], done["missed_promises"], done["date"]) == ("R-3", 2, "2026-03-02")
    after = await stops(shop)
    assert (after["D-6"].eta, after["D-7"].eta) == (at(1), at(2))
    assert {after[number].status for number in ("D-6", "D-7")} == {"active"}
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        assert (await session.scalars(select(Route).where(Route.id == "rte_R-3"))).one().driver_id == "drv_6"


async def test_a_failed_delivery_gets_a_new_attempt(shop: Shop) -> None:
    await seed(shop, *stop("6", -20, promise=-10, status="failed", failure_reason="nobody home", driver_id="drv_1"))
    done = await shop.call("assign_driver", delivery_ids=["D-6"], driver_id="2")
    (change,) = done["deliveries"]
    assert (change["delivery_status"], change["misses_promise"]) == ("assigned", True)
    assert (await stops(shop))["D-6"].failure_reason is None


async def test_absent_full_distant_and_off_shift_drivers_are_refused_with_numbers(shop: Shop) -> None:
    await seed(shop)
    sick = await shop.refused("assign_driver", delivery_ids=["D-2"], driver_id="Cem")
    assert sick["code"] == "state_conflict"
    assert "unavailable on 2026-03-02: sick until 2026-03-05 10:00 local time" in sick["message"]
    assert "2 (Bob) 2" in sick["hint"]
    full = await shop.refused("assign_driver", delivery_ids=["D-2", "D-3", "D-4"], driver_id="Bob")
    assert "has 0 of 2 deliveries on 2026-03-02; 3 more would be 3" in full["message"]
    assert (await shop.refused("assign_driver", delivery_ids=["D-2"], driver_id="Dee"))["field"] == "driver_id"
    off = await shop.refused("assign_driver", delivery_ids=["D-2"], driver_id="Eve")
    assert "outside the shift of 5 (Eve), 2026-03-02 18:00 to 2026-03-02 22:00" in off["message"]
    made = await shop.refused("assign_driver", delivery_ids=["D-1"], driver_id="Bob")
    assert made["code"] == "state_conflict"
    twice = await shop.refused("assign_driver", delivery_ids=["D-2", "dlv_2"], driver_id="Bob")
    assert twice["code"] == "invalid_argument"
    assert (await shop.refused("assign_driver", delivery_ids=["D-2"], driver_id="Ann"))["code"] == "state_conflict"
    stale = await shop.refused("assign_driver", delivery_ids=["D-2"], driver_id="Bob", expected_version=4)
    assert stale["code"] == "version_conflict"


async def test_a_pickup_point_on_the_way_costs_the_detour_for_all_behind(shop: Shop) -> None:
    await seed(shop)
    shown = await shop.call("reroute_delivery", delivery_id="D-2", pickup_point_id="PP-1", dry_run=True)
    assert "address" not in {change["field"] for change in shown["preview"]["changes"]}
    (sentence,) = shown["preview"]["side_effects"]
    assert "(+12 min), promise kept" in sentence
    assert "2 other stops move too" in sentence
    assert (await stops(shop))["D-2"].pickup_point_id is None
    done = await shop.call("reroute_delivery", delivery_id="D-2", pickup_point_id="Kiosk PP-1")
    assert (done["delivery"]["eta_change_minutes"], done["others_moved"], done["pickup_point"]) == (
        12,
        2,
        "PP-1 (Kiosk PP-1)",
    )
    after = await stops(shop)
    assert (after["D-2"].eta, after["D-4"].eta) == (at(1.2), at(2.2))
    assert after["D-2"].address["line1"] == "Kade 1"  # where it was to go stays known
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        etas = {row.id: row.eta for row in (await session.scalars(select(Shipment))).all()}
    assert (etas["shp_2"], etas["shp_4"]) == (at(1.2), at(2.2))
    far = await shop.refused("reroute_delivery", delivery_id="D-3", pickup_point_id="PP-2")
    assert far["hint"] == "Near are: PP-1 (+12 min)."


async def test_a_new_position_swaps_slots_and_says_missed_promises(shop: Shop) -> None:
    await seed(shop)
    done = await shop.result("reroute_delivery", delivery_id="D-2", stop_position=4)
    change = (done.structured or {})["delivery"]
    assert (change["stop_sequence"], change["eta_change_minutes"], change["misses_promise"]) == (4, 60, False)
    after = await stops(shop)
    assert [after[number].stop_sequence for number in ("D-1", "D-3", "D-4", "D-2")] == [1, 2, 3, 4]
    assert (after["D-3"].eta, after["D-4"].eta, after["D-2"].eta) == (at(1), at(1.5), at(2))
    error = await shop.refused("reroute_delivery", delivery_id="D-4", stop_position=1)
    assert error["message"] == "Position 1 is not free: the stops still to be made are 2 to 4."


async def test_another_route_takes_its_driver_and_reports_the_difference(shop: Shop) -> None:
    await seed(shop)
    done = await shop.result("reroute_delivery", delivery_id="D-4", route_id="R-2")
    view = done.structured or {}
    assert (view["route"], view["driver"], view["delivery"]["stop_sequence"]) == ("R-2", "2 (Bob)", 1)
    assert view["delivery"]["eta_change_minutes"] == -105
    sick = await shop.refused("reroute_delivery", delivery_id="D-3", route_id="R-3")
    assert "unavailable" in sick["message"]


async def test_contradictions_and_final_states_are_refused(shop: Shop) -> None:
    await seed(shop)
    for arguments in ({}, {"route_id": "R-2", "stop_position": 2}):
        assert (await shop.refused("reroute_delivery", delivery_id="D-2", **arguments))["code"] == "invalid_argument"
    made = await shop.refused("reroute_delivery", delivery_id="D-1", stop_position=2)
    assert (made["code"], made["details"]["current"]) == ("state_conflict", "completed")
    same = await shop.refused("reroute_delivery", delivery_id="D-2", stop_position=2)
    assert same["code"] == "state_conflict"
