"""What accounts owe: invoices with lines, overdue derived, quotes."""

import json

import pytest

from tests.commerce import books
from tests.commerce.conftest import Shop
from tradepost.commerce.billing.models import Invoice, InvoiceLine, Quote, QuoteLine
from tradepost.commerce.flows.billing.invoice_search import RESOURCES, TOOLS


def invoice(name: str, status: str, due: float | None, **fields: object) -> Invoice:
    given = {
        "customer_id": "cus_c1",
        "currency": "EUR",
        "total_minor": 10_000,
        "issued_at": books.days(-40),
        "due_at": None if due is None else books.days(due),
    }
    return Invoice(id=f"inv_{name}", number=f"INV-{name}", status=status, **{**given, **fields})


async def fill(shop: Shop) -> None:
    shop.offer(TOOLS, RESOURCES)
    await shop.add(books.customer(company="Acme\u200b Corp"), books.customer("c2"))
    await shop.add(
        invoice("1", "open", -10, paid_minor=2500),
        invoice("2", "open", 10),
        invoice("3", "overdue", -20),
        invoice("4", "paid", -20, paid_minor=10_000, issued_at=books.days(-2)),
        invoice("5", "open", None, customer_id="cus_c2", currency="JPY"),
    )
    await shop.add(
        InvoiceLine(
            id="ivl_1",
            invoice_id="inv_1",
            position=1,
            description="Work",
            quantity=2,
            unit_price_minor=5000,
            total_minor=10_000,
        )
    )


@pytest.mark.behaviour("S2.11")
async def test_open_invoice_past_its_due_date_is_overdue(shop: Shop) -> None:
    await fill(shop)
    overdue = await shop.call("list_invoices", status="overdue", customer_id="CUST-c1")
    assert {item["number"]: item["days_overdue"] for item in overdue["items"]} == {"INV-1": 10, "INV-3": 20}
    assert {item["status"] for item in overdue["items"]} == {"overdue"}
    still_open = await shop.call("list_invoices", status="open")
    assert {item["number"] for item in still_open["items"]} == {"INV-2", "INV-5"}
    result = await shop.result("list_invoices")
    assert "€275.00, ¥10,000" in result.content[0]["text"]


async def test_one_invoice_by_number_has_its_lines(shop: Shop) -> None:
    await fill(shop)
    (item,) = (await shop.call("list_invoices", number="INV-1"))["items"]
    assert item["lines"][0]["total_minor"] == 10_000
    assert (item["outstanding"]["display"], item["customer_name"]) == ("€75.00", "Acme Corp")
    shown = await shop.servers[0].read(shop.caller(), "invoice://INV-1")
    assert json.loads(shown["contents"][0]["text"]) == item
    assert (await shop.refused("list_invoices", number="INV-1", status="open"))["field"] == "number"
    assert (await shop.refused("list_invoices", customer_id="nobody"))["code"] == "not_found"


async def test_invoices_of_a_period(shop: Shop) -> None:
    await fill(shop)
    found = await shop.call("list_invoices", issued_from="2026-02-20T00:00:00Z")
    assert [item["number"] for item in found["items"]] == ["INV-4"]


async def test_quote_resource_shows_lines_and_expiry(shop: Shop) -> None:
    await fill(shop)
    await shop.add(books.product(), books.variant("A"))
    quote = Quote(
        id="quo_1",
        number="Q-1",
        customer_id="cus_c1",
        status="sent",
        currency="KWD",
        total_minor=1250,
        expires_at=books.days(-1),
    )
    line = QuoteLine(
        id="qul_1",
        quote_id="quo_1",
        position=1,
        variant_id="var_A",
        sku="A",
        quantity=1,
        unit_price_minor=1250,
        total_minor=1250,
    )
    await shop.add(quote, line)
    shown = json.loads((await shop.servers[0].read(shop.caller(), "quote://Q-1"))["contents"][0]["text"])
    assert (shown["status"], shown["total"]["display"], shown["lines"][0]["sku"]) == ("expired", "KWD 1.250", "A")
