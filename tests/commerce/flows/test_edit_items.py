"""Editing items: units are swapped line by line, stock and money follow, policy decides what is allowed."""

from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import STRICT, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund

SWAP = {"variant": "SHIRT-S", "new_variant": "SHIRT-M"}
WHY = "asked by the customer"


async def test_a_dearer_variant_is_charged_and_stock_moves_over(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1), ("MUG-R", 1)))
    done = await shop.call("edit_order_items", order_id="1", reason=WHY, exchange=[SWAP], payment_method_id="gift")
    assert done["difference"]["amount_minor"] == done["settled"]["amount_minor"] == 250
    line = await one(shop, OrderLine, "oln_1_1")
    assert (line.sku, line.unit_price_minor, line.total_minor, line.options) == ("SHIRT-M", 1250, 1250, {"kind": "M"})
    changed = await one(shop, Order, "ord_1")
    assert (changed.total_minor, changed.captured_minor, changed.item_edits) == (1950, 1950, 1)
    assert changed.payment_status == "paid"
    payment = (await rows(shop, Payment, Payment.sequence == 2))[0]
    assert (payment.method_id, payment.captured_minor) == ("pm_gift", 250)
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 1750
    small, large = [await one(shop, StockLevel, f"stk_SHIRT-{size}") for size in "SM"]
    assert (small.available, small.committed) == (11, 1)
    assert (large.available, large.committed) == (2, 1)


async def test_a_cheaper_variant_is_refunded_to_the_method_that_was_named(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    swap = {"line": 1, "new_variant": "x-MUG-B"}
    done = await shop.call("edit_order_items", order_id="1", reason=WHY, exchange=[swap], payment_method_id="pm_gift")
    assert done["settled"]["amount_minor"] == -200
    (refund,) = await rows(shop, Refund)
    assert (refund.payment_id, refund.method_id, refund.amount_minor) == ("pay_1", "pm_gift", 200)
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 2200
    assert (await one(shop, Order, "ord_1")).payment_status == "paid"


async def test_an_edit_without_difference_leaves_a_zero_entry_on_a_named_method_only(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)), order("2", ("MUG-R", 1)))
    swap = {"line": 1, "new_variant": "MUG-Y"}
    await shop.call("edit_order_items", order_id="1", reason=WHY, exchange=[swap])
    assert await rows(shop, Refund) == []
    await shop.call("edit_order_items", order_id="2", reason=WHY, exchange=[swap], payment_method_id="wallet")
    (refund,) = await rows(shop, Refund)
    assert (refund.amount_minor, refund.sequence, refund.method_id) == (0, 2, "pm_wallet")


async def test_units_split_a_line_and_come_back_as_new_lines(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), ("MUG-R", 3), method=None))
    done = await shop.call(
        "edit_order_items",
        order_id="1",
        reason=WHY,
        exchange=[SWAP],
        add=[{"variant": "MUG-B", "quantity": 2}],
        set_quantity=[{"line": 2, "quantity": 0}],
    )
    assert [(line["line"], line["sku"], line["quantity"]) for line in done["lines"]] == [
        (1, "SHIRT-S", 1),
        (3, "SHIRT-M", 1),
        (4, "MUG-B", 2),
    ]
    assert done["settled"]["amount_minor"] == 0
    changed = await one(shop, Order, "ord_1")
    assert changed.total_minor == changed.subtotal_minor == 1000 + 1250 + 1000
    removed = await one(shop, OrderLine, "oln_1_2")
    assert (removed.status, removed.quantity, removed.total_minor) == ("removed", 0, 0)


async def test_tax_and_discount_follow_the_lines(shop: Shop) -> None:
    paid = order("1", ("MUG-R", 2), discount_minor=400, tax_minor=200, shipping_minor=300)
    await open_shop(shop, paid)
    quantity = [{"line": 1, "quantity": 1}]
    done = await shop.call(
        "edit_order_items", order_id="1", reason=WHY, set_quantity=quantity, payment_method_id="card"
    )
    changed = await one(shop, Order, "ord_1")
    assert (changed.subtotal_minor, changed.discount_minor, changed.tax_minor) == (700, 400, 60)
    assert changed.total_minor == 700 - 400 + 60 + 300
    assert done["settled"]["amount_minor"] == done["difference"]["amount_minor"] == -840


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({}, "invalid_argument"),
    ({"exchange": [{"variant": "SHIRT-S", "new_variant": "SHIRT-S"}]}, "invalid_argument"),
    ({"exchange": [{"variant": "SHIRT-S", "new_variant": "SHIRT-L"}]}, "state_conflict"),
    ({"exchange": [{"variant": "SHIRT-S", "new_variant": "SHIRT-X"}]}, "state_conflict"),
    ({"exchange": [{"variant": "MUG-R", "new_variant": "MUG-G"}]}, "state_conflict"),
    ({"exchange": [{"variant": "MUG-B", "new_variant": "MUG-R"}]}, "not_found"),
    ({"exchange": [{"variant": "nothing", "new_variant": "MUG-R"}]}, "not_found"),
    ({"exchange": [SWAP, SWAP, SWAP]}, "state_conflict"),
    ({"exchange": [{"line": 1, "variant": "SHIRT-S", "new_variant": "SHIRT-M"}]}, "invalid_argument"),
    ({"exchange": [{"new_variant": "SHIRT-M"}]}, "invalid_argument"),
    ({"exchange": [{"line": 9, "new_variant": "SHIRT-M"}]}, "not_found"),
    ({"exchange": [SWAP]}, "invalid_argument"),  # paid, and no method named
    ({"exchange": [SWAP], "payment_method_id": "other"}, "not_found"),
    ({"add": [{"variant": "SHIRT-M", "quantity": 4}], "payment_method_id": "card"}, "state_conflict"),
    ({"add": [{"variant": "MUG-R", "quantity": 9}], "payment_method_id": "gift"}, "state_conflict"),
    ({"set_quantity": [{"line": 1, "quantity": 2}]}, "invalid_argument"),
    (
        {"exchange": [SWAP], "set_quantity": [{"line": 1, "quantity": 1}], "payment_method_id": "card"},
        "invalid_argument",
    ),
    (
        {
            "set_quantity": [{"line": 1, "quantity": 0}, {"line": 2, "quantity": 0}],
            "payment_method_id": "card",
        },
        "state_conflict",
    ),
]


async def test_an_impossible_edit_is_refused_and_changes_nothing(shop: Shop, subtests: pytest.Subtests) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 2), ("MUG-R", 1)))
    for change, code in IMPOSSIBLE:
        with subtests.test(change=change):
            error = await shop.refused("edit_order_items", order_id="1", reason=WHY, **change)
            assert error["code"] == code, error
            assert (await one(shop, Order, "ord_1")).version == 1
            assert (await one(shop, OrderLine, "oln_1_1")).version == 1


@pytest.mark.parametrize("state", [{"picked_at": NOW}, {"status": "canceled"}, {"item_edits": 1}], ids=str)
async def test_a_late_edit_is_refused(shop: Shop, state: dict[str, Any]) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1), **state), policy=STRICT)
    error = await shop.refused("edit_order_items", order_id="1", reason=WHY, exchange=[SWAP], payment_method_id="card")
    assert error["code"] == "state_conflict"


async def test_the_policy_names_what_an_edit_may_do(shop: Shop) -> None:
    await open_shop(shop, order("1", ("SHIRT-S", 1)), policy=STRICT)
    added = await shop.refused("edit_order_items", order_id="1", reason=WHY, add=[{"variant": "MUG-R"}])
    assert (added["field"], added["details"]["policy"]) == ("add", "item_edit_actions")
    other = [{"line": 1, "new_variant": "MUG-R"}]
    error = await shop.refused("edit_order_items", order_id="1", reason=WHY, exchange=other, payment_method_id="card")
    assert "same product" in error["message"]
    await shop.call("edit_order_items", order_id="1", reason=WHY, exchange=[SWAP], payment_method_id="card")
    back = [{"line": 1, "new_variant": "SHIRT-S"}]
    again = await shop.refused("edit_order_items", order_id="1", reason=WHY, exchange=back, payment_method_id="card")
    assert again["details"]["policy"] == "locked_after_item_edit"
    assert (await shop.refused("cancel_order", order_id="1", reason="no longer needed"))["code"] == "state_conflict"
