"""Captures, store credit and evidence: within what was authorized and owed, once, and good until a day."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ADDRESS, ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.accounts import customer_detail
from tradepost.commerce.flows.collecting import capture_payment, dispute_evidence, store_credit
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Dispute, DisputeEvidence, Payment
from tradepost.commerce.store.models import StoreEvent
from tradepost.foundation.clock import to_rfc3339


def authorized(amount_minor: int, method: str = "card", **more: Any) -> Payment:
    state = {"status": "authorized", "authorized_at": ago(1), "auth_expires_at": NOW + timedelta(days=6), **more}
    return Payment(
        id="pay_9",
        number="P-9",
        order_id="ord_1",
        sequence=1,
        method_id=f"pm_{method}",
        currency="EUR",
        amount_minor=amount_minor,
        **state,
    )


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    await open_shop(shop, order("1", ("SHIRT-S", 2), method=None))
    shop.offer((*capture_payment.TOOLS, *store_credit.TOOLS, *dispute_evidence.TOOLS, *customer_detail.TOOLS))
    return shop


async def test_a_part_and_then_the_rest_is_captured(desk: Shop) -> None:
    await desk.add(authorized(2000))
    first = await desk.call("capture_payment", payment_id="P-9", amount_minor=500, currency="EUR", reason="Parcel one")
    assert (first["payment_state"], first["left"]["amount_minor"]) == ("partially_captured", 1500)
    assert (first["order"]["payment_status"], (await one(desk, Order, "ord_1")).captured_minor) == (
        "partially_paid",
        500,
    )
    rest = await desk.call("capture_payment", payment_id="P-9", reason="Parcel two")
    assert (rest["payment_state"], rest["amount"]["amount_minor"], rest["left"]["amount_minor"]) == (
        "captured",
        1500,
        0,
    )
    assert rest["order"]["payment_status"] == "paid"
    orders = [event for event in await rows(desk, StoreEvent) if event.type == "payment:capture_ordered"]
    assert sorted(event.payload["amount_minor"] for event in orders) == [500, 1500]


@pytest.mark.parametrize(
    ("state", "given", "code", "words"),
    [
        ({}, {"amount_minor": 2001, "currency": "EUR"}, "limit_exceeded", "€20.00"),
        ({"amount_minor": 3000}, {"amount_minor": 2500, "currency": "EUR"}, "limit_exceeded", "still costs €20.00"),
        ({}, {"amount_minor": 5}, "invalid_argument", "currency"),
        ({}, {"amount_minor": 5, "currency": "USD"}, "invalid_argument", "not USD"),
        ({"auth_expires_at": ago(1)}, {}, "state_conflict", "expired"),
        ({"status": "voided"}, {}, "state_conflict", "voided"),
        ({"status": "requires_action"}, {}, "state_conflict", "confirm"),
        ({"status": "captured", "captured_minor": 2000}, {}, "state_conflict", "captured"),
    ],
    ids=str,
)
async def test_a_capture_that_is_not_covered_is_refused(
    desk: Shop, state: dict[str, Any], given: dict[str, Any], code: str, words: str
) -> None:
    await desk.add(authorized(**{"amount_minor": 2000, **state}))
    error = await desk.refused("capture_payment", payment_id="P-9", reason="Now", **given)
    assert error["code"] == code
    assert words in error["message"] + str(error.get("hint"))
    assert (await one(desk, Order, "ord_1")).captured_minor == 0


async def test_captures_at_once_take_the_authorized_money_once(desk: Shop) -> None:
    await desk.add(authorized(2000))
    part: dict[str, Any] = {"payment_id": "P-9", "amount_minor": 300, "currency": "EUR", "reason": "Part"}
    answers = await asyncio.gather(*(desk.result("capture_payment", **part) for _ in range(12)))
    assert sum(1 for answer in answers if not answer.is_error) == 6
    payment: Payment = await one(desk, Payment, "pay_9")
    assert (payment.captured_minor, (await one(desk, Order, "ord_1")).captured_minor) == (1800, 1800)


async def test_a_gift_card_pays_when_it_is_captured(desk: Shop) -> None:
    await desk.add(authorized(2000, "gift"))
    await desk.call("capture_payment", payment_id="P-9", reason="It ships")
    assert (await one(desk, PaymentMethod, "pm_gift")).balance_minor == 0


async def test_credit_is_a_way_to_pay_until_it_ends(desk: Shop) -> None:
    ends = to_rfc3339(NOW + timedelta(days=30))
    done = await desk.call("apply_store_credit", order_id="1", amount_minor=1500, reason="Late", expires_at=ends)
    assert (done["customer_number"], done["balance"]["display"], done["ends_at"]) == ("CUST-ann", "€15.00", ends)
    await desk.call("apply_store_credit", customer_id="CUST-ann", amount_minor=250, reason="Again")
    account = await desk.call("get_customer", customer_id="CUST-ann")
    credits = [method for method in account["payment_methods"] if method["type"] == "store_credit"]
    assert [method["balance"]["amount_minor"] for method in credits] == [1500, 250]
    assert credits[0]["expires_at"] == ends


async def test_expired_credit_pays_nothing_and_revives_for_money_that_comes_back(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)), order("2", ("MUG-R", 2), method="gift"))
    shop.offer(store_credit.TOOLS)
    over = {"type": "store_credit", "customer_id": "cus_ann", "currency": "EUR", "position": 9}
    await shop.add(PaymentMethod(id="pm_over", balance_minor=9000, expires_at=ago(1), **over))
    error = await shop.refused(
        "update_order_payment_method", order_id="1", payment_method_id="pm_over", reason="As asked"
    )
    assert (error["code"], "expired" in error["message"]) == ("state_conflict", True)
    async with shop.database.transaction("wsp_test", write=True) as session:
        payment = await session.get(Payment, ("wsp_test", "pay_1"))
        assert payment is not None
        payment.method_id = "pm_over"
    await shop.call("initiate_refund", order_id="1", amount_minor=700, currency="EUR", reason="returned")
    credit = await one(shop, PaymentMethod, "pm_over")
    assert credit.balance_minor == 9700
    assert credit.expires_at > NOW


NO_CREDIT: list[tuple[dict[str, Any], str]] = [
    ({}, "customer_id"),
    ({"order_id": "1", "customer_id": "CUST-bob"}, "customer_id"),
    ({"order_id": "1", "currency": "USD"}, "currency"),
    ({"customer_id": "CUST-ann", "currency": "XXX"}, "currency"),
    ({"order_id": "1", "expires_at": to_rfc3339(NOW)}, "expires_at"),
    ({"order_id": "1", "amount_minor": 0}, "amount_minor"),
]


async def test_credit_that_makes_no_sense_is_refused(desk: Shop, subtests: pytest.Subtests) -> None:
    for given, field in NO_CREDIT:
        with subtests.test(given=given):
            error = await desk.refused("apply_store_credit", **{"amount_minor": 100, "reason": "Late", **given})
            assert (error["code"], error["field"]) == ("invalid_argument", field)


def dispute(**more: Any) -> Dispute:
    return Dispute(
        id="dsp_1",
        number="DSP-1",
        payment_id="pay_9",
        order_id="ord_1",
        reason_code="not_received",
        currency="EUR",
        amount_minor=2000,
        opened_at=ago(2),
        **{"evidence_due_by": NOW + timedelta(days=3), **more},
    )


async def test_evidence_goes_out_once_with_what_the_shop_can_prove(desk: Shop) -> None:
    parcel = Shipment(
        id="shp_1",
        number="S-1",
        order_id="ord_1",
        status="delivered",
        tracking_number="T1",
        delivered_at=ago(3),
        proof_of_delivery={"kind": "photo"},
    )
    await desk.add(authorized(2000, status="captured", captured_minor=2000), dispute(), parcel)
    told = {"dispute_id": "DSP-1", "reason": "The parcel was handed over in person.", "media": ["med_1", "med_1"]}
    shown = await desk.call("submit_dispute_evidence", **told, dry_run=True)
    assert "cannot be taken back" in shown["preview"]["side_effects"][0]
    done = await desk.call("submit_dispute_evidence", **told)
    assert (done["dispute_state"], done["media"]) == ("under_review", ["med_1"])
    assert done["parcels"][0]["proof"] == "photo"
    (evidence,) = await rows(desk, DisputeEvidence)
    assert evidence.proof["shipping_address"] == ADDRESS
    again = await desk.refused("submit_dispute_evidence", **told)
    assert (again["code"], again["details"]["allowed"]) == ("state_conflict", ["won", "lost"])


async def test_evidence_after_the_due_date_is_refused(desk: Shop) -> None:
    await desk.add(authorized(2000, status="captured", captured_minor=2000), dispute(evidence_due_by=ago(1)))
    error = await desk.refused("submit_dispute_evidence", dispute_id="DSP-1", reason="It was delivered to them.")
    assert (error["code"], await rows(desk, DisputeEvidence)) == ("state_conflict", [])
