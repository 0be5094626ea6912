"""Carriers and payment providers over HTTP: once per key, in order, again when they are away."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import ago, one, rows
from tests.commerce.outbound.conftest import Clock, Relays, states
from tests.commerce.outbound.doubles import Service
from tradepost.commerce.effects.models import Effect
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.support.models import Ticket


async def test_a_vendor_that_is_away_is_asked_again_under_the_same_key_until_it_is_given_up(
    desk: Shop, clock: Clock, vendor: Service, relay: Relays
) -> None:
    way = relay(vendor)
    vendor.answers = [(503, {"message": "away"})] * 20
    await desk.call("initiate_refund", order_id="1", amount_minor=500, currency="EUR", reason="goodwill")
    for _ in range(12):
        await way.settle()
        clock.now += timedelta(hours=13)
    assert await states(desk) == [("refund", "failed", 9)]
    assert len({key for _, key, _ in vendor.asked}) == 1
    assert len(await rows(desk, Ticket)) == 1


async def test_an_answer_that_got_lost_does_nothing_twice(
    desk: Shop, clock: Clock, vendor: Service, relay: Relays
) -> None:
    way = relay(vendor)
    await desk.call("initiate_refund", order_id="1", amount_minor=500, currency="EUR", reason="goodwill")
    await way.settle()
    async with desk.database.transaction("wsp_test", write=True) as session:  # the process died before it recorded
        effect = await session.get(Effect, ("wsp_test", (await rows(desk, Effect))[0].id))
        assert effect is not None
        effect.status, effect.claimed_until, effect.reference = "sending", clock.now, None
    assert await way.settle() == 0
    clock.now += timedelta(minutes=3)
    assert await way.settle() == 1
    assert (len(vendor.asked), len(vendor.done)) == (2, 1)
    assert (await rows(desk, Refund))[0].psp_reference == "refund-1"


async def test_effects_on_one_record_keep_their_order(desk: Shop, clock: Clock, vendor: Service, relay: Relays) -> None:
    state = {"status": "authorized", "authorized_at": ago(1)}
    await desk.add(
        Payment(
            id="pay_9",
            number="P-9",
            order_id="ord_2",
            sequence=1,
            method_id="pm_card",
            currency="EUR",
            amount_minor=700,
            **state,
        )
    )
    part: dict[str, Any] = {"payment_id": "P-9", "currency": "EUR", "reason": "Part"}
    way = relay(vendor)
    await desk.call("capture_payment", amount_minor=300, **part)
    vendor.answers = [(503, {})]
    await way.settle()
    await desk.call("capture_payment", amount_minor=400, **part)
    await way.settle()
    assert await states(desk) == [("capture", "pending", 0), ("capture", "pending", 1)]
    clock.now += timedelta(seconds=6)
    await way.settle()
    assert [request["amount_minor"] for _, request in vendor.done.values()] == [300, 400]
    second = list(vendor.done.values())[1][1]
    assert second["psp_reference"] == "capture-1"


async def test_two_relays_over_one_store_do_everything_once(desk: Shop, vendor: Service, relay: Relays) -> None:
    for number in range(6):
        await desk.call("initiate_refund", order_id="1", amount_minor=100 + number, currency="EUR", reason="goodwill")
    ways = [relay(vendor) for _ in range(2)]
    await asyncio.gather(*(way.settle() for way in ways))
    await ways[0].settle()
    assert len(vendor.done) == len(vendor.asked) == 6
    assert await states(desk) == [("refund", "sent", 1)] * 6


async def test_a_label_for_a_return_is_bought_and_noted(
    desk: Shop, tmp_path: Path, vendor: Service, relay: Relays
) -> None:
    back = {"order_id": "ord_1", "customer_id": "cus_ann", "currency": "EUR", "requested_at": ago(1)}
    await desk.add(
        Return(id="rma_1", number="RMA-1", status="requested", **back),
        ReturnLine(
            id="rml_1",
            return_id="rma_1",
            position=1,
            order_line_id="oln_1_1",
            variant_id="var_SHIRT-S",
            sku="SHIRT-S",
            quantity=1,
            reason="color",
        ),
    )
    await desk.call("approve_return", rma="RMA-1", label=True, notify_customer=True)
    await relay(vendor).settle()
    label = (await one(desk, Return, "rma_1")).label
    assert (label["status"], label["tracking_number"], label["reference"]) == ("ready", "1Z77", "return_label-1")
    assert "RMA-1 is approved" in next((tmp_path / "mail").glob("*.eml")).read_text()
