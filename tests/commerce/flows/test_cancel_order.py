"""Canceling: state, stock, money and plans end together, and only while nothing has shipped."""

from typing import Any

import pytest

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import ADDRESS, STRICT, ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.delivery import shipments
from tradepost.commerce.flows.orders import order_detail
from tradepost.commerce.inventory.models import StockLevel, StockMovement
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.store.models import StoreEvent


async def test_cancel_refunds_each_payment_and_restocks_what_is_counted(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), ("MUG-R", 1), method="gift"))
    await shop.add(Delivery(id="dlv_1", number="D-1", order_id="ord_1", status="assigned", address=ADDRESS))
    done = await shop.call("cancel_order", order_id="1", reason="customer_request", notify_customer=True)
    assert (done["order"]["status"], done["order"]["payment_status"]) == ("canceled", "refunded")
    assert [refund["amount"]["amount_minor"] for refund in done["refunds"]] == [2700]
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 4700
    level = await one(shop, StockLevel, "stk_SHIRT-S")
    assert (level.available, level.committed, level.on_hand) == (12, 0, 12)
    assert {row.state: row.delta for row in await rows(shop, StockMovement)} == {"committed": -2, "available": 2}
    assert (await one(shop, Delivery, "dlv_1")).status == "canceled"
    (refund,) = await rows(shop, Refund)
    assert (refund.sequence, refund.payment_id, refund.method_id) == (2, "pay_1", "pm_gift")
    assert "order:canceled" in [event.type for event in await rows(shop, StoreEvent)]


async def test_cancel_voids_the_labels_nobody_has_used(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), promised_to=ago(1)))
    shop.offer((*shipments.TOOLS, *order_detail.TOOLS))
    at = ago(0)
    await shop.add(
        *(
            Shipment(id=f"shp_{n}", number=f"S-{n}", order_id="ord_1", status=s, eta=at)
            for n, s in enumerate(("label_purchased", "label_printed", "confirmed"))
        )
    )
    assert len((await shop.call("search_shipments", delayed_only=True))["items"]) == 3
    shown = await shop.call("cancel_order", order_id="1", reason="other", dry_run=True)
    assert [text for text in shown["preview"]["side_effects"] if "label of parcel S-1" in text]
    await shop.call("cancel_order", order_id="1", reason="other")
    for n in range(3):
        parcel = await shop.call("get_shipping_status", shipment_id=f"S-{n}")
        assert (parcel["status"], parcel["delay_reason"], parcel["eta"]) == ("failure", "order canceled", None)
        assert parcel["late"] is False
        assert [event["status"] for event in parcel["events"]] == ["failure"]
    assert (await shop.call("search_shipments", delayed_only=True))["items"] == []
    assert (await shop.call("get_order", order_id="1"))["delivery_status"] == "not_shipped"


async def test_cancel_without_restock_sets_the_units_aside_and_may_keep_the_money(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2)))
    done = await shop.call("cancel_order", order_id="1", reason="other", restock=False, refund=False)
    assert done["refunds"] == []
    assert done["order"]["payment_status"] == "paid"
    level = await one(shop, StockLevel, "stk_SHIRT-S")
    assert (level.available, level.committed, level.quality_control, level.on_hand) == (10, 0, 2, 12)


async def test_cancel_voids_what_was_only_authorized(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1), method=None))
    await shop.add(
        Payment(
            id="pay_1",
            number="P-1",
            order_id="ord_1",
            sequence=1,
            method_id="pm_card",
            status="authorized",
            currency="EUR",
            amount_minor=700,
        )
    )
    done = await shop.call("cancel_order", order_id="1", reason="other")
    assert (done["voided_payments"], done["order"]["payment_status"]) == (1, "voided")
    assert (await one(shop, Payment, "pay_1")).status == "voided"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"status": "canceled"}, "state_conflict"),
        ({"status": "on_hold"}, "state_conflict"),
        ({"fulfillment_status": "partially_fulfilled"}, "state_conflict"),
        ({"delivered_at": ago(3)}, "state_conflict"),
        ({"item_edits": 1}, "state_conflict"),
    ],
    ids=str,
)
async def test_cancel_is_refused_once_it_is_too_late(shop: Shop, state: dict[str, Any], code: str) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1), **state), policy=STRICT)
    assert (await shop.refused("cancel_order", order_id="1", reason="no longer needed"))["code"] == code
    assert await rows(shop, Refund) == []


async def test_cancel_is_refused_for_a_parcel_on_its_way_and_for_a_reason_not_in_the_list(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)), order("2", ("MUG-R", 1)), policy=STRICT)
    await shop.add(Shipment(id="shp_1", number="S-1", order_id="ord_1", status="in_transit"))
    assert "S-1" in (await shop.refused("cancel_order", order_id="1", reason="no longer needed"))["message"]
    error = await shop.refused("cancel_order", order_id="2", reason="No longer needed")
    assert (error["field"], error["details"]["allowed"]) == ("reason", ["no longer needed"])
    assert (await one(shop, Order, "ord_2")).status == "open"


async def test_a_preview_names_money_and_stock_and_moves_neither(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2)))
    shown = await shop.call("cancel_order", order_id="1", reason="other", dry_run=True)
    assert shown["preview"]["side_effects"] == ["€20.00 goes back to visa ending 4242 by the payment provider."]
    changed = {(change["record"], change["field"]) for change in shown["preview"]["changes"]}
    assert ("Order #1", "status") in changed
    assert (await one(shop, Order, "ord_1")).refunded_minor == 0
