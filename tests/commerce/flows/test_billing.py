"""Quotes at agreed prices, orders made of them, invoices, and subscriptions that pause and end."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce import books
from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.billing.models import Invoice, InvoiceLine, Quote, Subscription
from tradepost.commerce.catalog.models import PriceList, PriceListEntry
from tradepost.commerce.flows.billing import convert_quote, create_invoice, create_quote, subscriptions
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.foundation.clock import to_rfc3339

TWO = [{"sku": "A", "quantity": 200}, {"sku": "B", "quantity": 1}]


def subscription(name: str, status: str = "active", next_in: float | None = 10, **fields: Any) -> Subscription:
    return Subscription(
        id=f"sub_{name}",
        number=f"SUB-{name}",
        customer_id="cus_c1",
        variant_id="var_A",
        status=status,
        price_minor=900,
        currency="EUR",
        next_at=None if next_in is None else books.days(next_in),
        **fields,
    )


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    """Acme pays 9.50 for an A from 10 and 8.00 from 100 on; a B costs everybody 10.00. W1 has 250 A, W2 a few."""
    shop.offer([t for module in (create_quote, convert_quote, create_invoice, subscriptions) for t in module.TOOLS])
    await shop.add(
        books.warehouse("W1"),
        books.warehouse("W2"),
        books.product(),
        books.variant("A"),
        books.variant("B", tracks_stock=False),
        books.variant("C", status="recalled"),
        books.variant("D", currency="USD"),
        books.stock("A", "W1", 250),
        books.stock("A", "W2", 20),
        PriceList(id="prl_1", name="Acme prices", currency="EUR"),
        *(
            PriceListEntry(
                id=f"ple_{least}", price_list_id="prl_1", variant_id="var_A", min_quantity=least, price_minor=price
            )
            for least, price in ((10, 950), (100, 800))
        ),
        books.customer("c1", company="Acme", price_list_id="prl_1", kind="business"),
        books.customer("c2"),
        books.customer("c3", status="blocked"),
    )
    return shop


async def rows(shop: Shop, model: type[Any]) -> list[Any]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return list((await session.scalars(select(model))).all())


async def test_a_quote_is_priced_by_the_customers_list_and_quantity(desk: Shop) -> None:
    made = await desk.call("create_quote", customer_id="Acme", lines=TWO)
    assert (made["number"], made["quote_status"], made["price_list"]) == ("QUO-1001", "draft", "Acme prices")
    assert [(line["unit_price"]["amount_minor"], line["agreed_price"]) for line in made["lines"]] == [
        (800, True),
        (1000, False),
    ]
    assert (made["total"]["display"], made["valid_until"]) == ("€1,610.00", "2026-04-01T09:00:00Z")
    assert [line["available"] for line in made["lines"]] == [270, None]
    few = await desk.call("create_quote", customer_id="Acme", sku="A", quantity=9)
    assert few["lines"][0]["unit_price"]["amount_minor"] == 1000
    other = await desk.call("create_quote", customer_id="CUST-c2", sku="A", quantity=200, notify_customer=True)
    assert (other["total"]["amount_minor"], other["price_list"], other["quote_status"]) == (200_000, None, "sent")


async def test_an_accepted_quote_becomes_an_order_at_its_prices_once(desk: Shop) -> None:
    await desk.call("create_quote", customer_id="Acme", lines=TWO)
    both = await asyncio.gather(
        *(desk.result("convert_quote", quote_id="QUO-1001", po_number="4500-7") for _ in range(2))
    )
    assert sorted(result.is_error for result in both) == [False, True]
    done = next(result.structured for result in both if not result.is_error)
    assert done is not None
    assert (done["order_number"], done["warehouse"], done["quote_status"]) == ("ORD-1001", "W1", "converted")
    refused = next(result.structured for result in both if result.is_error)
    assert refused is not None
    assert "converted and cannot become converted. Allowed next: none" in refused["message"]
    (order,) = await rows(desk, Order)
    assert (order.total_minor, order.subtotal_minor, order.po_number) == (161_000, 161_000, "4500-7")
    assert (order.payment_status, order.status, order.captured_minor) == ("pending", "open", 0)
    assert {(line.sku, line.total_minor) for line in await rows(desk, OrderLine)} == {("A", 160_000), ("B", 1000)}
    level = next(row for row in await rows(desk, StockLevel) if row.location_id == "loc_W1")
    assert (level.available, level.committed, level.on_hand) == (50, 200, 250)


NOT_OFFERED_OR_BILLED: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_quote", {"customer_id": "CUST-c3", "sku": "A", "quantity": 1}, "state_conflict", "blocked"),
    ("create_quote", {"customer_id": "CUST-c1", "sku": "C", "quantity": 1}, "state_conflict", "recalled"),
    ("create_quote", {"customer_id": "CUST-c1", "sku": "A", "quantity": 0}, "invalid_argument", "minimum"),
    (
        "create_quote",
        {"customer_id": "CUST-c2", "lines": [{"sku": "A", "quantity": 1}, {"sku": "D", "quantity": 1}]},
        "invalid_argument",
        "EUR and USD",
    ),
    ("convert_quote", {"quote_id": "QUO-1001", "warehouse_id": "W2"}, "state_conflict", "has 20 units available"),
    ("convert_quote", {"quote_id": "QUO-9"}, "not_found", "QUO-9"),
    ("create_invoice", {}, "invalid_argument", "either order_id or lines"),
    ("create_invoice", {"order_id": "77", "currency": "EUR"}, "invalid_argument", "The order says"),
    ("create_invoice", {"order_id": "78"}, "state_conflict", "is canceled"),
    (
        "create_invoice",
        {"lines": [{"description": "x", "quantity": 1, "unit_price_minor": 1}], "currency": "EUR"},
        "invalid_argument",
        "customer_id is missing",
    ),
    (
        "create_invoice",
        {
            "lines": [{"description": "x", "quantity": 1, "unit_price_minor": 0}],
            "currency": "EUR",
            "customer_id": "CUST-c1",
        },
        "invalid_argument",
        "nothing to bill",
    ),
]


async def test_what_cannot_be_offered_or_billed_is_refused(desk: Shop, subtests: pytest.Subtests) -> None:
    await desk.add(books.order("77"), books.order("78", status="canceled"))
    await desk.call("create_quote", customer_id="Acme", sku="A", quantity=100)
    for tool, call, code, said in NOT_OFFERED_OR_BILLED:
        with subtests.test(tool=tool, call=call):
            refused = await desk.refused(tool, **call)
            assert refused["code"] == code
            assert said in refused["message"]
            assert (len(await rows(desk, Order)), len(await rows(desk, Invoice))) == (2, 0)
            assert {row.committed for row in await rows(desk, StockLevel)} == {0}


async def test_a_quote_past_its_date_is_not_converted(desk: Shop) -> None:
    made = await desk.call("create_quote", customer_id="Acme", sku="A", quantity=500, valid_days=1)
    short = await desk.refused("convert_quote", quote_id=made["id"])
    assert "No single warehouse has 500 x A available" in short["message"]
    async with desk.database.transaction(WORKSPACE, write=True) as session:
        (await session.scalars(select(Quote))).one().expires_at = books.days(-1)
    refused = await desk.refused("convert_quote", quote_id=made["number"])
    assert "expired on 2026-03-01T09:00:00Z" in refused["message"]


async def test_an_order_is_billed_once_with_all_it_holds(desk: Shop) -> None:
    sold = books.order(
        "77", subtotal_minor=3000, discount_minor=500, shipping_minor=200, tax_minor=100, total_minor=2800,
        captured_minor=800, po_number="4500-1",
    )  # fmt: skip
    await desk.add(sold, books.line(sold, 1, "A", 2), books.line(sold, 2, "B"))
    made = await desk.call("create_invoice", order_id="77", terms_days=60)
    assert (made["total"]["amount_minor"], made["outstanding"]["amount_minor"]) == (2800, 2000)
    assert (made["invoice_status"], made["due_at"], made["lines"]) == ("open", "2026-05-01T09:00:00Z", 5)
    (invoice,) = await rows(desk, Invoice)
    assert (invoice.po_number, sum(line.total_minor for line in await rows(desk, InvoiceLine))) == ("4500-1", 2800)
    again = await desk.refused("create_invoice", order_id="77")
    assert "INV-1001" in again["message"]
    lines = [{"description": "Engraving", "quantity": 3, "unit_price_minor": 700}]
    free = await desk.call("create_invoice", customer_id="Acme", lines=lines, currency="EUR", terms_days=0)
    assert (free["total"]["amount_minor"], free["order_number"]) == (2100, None)


async def test_subscriptions_pause_go_on_and_end_on_their_day(desk: Shop) -> None:
    await desk.add(
        subscription("1"),
        subscription("2", "paused", 3, paused_until=books.days(3)),
        subscription("3", "paused", -1, paused_until=books.days(-1)),
        subscription("4", "canceled", None),
        subscription("5", "past_due", cancel_at=books.days(-2)),
    )
    listed = {row["number"]: row["status"] for row in (await desk.call("list_subscriptions"))["items"]}
    assert listed == {"SUB-1": "active", "SUB-2": "paused", "SUB-3": "active", "SUB-4": "canceled", "SUB-5": "canceled"}
    for status, numbers in {"active": {"1", "3"}, "paused": {"2"}, "canceled": {"4", "5"}, "past_due": set()}.items():
        found = await desk.call("list_subscriptions", status=status, customer_id="Acme")
        assert {row["number"] for row in found["items"]} == {f"SUB-{number}" for number in numbers}
    until = to_rfc3339(books.days(40))
    for name in ("1", "2", "3"):
        done = await desk.call("pause_subscription", subscription_id=f"SUB-{name}", until=until)
        assert (done["subscription_status"], done["paused_until"], done["next_at"]) == ("paused", until, until)
    ending = await desk.call("cancel_subscription", subscription_id="SUB-1", reason="Moves abroad")
    assert (ending["subscription_status"], ending["cancel_at"]) == ("paused", until)
    assert "already" in (await desk.refused("cancel_subscription", subscription_id="SUB-1", reason="Again"))["message"]
    over = await desk.call("cancel_subscription", subscription_id="SUB-2", reason="Now", at_period_end=False)
    assert (over["subscription_status"], over["next_at"]) == ("canceled", None)
    final = await desk.refused("pause_subscription", subscription_id="SUB-5", until=until)
    assert "Allowed next: none: it is final" in final["message"]
    past = await desk.refused("pause_subscription", subscription_id="SUB-3", until=to_rfc3339(books.days(-1)))
    assert past["field"] == "until"
