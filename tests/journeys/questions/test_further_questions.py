"""Further questions of the same kind, as somebody from outside would think of them."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.journeys.questions.asking import NOW, Asker
from tradepost.commerce.billing.models import Invoice
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Delivery, Driver, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, SettlementLine
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.returns.models import Return


async def test_the_orders_that_hang_on_a_driver_and_who_could_take_them(manager: Asker, facts: AsyncSession) -> None:
    stops = await manager.items("list_deliveries", driver_id="Joris van Dam", status="assigned")
    wanted = select(Order.number).join(Delivery, Delivery.order_id == Order.id)
    wanted = wanted.join(Driver, Driver.id == Delivery.driver_id).where(Driver.name == "Joris van Dam")
    assert {item["order_number"] for item in stops} == set(
        await facts.scalars(wanted.where(Delivery.status == "assigned"))
    )
    assert all(item["driver_unavailable_reason"] == "sick" for item in stops)
    free = [
        item
        for item in await manager.items("list_drivers", warehouse_id=stops[0]["warehouse"])
        if item["available_on_date"] and item["free"] >= len(stops)
    ]
    there = select(Driver.number).join(Location, Location.id == Driver.location_id)
    there = there.where(Location.code == stops[0]["warehouse"], Driver.status.like("on_duty%"))
    assert {item["number"] for item in free} == set(await facts.scalars(there))


async def test_what_is_on_its_way_to_lyon(manager: Asker, facts: AsyncSession) -> None:
    levels = await manager.items("list_stock_levels", warehouse_id="Lyon", state="incoming")
    said = manager.text
    rows = select(StockLevel).join(Location, Location.id == StockLevel.location_id)
    rows = rows.where(Location.name.contains("Lyon"), StockLevel.incoming > 0)
    wanted = {row.sku: row.incoming for row in await facts.scalars(rows)}
    assert {item["sku"]: item["incoming"] for item in levels} == wanted
    for sku, units in wanted.items():
        assert f"{sku} LYS" in said
        assert f"{units} incoming" in said
        coming = await manager.ask("check_inventory", sku=sku, warehouse_id="Lyon")
        assert sum(item["quantity"] for item in coming["incoming"] if item["status"] != "draft") == units
        for item in coming["incoming"]:
            order = (await facts.scalars(select(PurchaseOrder).where(PurchaseOrder.number == item["number"]))).one()
            assert order.eta is not None
            assert item["eta"].startswith(order.eta.date().isoformat())


async def test_claims_that_must_be_filed_this_week(manager: Asker, facts: AsyncSession) -> None:
    end = NOW + timedelta(days=7)
    found = await manager.items("search_claims", file_by_before=end.isoformat())
    rows = select(Claim.number).where(Claim.file_by < end, Claim.status.in_(("draft", "evidence_needed")))
    assert {item["number"] for item in found} == set(await facts.scalars(rows)) == {"CLM-2010"}
    assert "4 days left" in manager.text


async def test_whether_an_order_is_shipped_and_when_it_arrives(manager: Asker, facts: AsyncSession) -> None:
    order = await manager.ask("get_order", order_id="ORD-48291")
    said = manager.text
    rows = select(Shipment).join(Order, Order.id == Shipment.order_id).where(Order.number == "ORD-48291")
    row = (await facts.scalars(rows)).one()
    assert row.eta is not None
    (parcel,) = order["shipments"]
    assert (parcel["tracking_number"], parcel["status"]) == (row.tracking_number, row.status)
    assert parcel["eta"].startswith(row.eta.date().isoformat())
    for fact in ("FedEx", "7749281934", "in transit", "2026-02-26"):
        assert fact in said
    for spelling in ("#ORD-48291", order["id"]):
        assert (await manager.ask("get_order", order_id=spelling))["id"] == order["id"]


async def test_free_units_per_warehouse_and_how_long_they_last(manager: Asker, facts: AsyncSession) -> None:
    found = await manager.ask("check_inventory", sku="A-100")
    rows = select(StockLevel, Location.code).join(Location, Location.id == StockLevel.location_id)
    wanted = {code: level for level, code in await facts.execute(rows.where(StockLevel.sku == "A-100"))}
    assert {item["warehouse"] for item in found["levels"]} == wanted.keys()
    for item in found["levels"]:
        level = wanted[item["warehouse"]]
        days = level.available * 1000 / level.daily_demand_milli
        assert item["available"] == level.available
        assert item["days_of_cover"] == pytest.approx(days, abs=0.06)
        assert f"{item['warehouse']} {level.available} available" in manager.text


async def test_which_of_two_people_of_one_name_has_an_open_return(specialist: Asker, facts: AsyncSession) -> None:
    people = await specialist.items("search_customers", query="J. Smith")
    assert len(people) == 2
    closed = ("declined", "canceled", "closed")
    found = {
        person["number"]: {
            item["rma"]
            for item in await specialist.items("search_returns", customer_id=person["number"])
            if item["status"] not in closed
        }
        for person in people
    }
    rows = select(Customer.number, Return.number).join(Return, Return.customer_id == Customer.id)
    wanted: dict[str, set[str]] = {person["number"]: set() for person in people}
    for customer, rma in await facts.execute(rows.where(Customer.last_name == "Smith", Return.status.not_in(closed))):
        wanted[customer].add(rma)
    assert found == wanted
    assert any(wanted.values())
    ambiguous = await specialist.refused("search_returns", customer_id="J. Smith")
    assert all(person["number"] in ambiguous["message"] for person in people)


async def test_what_a_company_paid_last_month_and_what_is_overdue(operator: Asker, facts: AsyncSession) -> None:
    company = (await facts.scalars(select(Customer).where(Customer.company == "ACME Corp."))).one()
    paid = await operator.items("list_invoices", customer_id="ACME Corp.", status="paid")
    rows = select(Invoice).where(Invoice.customer_id == company.id, Invoice.status == "paid")
    wanted = {row.number: (row.paid_minor, row.paid_at) for row in await facts.scalars(rows)}
    assert {item["number"]: item["paid"]["amount_minor"] for item in paid} == {
        number: amount for number, (amount, _) in wanted.items()
    }
    for item in paid:
        when = wanted[item["number"]][1]
        assert when is not None
        assert item["paid_at"].startswith(when.date().isoformat())
        assert f"{item['paid']['display']} paid on {when.date().isoformat()}" in operator.text
    overdue = await operator.items("list_invoices", status="overdue")
    late = select(Invoice.number).where(Invoice.due_at < NOW, Invoice.status.in_(("open", "overdue")))
    assert {item["number"] for item in overdue} == set(await facts.scalars(late))
    assert all(item["days_overdue"] > 0 for item in overdue)


async def test_orders_with_the_recalled_item(manager: Asker, facts: AsyncSession) -> None:
    orders = await manager.items("search_orders", sku="B-7")
    rows = select(Order.number).join(OrderLine, OrderLine.order_id == Order.id).where(OrderLine.sku == "B-7")
    assert {item["number"] for item in orders} == set(await facts.scalars(rows))
    assert all(item["delivered_at"] for item in orders)
    stock = await manager.ask("check_inventory", sku="B-7")
    assert stock["recalled"]
    assert "RECALLED" in manager.text
    held = select(func.sum(StockLevel.on_hand)).where(StockLevel.sku == "B-7")
    assert stock["totals"]["on_hand"] == (await facts.execute(held)).scalar_one()


@pytest.mark.parametrize(
    ("number", "shown"), [("88255", "¥{whole:,}"), ("88256", "KWD {whole}.{rest:03}")], ids=["JPY", "KWD"]
)
async def test_money_without_and_with_three_decimals(
    operator: Asker, facts: AsyncSession, number: str, shown: str
) -> None:
    row = (await facts.scalars(select(Order).where(Order.number == number))).one()
    digits = {"JPY": 0, "KWD": 3}[row.currency]
    whole, rest = divmod(row.total_minor, 10**digits)
    display = shown.format(whole=whole, rest=rest)
    order = await operator.ask("get_order", order_id=number)
    assert order["totals"]["total"] == {"amount_minor": row.total_minor, "currency": row.currency, "display": display}
    assert display in operator.text
    (payment,) = await operator.items("search_payments", order_id=number)
    paid = (await facts.scalars(select(Payment).where(Payment.order_id == row.id))).one()
    assert payment["captured"]["amount_minor"] == paid.captured_minor
    await operator.ask("preview_refund", order_id=number)
    assert display in operator.text


async def test_shrinkage_of_the_last_30_days(manager: Asker, facts: AsyncSession) -> None:
    since = NOW - timedelta(days=30)
    found = await manager.items("list_stock_movements", cause="shrinkage", occurred_from=since.isoformat())
    rows = select(StockMovement).where(StockMovement.cause == "shrinkage", StockMovement.occurred_at >= since)
    wanted = {row.id: (row.sku, row.on_hand_delta) for row in await facts.scalars(rows)}
    assert {item["id"]: (item["sku"], item["on_hand_delta"]) for item in found} == wanted
    assert sum(delta for _, delta in wanted.values()) == -40
    assert "-40" in manager.text


async def test_why_a_payout_does_not_add_up(manager: Asker, facts: AsyncSession) -> None:
    found = await manager.ask("reconcile_settlement", payout_id="OUT-608", status="variance")
    assert found["variance"] == len(found["items"]) == 3
    for item in found["items"]:
        line = (await facts.scalars(select(SettlementLine).where(SettlementLine.id == item["id"]))).one()
        assert f"Line {line.position} " in manager.text
    assert found["difference"]["display"] in manager.text


async def test_what_is_still_to_ship_of_an_order_that_left_in_parts(manager: Asker, facts: AsyncSession) -> None:
    order = await manager.ask("get_order", order_id="88250")
    rows = select(OrderLine.sku).join(Order, Order.id == OrderLine.order_id).where(Order.number == "88250")
    wanted = set(await facts.scalars(rows.where(OrderLine.shipped < OrderLine.quantity)))
    waiting = {line["sku"] for line in order["lines"] if line["quantity"]["shipped"] < line["quantity"]["current"]}
    assert waiting == wanted != set()
    assert "Not shipped in full: " in manager.text
    assert all(sku in manager.text.partition("Not shipped in full: ")[2] for sku in wanted)


async def test_deliveries_that_failed_or_have_no_driver(manager: Asker, facts: AsyncSession) -> None:
    for status in ("failed", "unassigned"):
        found = await manager.items("list_deliveries", status=status)
        rows = select(Delivery.number).where(Delivery.status == status)
        assert {item["number"] for item in found} == set(await facts.scalars(rows)) != set()


async def test_a_warehouse_is_known_by_id_code_and_name_everywhere(manager: Asker, facts: AsyncSession) -> None:
    place = (await facts.scalars(select(Location).where(Location.code == "LYS"))).one()
    for tool in "search_orders list_at_risk_orders list_stock_levels search_shipments list_deliveries".split():
        totals = {(await manager.ask(tool, warehouse_id=name))["total_estimate"] for name in (place.id, "LYS", "Lyon")}
        assert len(totals) == 1, tool
