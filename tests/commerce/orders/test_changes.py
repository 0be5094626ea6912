"""Notes, holds and addresses: what an order takes while it is still in the house."""

from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import STRICT, ago, one, open_shop, order, rows
from tradepost.commerce.orders.models import Order, OrderNote
from tradepost.commerce.store.models import StoreEvent

NEW = {"line1": "Gracht 2", "city": "Leiden", "postal_code": "2311", "country": "Netherlands"}


async def test_a_note_is_kept_with_its_author_and_says_when(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    added = await shop.call("add_order_note", order_id="#1", note=" Call before\u200b delivery ")
    (note,) = await rows(shop, OrderNote)
    assert (note.body, note.author_kind, note.author) == ("Call before delivery", "staff", "operator:test")
    assert added["note_id"] == note.id
    assert (await shop.refused("add_order_note", order_id="1", note="\u200b"))["field"] == "note"


async def test_a_hold_stops_an_order_and_a_release_lets_it_go(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    held = await shop.call("set_order_hold", order_id="1", hold=True, reason="check address")
    assert held["order"]["status"] == held["order"]["fulfillment_status"] == "on_hold"
    assert held["order"]["version"] == 2
    assert (await shop.refused("set_order_hold", order_id="1", hold=True, reason="again"))["code"] == "state_conflict"
    released = await shop.call("set_order_hold", order_id="1", hold=False)
    assert (released["order"]["status"], released["order"]["fulfillment_status"]) == ("open", "unfulfilled")
    assert [event.type for event in await rows(shop, StoreEvent)] == ["order:held", "order:released"]


@pytest.mark.parametrize(("hold", "reason"), [(True, None), (True, "  "), (False, "done")])
async def test_a_hold_needs_a_reason_and_a_release_takes_none(shop: Shop, hold: bool, reason: str | None) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    assert (await shop.refused("set_order_hold", order_id="1", hold=hold, reason=reason))["field"] == "reason"


async def test_an_address_is_replaced_as_a_whole(shop: Shop) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    done = await shop.call("update_order_address", order_id="1", address=NEW)
    assert done["shipping_address"]["line1"] == "***"
    assert (await one(shop, Order, "ord_1")).shipping_address == {**NEW, "line2": "", "region": ""}
    await shop.call("update_order_address", order_id="1")
    assert (await one(shop, Order, "ord_1")).shipping_address["line1"] == "Kade 1"


@pytest.mark.parametrize(
    "broken", [{"city": "--"}, {"line1": "a\nb"}, {"country": "12"}, {"postal_code": "\u202e12"}], ids=str
)
async def test_an_address_that_fits_no_label_is_refused(shop: Shop, broken: dict[str, str]) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1)))
    error = await shop.refused("update_order_address", order_id="1", address={**NEW, **broken})
    assert (error["code"], error["field"]) == ("invalid_argument", f"address.{next(iter(broken))}")


@pytest.mark.parametrize(
    "state",
    [
        {"status": "canceled"},
        {"status": "completed"},
        {"picked_at": NOW},
        {"fulfillment_status": "in_progress"},
        {"delivered_at": ago(1)},
        {"item_edits": 1},
    ],
    ids=str,
)
async def test_an_address_is_settled_once_the_order_is_picked_over_or_locked(shop: Shop, state: dict[str, Any]) -> None:
    await open_shop(shop, order("1", ("MUG-R", 1), **state), policy=STRICT)
    assert (await shop.refused("update_order_address", order_id="1", address=NEW))["code"] == "state_conflict"
    assert (await one(shop, Order, "ord_1")).shipping_address["line1"] == "Kade 1"
