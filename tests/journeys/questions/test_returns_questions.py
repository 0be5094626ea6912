"""What a returns specialist and a warehouse lead ask: policy, refunds, exchanges, short deliveries, return rates."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.journeys.questions.asking import NOW, SHOP, Asker
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.support.models import PolicyClause
from tradepost.database.engine import Database

NOT_RETURNS = ("declined", "canceled")


async def test_a_return_within_policy_with_its_clause(specialist: Asker, facts: AsyncSession) -> None:
    found = await specialist.ask("get_return", rma="RMA-1042")
    assert "inside the return window" in specialist.text
    eligible = await specialist.ask("check_return_eligibility", order_id=found["order_number"])
    number = eligible["lines"][0]["policy_clause"].partition(":")[0]
    assert number in specialist.text
    (clause,) = (await specialist.ask("search_policies", clause=number))["items"]
    row = (await facts.scalars(select(PolicyClause).where(PolicyClause.clause == number))).one()
    assert clause["text"] == row.body
    stored = (await facts.scalars(select(Return).where(Return.number == "RMA-1042"))).one()
    assert stored.window_ends_at is not None
    assert found["within_window"] is (stored.requested_at <= stored.window_ends_at) is True


async def test_a_return_out_of_its_window_is_seen_as_such(specialist: Asker, facts: AsyncSession) -> None:
    found = await specialist.ask("get_return", rma="RMA-1050")
    stored = (await facts.scalars(select(Return).where(Return.number == "RMA-1050"))).one()
    assert stored.window_ends_at is not None
    assert stored.requested_at > stored.window_ends_at
    assert found["within_window"] is False
    assert "outside the return window" in specialist.text


async def test_refund_of_24_90_to_the_original_card_once(own_shop: Database) -> None:
    specialist = Asker(own_shop, "returns_specialist")
    back = await specialist.ask("get_return", rma="RMA-1042")
    (line,) = [item for item in back["lines"] if item["paid"]["amount_minor"] == 2490]
    shown = await specialist.ask(
        "preview_refund", order_id=back["order_number"], lines=[{"line": line["line"], "quantity": 1}]
    )
    assert (shown["amount"]["amount_minor"], shown["currency"]) == (2490, "EUR")
    (payment,) = shown["payments"]
    assert payment["method"] in back["refund_to"]
    call = {
        "payment_id": payment["payment_id"],
        "amount_minor": 2490,
        "currency": "EUR",
        "reason": "returned",
        "idempotency_key": "refund-24-90",
    }
    first = await specialist.ask("initiate_refund", **call)
    again = await specialist.ask("initiate_refund", **call)
    assert (first["replayed"], again["replayed"]) == (False, True)
    conflict = await specialist.refused("initiate_refund", **{**call, "amount_minor": 2491})
    assert conflict["code"] == "idempotency_conflict"
    async with own_shop.transaction(SHOP, write=False) as session:
        refunds = select(Refund).where(Refund.payment_id == payment["payment_id"])
        assert [row.amount_minor for row in await session.scalars(refunds)] == [2490]
        paid = (await session.scalars(select(Payment).where(Payment.id == payment["payment_id"]))).one()
        assert paid.refunded_minor == 2490


async def test_a_refund_in_the_wrong_currency_or_above_the_rest_is_refused(own_shop: Database) -> None:
    specialist = Asker(own_shop, "returns_specialist")
    call = {"order_id": "88201", "reason": "returned"}
    wrong = await specialist.refused(
        "initiate_refund", **call, amount_minor=2490, currency="USD", idempotency_key="wrong-currency"
    )
    assert wrong["field"] == "currency"
    assert "EUR" in wrong["message"] + wrong["hint"]
    left = (await specialist.ask("preview_refund", order_id="88201"))["remaining"]
    much = await specialist.refused(
        "initiate_refund", **call, amount_minor=left["amount_minor"] + 1, currency="EUR", idempotency_key="too-much"
    )
    assert left["display"] in much["message"] + much["hint"]


async def test_size_l_instead(own_shop: Database) -> None:
    specialist = Asker(own_shop, "returns_specialist")
    order, line = await _worn_too_small(own_shop)
    product = await specialist.ask("get_product", sku=line.sku)
    (wanted,) = [item for item in product["variants"] if item["options"].get("size") == "L"]
    stock = await specialist.ask("check_inventory", sku=wanted["sku"])
    assert stock["totals"]["available"] == wanted["available"] > 0
    account = await specialist.ask("get_order", order_id=order.number)
    lines = [{"line": line.position, "new_variant": wanted["sku"], "reason": "size_too_small"}]
    call = {"order_id": order.number, "lines": lines, "payment_method_id": account["payment_methods"][0]["id"]}
    done = await specialist.ask("create_exchange", **call, idempotency_key="size-l")
    assert done["replayed"] is False
    async with own_shop.transaction(SHOP, write=False) as session:
        back = (await session.scalars(select(Return).where(Return.order_id == order.id))).one()
        assert back.resolution == "exchange"
        wishes = await session.scalars(select(ExchangeLine.sku).where(ExchangeLine.return_id == back.id))
        assert wishes.all() == [wanted["sku"]]


async def _worn_too_small(shop: Database) -> tuple[Order, OrderLine]:
    """The newest delivered order of a shirt in M that nobody sent back and whose L can be had."""
    returned = select(Return.order_id)
    rows = (
        select(Order, OrderLine)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.delivered_at > NOW - timedelta(days=20), Order.id.not_in(returned), Order.currency == "EUR")
        .where(OrderLine.sku.endswith("-M"), OrderLine.delivered == OrderLine.quantity)
        .order_by(Order.delivered_at.desc(), Order.id)
    )
    async with shop.transaction(SHOP, write=False) as session:
        for order, line in await session.execute(rows):
            larger = line.sku.removesuffix("-M") + "-L"
            level = select(func.sum(StockLevel.available)).where(StockLevel.sku == larger)
            if (await session.execute(level)).scalar_one():
                return order, line
    raise AssertionError("no such order")


async def test_a_purchase_order_that_came_short(facts: AsyncSession, shop: Database) -> None:
    lead = Asker(shop, "warehouse_lead")
    (order,) = (await lead.ask("list_purchase_orders", po_id="PO-778"))["items"]
    row = (await facts.scalars(select(PurchaseOrder).where(PurchaseOrder.number == "PO-778"))).one()
    lines = select(PurchaseOrderLine).where(PurchaseOrderLine.purchase_order_id == row.id)
    for line in await facts.scalars(lines):
        (shown,) = [item for item in order["lines"] if item["sku"] == line.sku]
        assert (shown["ordered"], shown["received"]) == (line.ordered, line.received)
        assert f"{line.sku}: ordered {line.ordered}, received {line.received}" in lead.text
    assert row.reason is not None
    assert "12 short" in row.reason
    assert order["reason"] == row.reason
    assert "12 short" in lead.text
    assert await lead.items("search_claims", type="shortage") == []


async def test_skus_with_a_return_rate_above_15_percent_and_why(manager: Asker, facts: AsyncSession) -> None:
    found = await manager.ask("get_ops_kpis", group_by="sku", min_return_rate=0.15)
    said = manager.text
    lines = (
        select(OrderLine.id, OrderLine.sku, OrderLine.quantity)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(Order.placed_at >= NOW - timedelta(days=30), Order.placed_at < NOW, Order.status != "canceled")
        .where(OrderLine.status != "removed", Variant.quantity_scale == 0)
    )
    sold: Counter[str] = Counter()
    sku_of: dict[str, str] = {}
    for line_id, sku, quantity in await facts.execute(lines):
        sold[sku] += quantity
        sku_of[line_id] = sku
    back: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    returned = select(ReturnLine).join(Return, Return.id == ReturnLine.return_id)
    for line in await facts.scalars(returned.where(Return.status.not_in(NOT_RETURNS))):
        if line.order_line_id in sku_of:
            back[line.sku] += line.quantity
            reasons[line.sku, line.reason] += line.quantity
    often = {sku for sku in back if back[sku] / sold[sku] >= 0.15}
    assert {item["key"] for item in found["items"]} == often
    for item in found["items"]:
        sku = item["key"]
        assert (item["sold_units"], item["returned_units"]) == (sold[sku], back[sku])
        assert {why["reason"]: why["units"] for why in item["return_reasons"]} == {
            reason: units for (of, reason), units in reasons.items() if of == sku
        }
        assert f"{sku} {back[sku] / sold[sku] * 100:.1f} % returned" in said
        top = item["return_reasons"][0]["reason"]
        named = await manager.items("search_returns", sku=sku, reason=top)
        assert named
        assert all(any(line["reason"] == top for line in back_["lines"]) for back_ in named)
