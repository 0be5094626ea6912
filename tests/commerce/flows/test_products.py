"""search_products and get_product: what is sold, at which price, and whether it can be had."""

from typing import Any

import orjson
import pytest

from tests.commerce.books import product, variant, warehouse
from tests.commerce.conftest import Shop
from tests.commerce.flows.lateness_rows import stock
from tradepost.commerce.flows.accounts import product_detail, product_search


def shelf() -> list[Any]:
    rows = [
        warehouse(),
        product(category="Tops", brand="Acme", external_id="77"),
        product("p2", category="Cups"),
        product("p3", status="draft"),
        variant("A", options={"size": "M"}, price_minor=1200),
        variant("B", options={"size": "L"}, price_minor=1500),
        variant("C", status="recalled"),
        variant("D", status="discontinued"),
        variant("E", tracks_stock=False, sellable=False),
        variant("F", tracks_stock=False, sellable=True, external_id="4107"),
        variant("G", attributes={"preorder": True}),
        variant("H"),
        variant("X", product_id="prd_p2"),
    ]
    return [*rows, stock(3, sku="A"), stock(0, sku="B", incoming=5), stock(9, sku="C"), stock(0, sku="H")]


async def test_availability_says_whether_it_can_be_had(shop: Shop) -> None:
    shop.offer(product_detail.TOOLS)
    await shop.add(*shelf())
    view = await shop.call("get_product", product_id="P-p1")
    assert {each["sku"]: each["availability"] for each in view["variants"]} == {
        "A": "in_stock",
        "B": "backorder",
        "C": "out_of_stock",
        "D": "discontinued",
        "E": "out_of_stock",
        "F": "in_stock",
        "G": "preorder",
        "H": "out_of_stock",
    }
    by_sku = {each["sku"]: each for each in view["variants"]}
    assert by_sku["C"]["recalled"] is True
    assert (by_sku["A"]["available"], by_sku["F"]["available"]) == (3, None)
    assert by_sku["A"]["price"]["display"] == "€12.00"


@pytest.mark.parametrize("arguments", [{"sku": "F"}, {"sku": "sku:F"}, {"sku": "4107"}, {"product_id": "4107"}])
async def test_variant_leads_to_its_product_and_comes_first(shop: Shop, arguments: dict[str, Any]) -> None:
    shop.offer(product_detail.TOOLS)
    await shop.add(*shelf())
    view = await shop.call("get_product", **arguments)
    assert (view["number"], view["matched_variant_id"], view["variants"][0]["sku"]) == ("P-p1", "var_F", "F")
    assert "attributes" in view["variants"][0]


async def test_exactly_one_reference_is_taken(shop: Shop) -> None:
    shop.offer(product_detail.TOOLS)
    await shop.add(*shelf())
    assert (await shop.call("get_product", product_id="77"))["number"] == "P-p1"
    assert (await shop.refused("get_product"))["code"] == "invalid_argument"
    assert (await shop.refused("get_product", product_id="77", sku="A"))["field"] == "sku"
    assert (await shop.refused("get_product", product_id="nothing"))["code"] == "not_found"
    assert (await shop.refused("get_product", sku="A", workspace="wsp_other"))["code"] == "not_found"


FOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["P-p1", "P-p2"]),
    ({"q": "P1"}, ["P-p1"]),
    ({"q": "acme tops"}, ["P-p1"]),
    ({"q": "%"}, []),
    ({"category": "cups"}, ["P-p2"]),
    ({"sku": "X"}, ["P-p2"]),
    ({"q": "4107"}, ["P-p1"]),
    ({"in_stock": True}, ["P-p1"]),
    ({"in_stock": False}, ["P-p2"]),
    ({"q": "p3"}, []),
]


@pytest.mark.behaviour("S2.7")
async def test_products_are_found(shop: Shop, subtests: pytest.Subtests) -> None:
    shop.offer(product_search.TOOLS)
    await shop.add(*shelf())
    for filters, expected in FOUND:
        with subtests.test(filters=filters):
            assert [item["number"] for item in (await shop.call("search_products", **filters))["items"]] == expected


async def test_list_shows_range_availability_and_variants_on_request(shop: Shop) -> None:
    shop.offer(product_search.TOOLS)
    await shop.add(*shelf())
    (row,) = (await shop.call("search_products", q="p1", detail="full"))["items"]
    assert (row["price_from"]["amount_minor"], row["price_to"]["amount_minor"]) == (1000, 1500)
    assert (row["availability"], row["recalled"], row["variant_count"], len(row["variants"])) == (
        "in_stock",
        True,
        8,
        8,
    )
    result = await shop.result("search_products", q="teapot")
    assert result.content[0]["text"] == "No products found matching 'teapot'."


async def test_resource_gives_what_the_tool_gives(shop: Shop) -> None:
    server = shop.offer(product_detail.TOOLS, product_detail.RESOURCES)
    await shop.add(*shelf())
    (content,) = (await server.read(shop.caller(), "product://A"))["contents"]
    assert orjson.loads(content["text"]) == await shop.call("get_product", sku="A")
