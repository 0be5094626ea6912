"""search_customers: names, companies, e-mails, numbers, postal codes, and no peeking at masked data."""

from typing import Any

import pytest

from tests.commerce.books import ADDRESS, customer
from tests.commerce.conftest import Shop
from tradepost.commerce.customers.search import TOOLS


async def people(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(
        customer("1", first_name="John", last_name="Smith", address={**ADDRESS, "postal_code": "00123"}),
        customer("2", first_name="Jane", last_name="Smith", address={**ADDRESS, "postal_code": "1012 AB"}),
        customer("4", first_name="Inès", last_name="Öz"),
        customer("3", first_name="Ana", last_name="O'Brien_%", company="Smithsonian 50% Ltd", external_id="ana_3"),
    )


async def numbers(shop: Shop, query: str, **filters: Any) -> list[str]:
    return [item["number"] for item in (await shop.call("search_customers", query=query, **filters))["items"]]


FOUND: list[tuple[str, dict[str, Any], list[str]]] = [
    ("J. Smith", {}, ["CUST-2", "CUST-1"]),
    ("john smith", {}, ["CUST-1"]),
    ("INÈS öZ", {}, ["CUST-4"]),
    ("Smith", {}, ["CUST-3", "CUST-2", "CUST-1"]),
    ("smith", {"postal_code": "00123"}, ["CUST-1"]),
    ("Jane Smith", {"postal_code": "1012ab"}, ["CUST-2"]),
    ("Jane Smith", {"postal_code": "123"}, []),
    ("2@EXAMPLE.com", {}, ["CUST-2"]),
    ("#CUST-3", {}, ["CUST-3"]),
    ("ana_3", {}, ["CUST-3"]),
    ("cus_1", {}, ["CUST-1"]),
    ("50%", {}, ["CUST-3"]),
    ("_%", {}, []),
    ("%%%", {}, []),
    ("n_%", {}, ["CUST-3"]),
    ("@example", {}, []),
]


@pytest.mark.behaviour("S4.3")
async def test_customers_are_found(shop: Shop, subtests: pytest.Subtests) -> None:
    await people(shop)
    for query, filters, expected in FOUND:
        with subtests.test(query=query, filters=filters):
            assert await numbers(shop, query, **filters) == expected


async def test_parts_of_an_email_match_only_for_who_may_see_it(shop: Shop) -> None:
    await people(shop)
    assert await numbers(shop, "@example.com") == []
    shop.scopes.add("read:customers.pii")
    assert len(await numbers(shop, "@example.com")) == 4


@pytest.mark.behaviour("S4.5")
async def test_nobody_is_a_sentence(shop: Shop) -> None:
    await people(shop)
    result = await shop.result("search_customers", query="Nobody")
    assert result.content[0]["text"] == "No customers found matching 'Nobody'."
    assert (await shop.refused("search_customers", query="   "))["field"] == "query"
    assert await numbers(shop, "Smith", workspace="wsp_other") == []


async def test_contact_data_is_masked_and_five_are_the_default(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(*[customer(str(n), last_name="Many", phone="+3110123") for n in range(7)])
    found = await shop.call("search_customers", query="Many")
    assert (len(found["items"]), found["has_more"], found["total_estimate"]) == (5, True, 7)
    assert found["items"][0]["email"].endswith("***@example.com")
    assert found["items"][0]["phone"] == "***23"
    summary = await shop.call("search_customers", query="Many", detail="summary")
    assert "email" not in summary["items"][0]
