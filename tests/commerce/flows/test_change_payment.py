"""Moving an order's payment: the new method pays in full first, then the old one gets its money back."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import STRICT, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment, Refund


async def test_money_moves_from_the_old_method_to_the_new_one(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1), method="gift"))
    done = await shop.call("update_order_payment_method", order_id="1", payment_method_id="wallet", reason="As asked")
    assert (done["amount"]["amount_minor"], done["refunds"][0]["method"]) == (1000, "gift card")
    changed = await one(shop, Order, "ord_1")
    assert (changed.captured_minor, changed.refunded_minor, changed.payment_status) == (2000, 1000, "paid")
    (new,) = await rows(shop, Payment, Payment.sequence == 2)
    (refund,) = await rows(shop, Refund)
    assert (new.method_id, refund.sequence, refund.payment_id) == ("pm_wallet", 3, "pay_1")
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 3000
    again = await shop.refused("update_order_payment_method", order_id="1", payment_method_id="card", reason="As asked")
    assert again["details"] == {"payments": 2, "refunds": 1}


async def test_the_only_other_method_need_not_be_named(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1)))
    unclear = await shop.refused("update_order_payment_method", order_id="1", reason="As asked")
    assert (unclear["field"], "gift (gift card), wallet (paypal)" in unclear["hint"]) == ("payment_method_id", True)
    async with shop.database.transaction("wsp_test", write=True) as session:
        await session.delete((await session.scalars(select(PaymentMethod).where(PaymentMethod.id == "pm_gift"))).one())
    version = (await one(shop, Order, "ord_1")).version
    done = await shop.call("update_order_payment_method", order_id="1", reason="As asked")
    assert done["method"] == "paypal"
    assert (await one(shop, Order, "ord_1")).version > version


async def test_an_authorization_is_released_and_made_anew(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1), method=None))
    await shop.add(
        Payment(
            id="pay_1",
            number="P-1",
            order_id="ord_1",
            sequence=1,
            method_id="pm_card",
            status="authorized",
            currency="EUR",
            amount_minor=1000,
        )
    )
    done = await shop.call("update_order_payment_method", order_id="1", payment_method_id="wallet", reason="As asked")
    assert (done["payment_status"], done["refunds"]) == ("authorized", [])
    assert (await one(shop, Order, "ord_1")).version == 2  # its sums stay, it changed all the same
    assert (await one(shop, Payment, "pay_1")).status == "voided"


@pytest.mark.parametrize(
    ("method", "state", "code"),
    [
        ("card", {}, "invalid_argument"),
        ("other", {}, "not_found"),
        ("nothing", {}, "not_found"),
        ("wallet", {"picked_at": NOW}, "state_conflict"),
        ("wallet", {"status": "canceled"}, "state_conflict"),
        ("wallet", {"item_edits": 1}, "state_conflict"),
    ],
    ids=str,
)
async def test_a_payment_that_cannot_move_stays(shop: Shop, method: str, state: dict[str, Any], code: str) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1), **state), policy=STRICT)
    error = await shop.refused("update_order_payment_method", order_id="1", payment_method_id=method, reason="As asked")
    assert error["code"] == code
    assert len(await rows(shop, Payment)) == 1


async def test_a_gift_card_must_hold_the_whole_amount(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 3)))
    error = await shop.refused("update_order_payment_method", order_id="1", payment_method_id="gift", reason="As asked")
    assert error["details"] == {"balance_minor": 2000, "needed_minor": 3000}
