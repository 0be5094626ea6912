"""search_orders: filters that all hold, a stable order, and no way to feel through customers."""

from typing import Any

import orjson
import pytest

from tests.commerce.books import customer, days, line, order, variant, warehouse
from tests.commerce.conftest import Shop
from tests.commerce.flows.lateness_rows import ground
from tradepost.commerce.flows.orders.order_search import TOOLS
from tradepost.commerce.serving.schema import MAX_INPUT_BYTES
from tradepost.foundation.clock import to_rfc3339


async def numbers(shop: Shop, **filters: Any) -> list[str]:
    return [item["number"] for item in (await shop.call("search_orders", **filters))["items"]]


async def stocked(shop: Shop) -> None:
    shop.offer(TOOLS)
    ada = customer("ada", first_name="Ada", last_name="O'Neil 100%", company="Acme_Co")
    orders = [
        order("1", placed_at=days(-4), payment_status="paid", external_id="#X1", warehouse_id="loc_W1"),
        order("2", placed_at=days(-3), payment_status="paid", fulfillment_status="fulfilled", promised_to=days(1)),
        order("3", placed_at=days(-1), payment_status="paid", po_number="PO-77"),
        order("4", placed_at=days(-5), status="canceled", customer_id="cus_ada", promised_to=days(3)),
    ]
    lines = [line(orders[0], 1, "A"), line(orders[1], 1, "B"), line(orders[2], 1, "B", status="removed")]
    await shop.add(*ground(), ada, variant("B"), *orders, *lines)


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["3", "2", "1", "4"]),
    ({"status": "canceled"}, ["4"]),
    ({"payment_status": "paid", "fulfillment_status": "fulfilled"}, ["2"]),
    ({"customer_id": "CUST-ada"}, ["4"]),
    ({"sku": "A"}, ["1"]),
    ({"sku": "sku:B"}, ["2"]),
    ({"warehouse_id": "W1"}, ["1"]),
    ({"promised_from": to_rfc3339(days(2))}, ["4"]),
    ({"promised_to": to_rfc3339(days(2))}, ["2"]),
    ({"placed_from": to_rfc3339(days(-3)), "placed_to": to_rfc3339(days(-2.9))}, ["2"]),
    ({"q": "#1"}, ["1"]),
    ({"q": "#X1"}, ["1"]),
    ({"q": "PO-77"}, ["3"]),
    ({"q": "ADA@example.com"}, ["4"]),
    ({"q": "ada o'neil  100%"}, ["4"]),
    ({"q": "acme_co"}, ["4"]),
    ({"q": "%"}, []),
    ({"q": "acme%"}, []),
    ({"q": "ada"}, []),
]


async def test_filters_narrow_the_list(shop: Shop, subtests: pytest.Subtests) -> None:
    await stocked(shop)
    for filters, expected in FILTERS:
        with subtests.test(filters=filters):
            assert await numbers(shop, **filters) == expected


async def test_paid_orders_waiting_longer_than_two_days(shop: Shop) -> None:
    await stocked(shop)
    filters = {"status": "open", "payment_status": "paid", "fulfillment_status": "unfulfilled"}
    assert await numbers(shop, **filters, placed_to=to_rfc3339(days(-2))) == ["1"]


async def test_detail_and_fields_say_how_much_comes(shop: Shop) -> None:
    await stocked(shop)
    (small,) = (await shop.call("search_orders", q="1", detail="summary"))["items"]
    assert small["total"]["display"] == "€10.00"
    assert "version" not in small
    (full,) = (await shop.call("search_orders", q="1", detail="full"))["items"]
    assert full["lines"] == [{"sku": "A", "name": "A", "quantity": 1, "shipped": 0}]
    assert full["lateness"]["late"] is False
    assert full["customer_name"] == "Jo Smith"
    (two,) = (await shop.call("search_orders", q="1", fields=["status"]))["items"]
    assert two == {"id": "ord_1", "status": "open"}
    assert (await shop.refused("search_orders", fields=["nonsense"]))["field"] == "fields"


async def test_pages_cover_everything_once(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(*ground(), *[order(str(n), placed_at=days(-(n % 3))) for n in range(11)])
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        found = await shop.call("search_orders", limit=4, detail="summary", **cursor)
        seen += [item["number"] for item in found["items"]]
        assert found["total_estimate"] == 11
        if not found["has_more"]:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert sorted(seen, key=int) == [str(n) for n in range(11)]


async def test_none_is_a_sentence_and_mistakes_are_named(shop: Shop) -> None:
    await stocked(shop)
    result = await shop.result("search_orders", q="nobody")
    assert result.content[0]["text"] == "No orders found matching 'nobody'."
    span = {"placed_from": to_rfc3339(days(0)), "placed_to": to_rfc3339(days(-1))}
    assert (await shop.refused("search_orders", **span))["field"] == "placed_from"
    assert (await shop.refused("search_orders", customer_id="nobody"))["field"] == "customer_id"
    assert (await shop.refused("search_orders", status="lost"))["field"] == "status"
    assert await numbers(shop, workspace="wsp_other") == []


async def test_same_warehouse_code_of_another_workspace_is_not_seen(shop: Shop) -> None:
    await stocked(shop)
    await shop.add(warehouse("W9"), workspace="wsp_other")
    assert (await shop.refused("search_orders", warehouse_id="W9"))["code"] == "not_found"


def test_schema_is_small_enough() -> None:
    (tool,) = TOOLS
    assert len(orjson.dumps(tool.input_schema)) <= MAX_INPUT_BYTES
