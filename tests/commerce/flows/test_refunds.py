"""Refunds: never more than captured, per payment and per line, whatever happens at the same time."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import rows_for
from tradepost.commerce.payments.models import Payment, Refund, RefundLine
from tradepost.commerce.returns.models import Return

TWO = (("SHIRT-S", 2), ("MUG-R", 1))
MONEY: dict[str, Any] = {"currency": "EUR", "reason": "goodwill"}


async def test_an_amount_goes_back_to_the_original_method_once_per_key(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, method="gift"))
    first = await shop.call("initiate_refund", key="k", order_id="1", amount_minor=490, **MONEY)
    again = await shop.call("initiate_refund", key="k", order_id="1", amount_minor=490, **MONEY)
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["refunds"] == again["refunds"]
    assert first["remaining"]["display"] == "€22.10"
    assert len(await rows(shop, Refund)) == 1
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 2490
    assert (await one(shop, Order, "ord_1")).payment_status == "partially_refunded"


async def test_lines_pay_back_their_share_of_discount_tax_and_shipping(shop: Shop) -> None:
    paid = order("1", *TWO, discount_minor=270, tax_minor=540, shipping_minor=300, delivered_at=ago(1))
    await open_shop(shop, paid)
    lines = [{"line": 1, "quantity": 1}]
    preview = await shop.call("preview_refund", order_id="1", lines=lines, include_shipping=True)
    parts = {name: preview[name]["amount_minor"] for name in ("goods", "discount", "tax", "shipping", "amount")}
    assert parts == {"goods": 1000, "discount": 100, "tax": 200, "shipping": 300, "amount": 1400}
    done = await shop.call("initiate_refund", order_id="1", lines=lines, include_shipping=True, **MONEY)
    assert done["amount"]["amount_minor"] == 1400
    (line,) = await rows(shop, RefundLine)
    assert (line.order_line_id, line.quantity, line.amount_minor) == ("oln_1_1", 1, 1000)
    assert (await one(shop, OrderLine, "oln_1_1")).refunded_minor == 1000
    rest = await shop.call("preview_refund", order_id="1", include_shipping=True)
    assert rest["amount"]["amount_minor"] == rest["remaining"]["amount_minor"] == 1870
    assert rest["shipping"]["amount_minor"] == 0
    await shop.call("initiate_refund", order_id="1", lines=[{"line": 1}, {"line": 2}], **MONEY)
    assert (await one(shop, Order, "ord_1")).payment_status == "refunded"


NOT_ADDING_UP: list[tuple[dict[str, Any], str, str | None]] = [
    ({"order_id": "1", "payment_id": "P-1", "amount_minor": 1}, "invalid_argument", None),
    ({"amount_minor": 1}, "invalid_argument", None),
    ({"order_id": "1", "amount_minor": 1, "lines": [{"line": 1}]}, "invalid_argument", None),
    ({"order_id": "1"}, "invalid_argument", None),
    ({"order_id": "1", "amount_minor": 1, "currency": "USD"}, "invalid_argument", "currency"),
    ({"order_id": "1", "amount_minor": 1, "include_shipping": True}, "invalid_argument", "include_shipping"),
    ({"order_id": "1", "amount_minor": 2701}, "limit_exceeded", None),
    ({"payment_id": "P-1", "amount_minor": 2701}, "limit_exceeded", None),
    ({"order_id": "1", "lines": [{"line": 1, "quantity": 3}]}, "state_conflict", "lines.0"),
    ({"order_id": "1", "amount_minor": -5}, "invalid_argument", "amount_minor"),
    ({"order_id": "1", "amount_minor": 1, "rma": "RMA-7"}, "not_found", "rma"),
    ({"order_id": "2", "amount_minor": 1}, "state_conflict", None),
]


async def test_a_refund_that_does_not_add_up_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    await open_shop(shop, order("1", *TWO), order("2", *TWO, method=None))
    for given, code, field in NOT_ADDING_UP:
        with subtests.test(given=given):
            error = await shop.refused("initiate_refund", **{**MONEY, **given})
            assert (error["code"], error.get("field")) == (code, field), error
            assert await rows(shop, Refund) == []


async def test_a_refund_of_an_order_comes_out_of_the_newest_payment_first(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO))
    second = Payment(
        id="pay_2",
        number="P-2",
        order_id="ord_1",
        sequence=2,
        method_id="pm_gift",
        status="captured",
        currency="EUR",
        amount_minor=500,
        captured_minor=500,
    )
    await shop.add(second)
    async with shop.database.transaction("wsp_test", write=True) as session:
        row = await session.get(Order, ("wsp_test", "ord_1"))
        assert row is not None
        row.captured_minor += 500
    done = await shop.call("initiate_refund", order_id="1", amount_minor=800, **MONEY)
    shares = [
        (refund["payment_id"], refund["method_id"], refund["amount"]["amount_minor"]) for refund in done["refunds"]
    ]
    assert shares == [("pay_2", "pm_gift", 500), ("pay_1", "pm_card", 300)]
    assert (await shop.refused("initiate_refund", payment_id="P-2", amount_minor=1, **MONEY))[
        "code"
    ] == "limit_exceeded"


async def test_a_return_is_paid_back_once_it_arrived_less_its_fee(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)))
    await shop.add(*rows_for({("restocking_fee_bps", "clothing"): 1000}))
    rma = (await shop.call("submit_return", order_id="1", lines=[{"line": 1, "quantity": 2}]))["rma"]
    lines = [{"line": 1, "quantity": 2}]
    waiting = await shop.call("preview_refund", rma=rma)
    assert (waiting["possible"], waiting["amount"]["amount_minor"]) == (False, 1800)
    assert (await shop.refused("initiate_refund", order_id="1", lines=lines, rma=rma, **MONEY))["field"] == "rma"
    assert (await shop.refused("initiate_refund", order_id="1", lines=lines, **MONEY))["code"] == "state_conflict"
    async with shop.database.transaction("wsp_test", write=True) as session:
        (back,) = (await session.scalars(select(Return))).all()
        back.status = "received"
    done = await shop.call("initiate_refund", order_id="1", lines=lines, rma=rma, **MONEY)
    assert (done["amount"]["amount_minor"], done["restocking_fee"]["amount_minor"]) == (1800, 200)
    (refund,) = await rows(shop, Refund)
    assert (refund.return_id, refund.lines_minor, refund.restocking_fee_minor) == (back.id, 2000, 200)


async def test_a_refund_for_a_return_is_at_most_what_its_goods_are_worth(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)))
    rma = (await shop.call("submit_return", order_id="1", lines=[{"line": 1, "quantity": 1}]))["rma"]
    await shop.call("approve_return", rma=rma)
    await shop.call("receive_return", rma=rma)
    over = await shop.refused("initiate_refund", order_id="1", amount_minor=1001, rma=rma, **MONEY)
    assert (over["code"], over["details"]["remaining_minor"]) == ("limit_exceeded", 1000)
    await shop.call("initiate_refund", order_id="1", amount_minor=400, rma=rma, **MONEY)
    whole = await shop.refused("initiate_refund", order_id="1", lines=[{"line": 1}], rma=rma, **MONEY)
    assert (whole["code"], whole["details"]["remaining_minor"]) == ("limit_exceeded", 600)
    await shop.call("initiate_refund", order_id="1", amount_minor=600, rma=rma, **MONEY)
    both = [shop.result("initiate_refund", order_id="1", amount_minor=1, rma=rma, **MONEY) for _ in range(2)]
    assert [result.is_error for result in await asyncio.gather(*both)] == [True, True]
    await shop.call("initiate_refund", order_id="1", amount_minor=1, **MONEY)  # beside the return it is the order's


async def test_refunds_at_the_same_moment_never_exceed_what_was_captured(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, method="gift"))
    results = await asyncio.gather(
        *(shop.result("initiate_refund", key=f"k{n}", order_id="1", amount_minor=1000, **MONEY) for n in range(6))
    )
    assert sorted(result.is_error for result in results) == [False, False, True, True, True, True]
    changed = await one(shop, Order, "ord_1")
    assert changed.refunded_minor == sum(refund.amount_minor for refund in await rows(shop, Refund)) == 2000
    assert (await one(shop, Payment, "pay_1")).refunded_minor == 2000
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 4000


async def test_a_gift_card_is_never_spent_twice_by_two_orders_at_once(shop: Shop) -> None:
    await open_shop(shop, *(order(str(n), ("SHIRT-M", 1)) for n in range(1, 5)))
    results = await asyncio.gather(
        *(
            shop.result(
                "update_order_payment_method", key=f"k{n}", order_id=str(n), payment_method_id="gift", reason="x"
            )
            for n in range(1, 5)
        )
    )
    assert sorted(result.is_error for result in results) == [False, True, True, True]
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 750


async def test_refunds_of_different_orders_do_not_stand_in_each_others_way(shop: Shop) -> None:
    await open_shop(shop, *(order(str(n), ("SHIRT-M", 1)) for n in range(1, 7)))
    done = await asyncio.gather(
        *(shop.call("initiate_refund", key=f"k{n}", order_id=str(n), amount_minor=100, **MONEY) for n in range(1, 7))
    )
    numbers = {refund["number"] for result in done for refund in result["refunds"]}
    assert len(numbers) == 6
