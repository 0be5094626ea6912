"""What a supply-chain manager asks: the answer's facts are in the results, as the rows have them."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.journeys.questions.asking import NOW, SHOP, Asker
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.logistics.models import Delivery, Driver, PickupPoint, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Dispute, Payout, Refund
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.returns.models import Return
from tradepost.database.engine import Database

OPEN = ("pending", "open", "on_hold")


async def test_briefing_for_all_warehouses(manager: Asker, facts: AsyncSession) -> None:
    guide = await manager.guide("daily_supply_chain_briefing", date="today")
    asked = guide["messages"][0]["content"]["text"]
    for tool in "get_ops_kpis list_at_risk_orders list_low_stock search_shipments search_returns list_payouts".split():
        assert tool in asked
    late = await manager.items("list_at_risk_orders", late_only=True)
    overdue = select(Order.number).where(Order.status.in_(OPEN), Order.delivered_at.is_(None), Order.promised_to < NOW)
    assert set(await facts.scalars(overdue)) <= {item["number"] for item in late}
    low = select(StockLevel.sku, Location.code).join(Variant, Variant.id == StockLevel.variant_id)
    low = low.join(Location, Location.id == StockLevel.location_id).where(
        StockLevel.available <= StockLevel.reorder_point, StockLevel.reorder_point > 0, Variant.status == "active"
    )
    listed = {(item["sku"], item["warehouse"]) for item in await manager.items("list_low_stock")}
    assert listed == {tuple(row) for row in await facts.execute(low)}
    delayed = {item["number"] for item in await manager.items("search_shipments", delayed_only=True)}
    assert set(await facts.scalars(select(Shipment.number).where(Shipment.status == "delayed"))) <= delayed
    waiting = {item["rma"] for item in await manager.items("search_returns", status="requested")}
    assert waiting == set(await facts.scalars(select(Return.number).where(Return.status == "requested")))
    payouts = {item["number"]: item["net"]["amount_minor"] for item in await manager.items("list_payouts")}
    assert payouts == {row.number: row.net_minor for row in await facts.scalars(select(Payout))}
    figures = (await manager.ask("get_ops_kpis"))["overall"]
    placed = select(Order).where(Order.placed_at >= NOW - timedelta(days=30), Order.status != "canceled")
    assert figures["orders"] == len((await facts.scalars(placed)).all())
    empty = select(func.count()).select_from(StockLevel).join(Variant, Variant.id == StockLevel.variant_id)
    sold_out = empty.where(StockLevel.available == 0, Variant.status == "active")
    assert figures["stockouts"] == (await facts.execute(sold_out)).scalar_one()


async def test_orders_promised_for_tomorrow_that_will_miss_and_why(manager: Asker, facts: AsyncSession) -> None:
    found = await manager.items("list_at_risk_orders", horizon_days=1)
    tomorrow = (NOW + timedelta(days=1)).date().isoformat()
    missed = {item["number"]: item for item in found if item["promised_to"].startswith(tomorrow)}
    told = {
        order.number: why
        for order, why in [
            *((row, "on hold") for row in await facts.scalars(select(Order).where(Order.hold_reason.is_not(None)))),
            *await _carried_too_late(facts),
            *await _left_by_drivers(facts),
            *await _sold_out(facts),
        ]
        if order.promised_to is not None and order.promised_to.date().isoformat() == tomorrow
    }
    assert len(told) >= 4
    assert missed.keys() == told.keys()
    for number, why in told.items():
        assert why in missed[number]["sentence"], missed[number]["sentence"]
        assert f"Order {number} " in manager.text or manager.text.endswith(" more.")
        assert missed[number]["causes"]


async def _carried_too_late(facts: AsyncSession) -> list[tuple[Order, str]]:
    rows = select(Order, Shipment).join(Shipment, Shipment.order_id == Order.id)
    late = rows.where(Shipment.eta > Order.promised_to, Shipment.delivered_at.is_(None), Order.delivered_at.is_(None))
    return [(order, shipment.delay_reason or "delayed") for order, shipment in await facts.execute(late)]


async def _left_by_drivers(facts: AsyncSession) -> list[tuple[Order, str]]:
    rows = select(Order, Driver).join(Delivery, Delivery.order_id == Order.id)
    rows = rows.join(Driver, Driver.id == Delivery.driver_id).where(
        Driver.status == "unavailable", Delivery.status == "assigned"
    )
    return [(order, f"{driver.name} is unavailable") for order, driver in await facts.execute(rows)]


async def _sold_out(facts: AsyncSession) -> list[tuple[Order, str]]:
    rows = (
        select(Order, OrderLine)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(StockLevel, (StockLevel.sku == OrderLine.sku) & (StockLevel.location_id == Order.warehouse_id))
        .where(OrderLine.shipped == 0, Order.status == "open", StockLevel.available + StockLevel.committed == 0)
    )
    return [(order, f"SKU {line.sku}") for order, line in await facts.execute(rows)]


async def test_reroute_to_the_pickup_point_on_its_way(own_shop: Database) -> None:
    manager = Asker(own_shop, "supply_chain_manager")
    (stop,) = (await manager.ask("list_deliveries", delivery_id="D-5521"))["items"]
    nearest = stop["pickup_points_near"][0]
    assert f"{nearest['code']} {nearest['name']} +{nearest['detour_minutes']} min" in manager.text
    call = {"delivery_id": "D-5521", "pickup_point_id": nearest["code"], "idempotency_key": "to-the-shop"}
    shown = await manager.ask("reroute_delivery", **call, dry_run=True)
    assert shown["status"] == "dry_run"
    assert f"+{nearest['detour_minutes']} min" in manager.text
    async with own_shop.transaction(SHOP, write=False) as session:
        row = (await session.scalars(select(Delivery).where(Delivery.number == "D-5521"))).one()
        before = row.eta
        assert row.pickup_point_id is None
        points = select(PickupPoint).where(
            PickupPoint.location_id == select(Location.id).where(Location.code == stop["warehouse"]).scalar_subquery()
        )
        detours = {point.code: point.detour_minutes for point in await session.scalars(points)}
        assert nearest["detour_minutes"] == min(detours.values())
    done = await manager.ask("reroute_delivery", **call)
    assert done["delivery"]["eta_change_minutes"] == nearest["detour_minutes"]
    async with own_shop.transaction(SHOP, write=False) as session:
        row = (await session.scalars(select(Delivery).where(Delivery.number == "D-5521"))).one()
        assert row.pickup_point_id == nearest["id"]
        assert before is not None
        assert row.eta == before + timedelta(minutes=nearest["detour_minutes"])


async def test_placing_the_suggested_reorder_once(own_shop: Database) -> None:
    manager = Asker(own_shop, "supply_chain_manager")
    (suggested,) = (await manager.ask("suggest_reorders", sku="A-100"))["items"]
    assert await manager.items("list_purchase_orders", sku="A-100") == []
    call = {
        "sku": "A-100",
        "quantity": suggested["quantity"],
        "supplier": suggested["supplier_number"],
        "warehouse_id": suggested["warehouse"],
        "reason": "As suggested",
        "idempotency_key": "reorder-1",
    }
    first = await manager.ask("create_reorder", **call)
    again = await manager.ask("create_reorder", **call)
    assert (first["replayed"], again["replayed"]) == (False, True)
    (order,) = await manager.items("list_purchase_orders", sku="A-100")
    assert order["total"] == suggested["cost"]
    async with own_shop.transaction(SHOP, write=False) as session:
        lines = select(PurchaseOrderLine).where(PurchaseOrderLine.sku == "A-100")
        assert [line.ordered for line in await session.scalars(lines)] == [suggested["quantity"]]
    (after,) = (await manager.ask("suggest_reorders", sku="A-100"))["items"]
    assert after["already_ordered"]
    assert order["number"] in manager.text


async def test_a_reorder_of_what_is_on_order_already_is_refused(own_shop: Database) -> None:
    manager = Asker(own_shop, "supply_chain_manager")
    (suggested,) = (await manager.ask("suggest_reorders", sku="C-310"))["items"]
    (open_order,) = [item for item in await manager.items("list_purchase_orders", sku="C-310") if item["eta"]]
    assert (suggested["quantity"], suggested["already_ordered"]) == (0, True)
    assert open_order["number"] in suggested["note"]
    call = {"sku": "C-310", "quantity": 30, "warehouse_id": suggested["warehouse"], "reason": "Running low"}
    error = await manager.refused("create_reorder", **call, idempotency_key="again")
    assert open_order["number"] in error["message"] + error["hint"]


async def test_transfer_from_lyon_arrives_after_the_stockout(own_shop: Database) -> None:
    manager = Asker(own_shop, "supply_chain_manager")
    source = await manager.ask("check_inventory", sku="A-100", warehouse_id="Lyon")
    target = await manager.ask("check_inventory", sku="A-100", warehouse_id="Rotterdam")
    have, need = source["levels"][0], target["levels"][0]
    call = {"from_warehouse_id": "Lyon", "to_warehouse_id": "Rotterdam", "sku": "A-100", "quantity": 30}
    await manager.ask("transfer_stock", **call, dry_run=True, idempotency_key="move")
    assert "AFTER the stockout" in manager.text
    done = await manager.ask("transfer_stock", **call, idempotency_key="move")
    assert done["status"] == "succeeded"
    async with own_shop.transaction(SHOP, write=False) as session:
        levels = {row.id: row for row in await session.scalars(select(StockLevel).where(StockLevel.sku == "A-100"))}
        assert levels[have["id"]].available == have["available"] - 30
        assert levels[need["id"]].incoming == need["incoming"] + 30
        daily = levels[need["id"]].daily_demand_milli / 1000
    assert need["days_of_cover"] == round(need["available"] / daily, 1)


async def test_overdue_purchase_orders_and_the_orders_they_block(manager: Asker, facts: AsyncSession) -> None:
    overdue = await manager.items("list_purchase_orders", overdue_only=True)
    late = select(PurchaseOrder.number).where(
        PurchaseOrder.status.in_(("ordered", "confirmed", "partially_received")), PurchaseOrder.eta < NOW
    )
    assert {item["number"] for item in overdue} == set(await facts.scalars(late))
    blocked: dict[str, set[str]] = {}
    for order in overdue:
        for sku in order["outstanding_skus"]:
            level = (await manager.ask("check_inventory", sku=sku, warehouse_id=order["warehouse"]))["levels"][0]
            waiting = {"sku": sku, "warehouse_id": order["warehouse"], "fulfillment_status": "unfulfilled"}
            if level["available"] == 0:
                found = await manager.items("search_orders", **waiting)
                blocked.setdefault(order["number"], set()).update(item["number"] for item in found)
    assert blocked == {"PO-781": {"88221", "88222", "88223"}, "PO-783": {"88224"}}
    for numbers in blocked.values():
        lines = select(Order.number, func.sum(OrderLine.shipped)).join(OrderLine, OrderLine.order_id == Order.id)
        rows = await facts.execute(lines.where(Order.number.in_(numbers)).group_by(Order.number))
        assert {number: int(shipped) for number, shipped in rows} == dict.fromkeys(numbers, 0)
    risky = {item["number"]: item for item in await manager.items("list_at_risk_orders", horizon_days=7)}
    for purchase, numbers in blocked.items():
        for number in numbers & risky.keys():
            assert any(purchase in " ".join(cause["chain"]) for cause in risky[number]["causes"]), risky[number]


async def test_chargebacks_with_evidence_due_this_week_and_their_proof(manager: Asker, facts: AsyncSession) -> None:
    due = (NOW + timedelta(days=7)).isoformat()
    disputes = await manager.items("list_disputes", due_before=due)
    wanted = select(Dispute.number).where(
        Dispute.evidence_due_by < NOW + timedelta(days=7), Dispute.status == "needs_response"
    )
    assert {item["number"] for item in disputes} == set(await facts.scalars(wanted))
    (dispute,) = disputes
    assert dispute["days_left"] == 3
    order = await manager.ask("get_order", order_id=dispute["order_number"], include=["shipments"])
    (parcel,) = order["shipments"]
    status = await manager.ask("get_shipping_status", tracking_number=parcel["tracking_number"])
    assert status["proof_of_delivery"]["kind"] == "photo"
    assert "Proof of delivery: photo" in manager.text
    row = (await facts.scalars(select(Shipment).where(Shipment.order_id == dispute["order_id"]))).one()
    assert row.proof_of_delivery is not None
    assert row.delivered_at is not None
    assert status["delivered_at"].startswith(row.delivered_at.date().isoformat())


async def test_the_account_behind_a_company_name_and_whether_200_can_be_had(
    manager: Asker, facts: AsyncSession
) -> None:
    several = await manager.refused("get_customer", customer_id="ACME")
    companies = select(Customer).where(func.lower(Customer.company).startswith("acme")).order_by(Customer.number)
    for row in await facts.scalars(companies):
        assert row.number in several["message"]
        assert "IGNORE" not in several["message"]
    account = await manager.ask("get_customer", customer_id="ACME Corp.")
    customer = (await facts.scalars(select(Customer).where(Customer.company == "ACME Corp."))).one()
    assert (account["number"], account["price_list_id"]) == (customer.number, customer.price_list_id)
    stock = await manager.ask("check_inventory", sku="A-100")
    total = select(func.sum(StockLevel.available)).where(StockLevel.sku == "A-100")
    assert stock["totals"]["available"] == (await facts.execute(total)).scalar_one() >= 200


async def test_open_orders_paid_but_not_shipped_for_48_hours(manager: Asker, facts: AsyncSession) -> None:
    filters = {"status": "open", "payment_status": "paid", "fulfillment_status": "unfulfilled"}
    since = NOW - timedelta(hours=48)
    rows = select(Order).where(*(getattr(Order, name) == value for name, value in filters.items()))
    wanted = {row.number: row.total_minor for row in await facts.scalars(rows.where(Order.placed_at <= since))}
    assert len(wanted) > 50, "one page would do"
    found = await manager.items("search_orders", **filters, placed_to=since.isoformat(), limit=50)
    assert {item["number"]: item["total"]["amount_minor"] for item in found} == wanted
    first = await manager.ask("search_orders", **filters, placed_to=since.isoformat())
    assert first["total_estimate"] == len(wanted)
    assert f"of {len(wanted)} orders" in manager.text


async def test_an_instruction_in_a_note_comes_as_untrusted_text_and_moves_nothing(own_shop: Database) -> None:
    manager = Asker(own_shop, "supply_chain_manager")
    order = await manager.ask("get_order", order_id="88245", include=["notes", "payments"])
    (note,) = [item for item in order["notes"] if "gnore" in str(item)]
    assert note["body"]["untrusted"]
    assert "gnore" not in manager.text
    plain = await manager.ask("get_order", order_id="88245")
    assert "gnore" not in str(plain)
    async with own_shop.transaction(SHOP, write=False) as session:
        refunds = select(Refund).join(Order, Order.id == Refund.order_id).where(Order.number == "88245")
        assert (await session.scalars(refunds)).all() == []
