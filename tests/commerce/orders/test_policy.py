"""The order policy: rows become typed rules, missing rows their defaults, wrong values are refused."""

import pytest

from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.orders.policy import OrderRules, load_rules, rows_for
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict


async def read(shop: Shop) -> OrderRules:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return await load_rules(Store(session, shop.caller(), shop.caller, "EUR"))  # type: ignore[arg-type]


async def test_a_shop_without_rows_goes_by_the_defaults(shop: Shop) -> None:
    rules = await read(shop)
    assert rules.return_window_days("anything") == 30
    assert rules.max_item_edits() is None
    assert not rules.locked_after_item_edit()
    assert "original" in rules.refund_destinations()
    assert rules.clause("return_window_days") is None


async def test_rows_are_read_back_with_their_types(shop: Shop) -> None:
    rows = rows_for({"return_window_days": None, ("return_window_days", "shoes"): 45, "cancel_reasons": ["A", "b"]})
    rows[1].clause_id = "RET-2"
    await shop.add(*rows)
    rules = await read(shop)
    assert rules.return_window_days(None) is None
    assert rules.return_window_days("shoes") == 45
    assert rules.clause("return_window_days", "shoes") == "RET-2"
    assert rules.cancel_reasons() == ["A", "b"]


@pytest.mark.parametrize("values", [{"no_such_rule": 1}, {"max_item_edits": -1}, {"refund_from": "later"}])
def test_rows_for_what_is_no_rule_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        rows_for(values)  # type: ignore[arg-type]


async def test_a_stored_value_that_cannot_be_used_is_named(shop: Shop) -> None:
    await shop.add(OrderPolicy(id="opl_1", name="max_item_edits", value="many"))
    rules = await read(shop)
    with pytest.raises(StateConflict, match="max_item_edits"):
        rules.max_item_edits()
