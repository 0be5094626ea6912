"""Exchanges: delivered units for other variants, the difference priced, nothing moved."""

from typing import Any

import pytest

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import STRICT, ago, one, open_shop, order, rows
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import ExchangeLine, Return

TWO = (("SHIRT-S", 2), ("MUG-R", 1))
LARGER = {"variant": "SHIRT-S", "new_variant": "SHIRT-M"}
CHEAPER = {"line": 2, "new_variant": "MUG-B"}


async def test_an_exchange_records_pairs_and_difference_and_moves_nothing(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)))
    done = await shop.call("create_exchange", order_id="1", lines=[LARGER, CHEAPER], payment_method_id="gift")
    assert done["price_difference"]["amount_minor"] == 250 - 200
    assert [(pair["sku"], pair["new_sku"]) for pair in done["lines"]] == [("SHIRT-S", "SHIRT-M"), ("MUG-R", "MUG-B")]
    row = await one(shop, Return, done["return_id"])
    assert (row.resolution, row.payment_method_id, row.price_difference_minor) == ("exchange", "pm_gift", 50)
    assert sorted(line.unit_price_minor for line in await rows(shop, ExchangeLine)) == [500, 1250]
    assert (await one(shop, PaymentMethod, "pm_gift")).balance_minor == 2000
    assert (await one(shop, StockLevel, "stk_SHIRT-M")).available == 3
    assert len(await rows(shop, Payment)) == 1
    assert await rows(shop, Refund) == []


async def test_an_open_return_becomes_an_exchange_of_all_its_units(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)))
    rma = (await shop.call("submit_return", order_id="1", lines=[{"line": 1, "quantity": 2}], refund_to="gift"))["rma"]
    assert (await shop.refused("create_exchange", rma=rma, lines=[LARGER]))["field"] == "lines"
    both = [{**LARGER, "quantity": 2}]
    done = await shop.call("create_exchange", rma=rma, lines=both, payment_method_id="card")
    assert (done["rma"], done["price_difference"]["amount_minor"]) == (rma, 500)
    row = await one(shop, Return, done["return_id"])
    assert (row.resolution, row.refund_method_id) == ("exchange", None)
    assert (await shop.refused("create_exchange", rma=rma, lines=both))["code"] == "state_conflict"
    error = await shop.refused("approve_return", rma=rma, resolution="refund")
    assert error["field"] == "resolution"


async def test_without_lines_every_unit_is_replaced_by_the_same_variant(shop: Shop) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)))
    done = await shop.call("create_exchange", order_id="1")
    assert {(pair["sku"], pair["new_sku"], pair["quantity"]) for pair in done["lines"]} == {
        ("SHIRT-S", "SHIRT-S", 2),
        ("MUG-R", "MUG-R", 1),
    }
    assert done["price_difference"]["amount_minor"] == 0


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"rma": "RMA-1", "order_id": "1", "lines": [LARGER]}, "invalid_argument"),
    ({"lines": [LARGER]}, "invalid_argument"),
    ({"order_id": "1", "lines": [LARGER]}, "invalid_argument"),  # a difference, and no method named
    ({"order_id": "1", "lines": [LARGER], "payment_method_id": "other"}, "not_found"),
    ({"order_id": "1", "lines": [{**LARGER, "new_variant": "SHIRT-L"}]}, "state_conflict"),
    ({"order_id": "1", "lines": [{**LARGER, "new_variant": "SHIRT-S"}]}, "invalid_argument"),
    ({"order_id": "1", "lines": [{**LARGER, "new_variant": "MUG-B"}]}, "invalid_argument"),
    ({"order_id": "1", "lines": [{**LARGER, "quantity": 3}]}, "state_conflict"),
    ({"order_id": "1", "lines": [{"line": 2, "new_variant": "MUG-G"}]}, "state_conflict"),
    ({"order_id": "2", "lines": [{"line": 1, "new_variant": "MUG-Y"}]}, "state_conflict"),
]


async def test_an_impossible_exchange_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    await open_shop(shop, order("1", *TWO, delivered_at=ago(3)), order("2", ("MUG-R", 1)), policy=STRICT)
    for given, code in IMPOSSIBLE:
        with subtests.test(given=given):
            error = await shop.refused("create_exchange", **given)
            assert error["code"] == code, error
            assert await rows(shop, Return) == []


async def test_a_gift_card_must_hold_the_difference(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-B", 5), delivered_at=ago(3)))
    dearer = [{"line": 1, "quantity": 3, "new_variant": "SHIRT-M"}]
    error = await shop.refused("create_exchange", order_id="1", lines=dearer, payment_method_id="gift")
    assert error["details"] == {"balance_minor": 2000, "needed_minor": 2250}
