"""Messages to customers: the words that were approved, filled with the order's facts, to an address that exists."""

from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.accounts import messages
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.support.models import CustomerMessage

WHY = {"reason": "Asked where it is"}


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    await open_shop(shop, order("1", ("MUG-R", 1), promised_to=ago(1)), order("2", ("MUG-R", 1)))
    shop.offer(messages.TOOLS)
    await shop.add(
        Carrier(id="car_1", code="dhl", name="DHL", services=[]),
        Shipment(
            id="shp_1",
            number="S-1",
            order_id="ord_1",
            carrier_id="car_1",
            status="in_transit",
            tracking_number="T-77",
            eta=NOW + timedelta(days=1),
        ),
    )
    return shop


async def test_a_template_is_filled_with_facts_and_shown_before_it_goes(desk: Shop) -> None:
    told: dict[str, Any] = {"order_id": "1", "template": "order_delayed", **WHY}
    shown = await desk.call("send_customer_message", **told, dry_run=True)
    assert shown["preview"]["side_effects"] == ["An e-mail goes to a***@example.com: Your order 1 is late."]
    assert await rows(desk, CustomerMessage) == []
    done = await desk.call("send_customer_message", **told)
    assert (done["number"], done["subject"], done["to"]) == ("MSG-1001", "Your order 1 is late", "a***@example.com")
    assert "promised by Sunday, 1 March 2026" in done["text"]
    assert "is late: we now expect it on Tuesday, 3 March 2026." in done["text"]
    assert done["text"].endswith("Test shop")
    (kept,) = await rows(desk, CustomerMessage)
    assert (kept.body, kept.template, kept.channel) == (done["text"], "order_delayed", "email")
    assert [event.type for event in await rows(desk, StoreEvent)] == ["message:queued"]
    assert (await one(desk, Customer, "cus_ann")).last_contact_at == NOW


async def test_a_day_that_is_over_is_not_promised_again(desk: Shop) -> None:
    async with desk.database.transaction("wsp_test", write=True) as session:
        parcel = await session.get(Shipment, ("wsp_test", "shp_1"))
        assert parcel is not None
        parcel.eta = ago(1)
    done = await desk.call("send_customer_message", order_id="1", template="order_delayed", **WHY)
    assert "is late: we are finding out when it will arrive and will write again." in done["text"]


async def test_a_text_goes_to_a_customer_without_an_order(desk: Shop) -> None:
    done = await desk.call("send_customer_message", customer_id="CUST-bob", text="It is back in stock.", **WHY)
    assert (done["subject"], done["order_number"], done["text"]) == ("A message from us", None, "It is back in stock.")


async def test_the_shipped_template_names_carrier_and_tracking(desk: Shop) -> None:
    done = await desk.call("send_customer_message", order_id="1", template="order_shipped", **WHY)
    assert "with DHL, tracking number T-77" in done["text"]


NO_SENSE: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "Hello"}, "invalid_argument", "customer_id"),
    ({"order_id": "1"}, "invalid_argument", "text"),
    ({"order_id": "1", "text": "Hello", "template": "apology"}, "invalid_argument", "text"),
    ({"order_id": "1", "template": "apology", "subject": "Hm"}, "invalid_argument", "subject"),
    ({"customer_id": "CUST-ann", "template": "apology"}, "invalid_argument", "order_id"),
    ({"order_id": "1", "customer_id": "CUST-bob", "text": "Hello"}, "invalid_argument", "customer_id"),
    ({"order_id": "1", "text": "Hello", "channel": "sms"}, "state_conflict", "channel"),
    ({"order_id": "2", "template": "order_delayed"}, "state_conflict", "template"),
    ({"order_id": "2", "template": "refund_issued"}, "state_conflict", "template"),
    ({"order_id": "1", "template": "birthday"}, "invalid_argument", "template"),
]


async def test_a_message_that_makes_no_sense_is_refused(desk: Shop, subtests: pytest.Subtests) -> None:
    for given, code, field in NO_SENSE:
        with subtests.test(given=given):
            error = await desk.refused("send_customer_message", **given, **WHY)
            assert (error["code"], error["field"]) == (code, field)
            assert await rows(desk, CustomerMessage) == []


async def test_an_sms_must_be_short(desk: Shop) -> None:
    async with desk.database.transaction("wsp_test", write=True) as session:
        customer = await session.get(Customer, ("wsp_test", "cus_ann"))
        assert customer is not None
        customer.phone = "+31 10 1234"
    error = await desk.refused("send_customer_message", order_id="1", text="x" * 481, channel="sms", **WHY)
    assert (error["field"], "481" in error["message"]) == ("text", True)
    done = await desk.call("send_customer_message", order_id="1", text="x" * 480, channel="sms", **WHY)
    assert done["to"] == "***34"
