"""An exchange from the request to the door: units set aside when it is approved, sent once, the difference settled."""

import asyncio
from typing import Any

import pytest

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.delivery import create_shipment
from tradepost.commerce.flows.orders import order_detail
from tradepost.commerce.inventory.models import Reservation, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Carrier, Fulfillment, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import ExchangeParcel, Return

LARGER = {"line": 1, "new_variant": "SHIRT-M", "reason": "size_too_small"}


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    await open_shop(shop, order("1", ("SHIRT-S", 2), ("MUG-R", 1), delivered_at=ago(2)))
    shop.offer((*create_shipment.TOOLS, *order_detail.TOOLS))
    await shop.add(Carrier(id="car_1", code="dhl", name="DHL", services=[{"code": "std", "transit_days": 2}]))
    return shop


async def asked(desk: Shop, *lines: dict[str, Any], method: str = "gift") -> str:
    done = await desk.call("create_exchange", order_id="1", lines=list(lines), payment_method_id=method)
    return str(done["rma"])


async def stock(desk: Shop, sku: str = "SHIRT-M") -> tuple[int, int, int]:
    level: StockLevel = await one(desk, StockLevel, f"stk_{sku}")
    return level.available, level.reserved, level.on_hand


async def test_approved_units_are_set_aside_and_sent_once_with_the_difference(desk: Shop) -> None:
    rma = await asked(desk, LARGER)
    assert (await desk.refused("create_shipment", order_id="1", carrier="dhl", rma=rma))["code"] == "state_conflict"
    await desk.call("approve_return", rma=rma)
    assert await stock(desk) == (2, 1, 3)
    done = await desk.call("create_shipment", order_id="1", carrier="dhl", rma=rma)
    assert [(line["sku"], line["quantity"]) for line in done["lines"]] == [("SHIRT-M", 1)]
    assert (done["fulfillment_status"], done["promised_to"]) == ("fulfilled", None)
    assert await stock(desk) == (2, 0, 2)
    assert [row.status for row in await rows(desk, Reservation)] == ["used"]
    assert sum(row.on_hand_delta for row in await rows(desk, StockMovement)) == -1
    assert (await one(desk, PaymentMethod, "pm_gift")).balance_minor == 2000 - 250
    (paid,) = [row for row in await rows(desk, Payment) if row.method_id == "pm_gift"]
    assert (paid.captured_minor, (await one(desk, Order, "ord_1")).captured_minor) == (250, 2950)
    (parcel,) = await rows(desk, ExchangeParcel)
    assert parcel.shipment_id == done["id"]
    assert (await one(desk, Shipment, done["id"])).fulfillment_id is None
    assert await rows(desk, Fulfillment) == []
    again = await desk.refused("create_shipment", order_id="1", carrier="dhl", rma=rma)
    assert (again["code"], "has been sent" in again["message"]) == ("state_conflict", True)
    assert (await desk.call("get_order", order_id="1"))["delivery_status"] == "delivered"


async def test_what_the_shop_owes_goes_back_when_it_is_sent(desk: Shop) -> None:
    rma = await asked(desk, {"line": 2, "new_variant": "MUG-B", "reason": "color"})
    await desk.call("approve_return", rma=rma)
    await desk.call("create_shipment", order_id="1", carrier="dhl", rma=rma)
    (back,) = await rows(desk, Refund)
    assert (back.amount_minor, back.return_id, back.method_id) == (200, (await rows(desk, Return))[0].id, "pm_gift")


async def test_an_exchange_is_over_when_the_goods_are_decided_on_and_the_parcel_is_out(desk: Shop) -> None:
    rma = await asked(desk, LARGER)
    await desk.call("approve_return", rma=rma)
    await desk.call("receive_return", rma=rma)
    await desk.call("record_return_disposition", rma=rma, disposition="dispose")
    assert (await rows(desk, Return))[0].status == "inspected"
    await desk.call("create_shipment", order_id="1", carrier="dhl", rma=rma)
    assert (await rows(desk, Return))[0].status == "closed"


async def test_nothing_is_approved_that_cannot_be_sent(desk: Shop) -> None:
    rma = await asked(desk, {**LARGER, "quantity": 2})
    async with desk.database.transaction("wsp_test", write=True) as session:
        level = await session.get(StockLevel, ("wsp_test", "stk_SHIRT-M"))
        assert level is not None
        level.available, level.on_hand = 1, 1
    error = await desk.refused("approve_return", rma=rma)
    assert (error["code"], error["details"]) == (
        "state_conflict",
        {"sku": "SHIRT-M", "available": 1, "wanted": 2},
    )
    assert (await rows(desk, Return))[0].status == "requested"


async def test_only_an_exchange_of_the_order_is_sent(desk: Shop) -> None:
    await desk.add(*order("2", ("MUG-R", 1), delivered_at=ago(1)))
    rma = await asked(desk, LARGER)
    await desk.call("approve_return", rma=rma)
    error = await desk.refused("create_shipment", order_id="2", carrier="dhl", rma=rma)
    assert (error["field"], "another order" in error["message"]) == ("rma", True)
    plain = (await desk.call("submit_return", order_id="2"))["rma"]
    assert (await desk.refused("create_shipment", order_id="2", carrier="dhl", rma=plain))["field"] == "rma"
    lines = [{"line": 1}]
    assert (await desk.refused("create_shipment", order_id="1", carrier="dhl", rma=rma, lines=lines))[
        "field"
    ] == "lines"


async def test_two_people_send_it_once(desk: Shop) -> None:
    rma = await asked(desk, LARGER)
    await desk.call("approve_return", rma=rma)
    answers = await asyncio.gather(
        *(desk.result("create_shipment", order_id="1", carrier="dhl", rma=rma) for _ in range(4))
    )
    assert sum(1 for answer in answers if not answer.is_error) == 1
    assert (len(await rows(desk, ExchangeParcel)), await stock(desk)) == (1, (2, 0, 2))
