"""What a customer reads holds no personal data, nothing that others wrote, and nothing of how the shop works inside
(rules C13, C14)."""

from typing import Any

import orjson
from sqlalchemy import select

from tests.commerce.self_service.conftest import Counter
from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Driver
from tradepost.commerce.orders.models import Order, OrderNote
from tradepost.commerce.returns.models import Return

# Whose orders were late, held, noted at with poison, claimed for, returned, invoiced, or paid by a business.
READERS = ("CUST-10484", "CUST-10498", "CUST-10517", "CUST-10495", "CUST-10503", "CUST-10505", "CUST-10511")
INSIDE_KEYS = {
    *("warehouse", "warehouse_id", "customer_id", "customer_name", "driver", "causes", "liability", "note", "notes"),
    *("cost", "cost_minor", "margin", "channel", "hold_reason", "untrusted", "line1", "email", "phone", "payment_id"),
    *("condition", "disposition", "available", "on_hand", "sentence", "delay_reason", "allowed_next", "psp_reference"),
}


async def told_to(counter: Counter, customer: str, customer_id: str) -> list[Any]:
    """All that a customer can read of their own."""
    told: list[Any] = []
    for tool in ("list_my_orders", "list_my_invoices"):
        told.append(await counter.result(customer, tool, detail="full", limit=50))
    for order in await counter.rows(select(Order).where(Order.customer_id == customer_id)):
        for tool in ("get_my_order", "track_my_order", "check_my_return"):
            told.append(await counter.result(customer, tool, order_id=order.number))
        prompt = await counter.server.prompt(counter.caller(customer), "where_is_my_order", {"order": order.number})
        told.append(prompt)
    for row in await counter.rows(select(Return).where(Return.customer_id == customer_id)):
        told.append(await counter.result(customer, "get_my_return", rma=row.number))
    told.append(await counter.server.read(counter.caller(customer), "me://orders"))
    return [one if isinstance(one, dict) else {"content": one.content, "structured": one.structured} for one in told]


def keys_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in keys_in(item)}
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_in(item)}
    return set()


async def test_nothing_personal_foreign_or_internal_is_in_anything_they_read(counter: Counter):
    customers = await counter.customers()
    drivers = {driver.name for driver in await counter.rows(select(Driver))}
    places = {place.id for place in await counter.rows(select(Location))}
    written = {note.body for note in await counter.rows(select(OrderNote))}
    reasons = {order.hold_reason for order in await counter.rows(select(Order)) if order.hold_reason}
    assert drivers
    assert places
    assert written
    assert reasons
    personal = {
        text
        for customer in customers
        for text in (customer.email, customer.phone, customer.address.get("line1"), customer.company, customer.note)
        if text
    }
    read = 0
    for customer in (one for one in customers if one.number in READERS):
        for told in await told_to(counter, customer.number, customer.id):
            text = orjson.dumps(told).decode()
            leaked = [word for word in (*personal, *drivers, *places, *written, *reasons) if word in text]
            assert not leaked, (customer.number, leaked, text[:500])
            assert not keys_in(told) & INSIDE_KEYS
            others = [one.number for one in customers if one.number in text]
            assert not others, (customer.number, others)
            read += 1
    assert read > 60


async def test_what_everybody_may_read_shows_a_customer_less(counter: Counter):
    """The shop's own affairs stay out of the tools that operators share with customers."""
    me = "CUST-10495"
    policies = await counter.call(me, "search_policies", limit=50)
    assert {item["topic"] for item in policies["items"]} == {
        *"returns shipping warranty payments privacy products".split()
    }
    told = await counter.refused(me, "search_policies", clause="APP-1")
    unknown = await counter.refused(me, "search_policies", clause="ZZZ-9")
    assert {**told, "message": told["message"].replace("APP-1", "ZZZ-9")} == unknown
    assert (await counter.call(me, "search_policies", topic="approvals"))["items"] == []
    content = await counter.servers["support"].read(counter.caller(me), "policy://approvals")
    assert orjson.loads(content["contents"][0]["text"])["items"] == []
    product = await counter.call(me, "get_product", sku="A-100")
    assert {variant["available"] for variant in product["variants"]} == {None}
    found = await counter.call(me, "search_products", detail="full", limit=50)
    assert {one["available"] for item in found["items"] for one in item["variants"]} == {None}


async def test_a_product_that_is_not_on_sale_yet_is_none(counter: Counter):
    (variant,) = await counter.rows(select(Variant).where(Variant.sku == "A-100"))
    async with counter.database.transaction(variant.workspace_id, write=True) as session:
        product = await session.scalar(select(Product).where(Product.id == variant.product_id))
        assert product is not None
        product.status = "draft"
    told = await counter.refused("CUST-10495", "get_product", sku="A-100")
    assert told == await counter.refused("CUST-10495", "get_product", sku="none-such")
