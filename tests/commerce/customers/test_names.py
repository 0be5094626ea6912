"""search_customers over many names and many customers: the same people in the same order, however they are found."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.books import customer
from tests.commerce.conftest import WORKSPACE, Shop
from tradepost.commerce.customers import names
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.customers.search import TOOLS
from tradepost.commerce.store import listing

PEOPLE = (
    ("Berta", "Vandenberg", None),
    ("Albert", "Bergman", "Alpen Hotels"),
    ("Alberta", "Adams", "Berger & Co"),
    ("Bo", "Adams", "Vela"),
    ("Éva", "BERGSTRÖM", None),
    ("Jo", "Kim", "Bo Berg"),
    ("Jo", "Kim", None),
)
ORDER = sorted(range(len(PEOPLE)), key=lambda at: (PEOPLE[at][1], PEOPLE[at][0], f"cus_{at}"))


async def people(shop: Shop) -> None:
    shop.offer(TOOLS)
    rows = [
        customer(str(at), first_name=first, last_name=last, company=company)
        for at, (first, last, company) in enumerate(PEOPLE)
    ]
    await shop.add(*rows)


async def all_pages(shop: Shop, query: str) -> tuple[list[str], Any]:
    """Customer numbers in the order of the pages, and the total that each of them told."""
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while page.get("has_more", True):
        page = await shop.call("search_customers", query=query, limit=2, cursor=page["next_cursor"])
        found += [item["number"] for item in page["items"]]
    return found, page["total_estimate"]


FOUND: tuple[tuple[str, set[int]], ...] = (
    ("berg", {0, 1, 2, 4, 5}),
    ("bert", {0, 1, 2}),
    ("Berg Alb", {1, 2}),
    ("bo", {3, 5}),
    ("B.", {0, 1, 2, 3, 4, 5}),
    ("alpen hotels albert", {1}),
    ("É. bergström", {4}),
    ("kim", {5, 6}),
    ("berg kim", {5}),
    (".", set(range(len(PEOPLE)))),
    ("bergx", set()),
)


@pytest.mark.parametrize("counted", [10_000, 3])
async def test_pages_hold_who_fits_in_order(shop: Shop, monkeypatch: pytest.MonkeyPatch, counted: int) -> None:
    monkeypatch.setattr(listing, "EXACT_ESTIMATE_UP_TO", counted)  # beyond it they are found another way
    await people(shop)
    for query, expected in FOUND:
        found, total = await all_pages(shop, query)
        assert found == [f"CUST-{at}" for at in ORDER if at in expected], query
        assert total == (len(expected) if len(expected) <= counted else f"{counted}+")


async def test_very_many_different_names_are_found_as_few_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST_NAMES", 1)
    await people(shop)
    found, total = await all_pages(shop, "berg")
    assert (found, total) == ([f"CUST-{at}" for at in ORDER if at in {0, 1, 2, 4, 5}], 5)
    assert (await all_pages(shop, "B. berg"))[0] == [f"CUST-{at}" for at in ORDER if at in {0, 1, 2, 4, 5}]
    monkeypatch.setattr(listing, "EXACT_ESTIMATE_UP_TO", 3)
    assert await all_pages(shop, "berg") == (found, "3+")


async def test_who_is_renamed_is_found_by_the_new_name_alone(shop: Shop) -> None:
    await people(shop)
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        row = (await session.scalars(select(Customer).where(Customer.id == "cus_3"))).one()
        row.last_name, row.company = "Zwaan", None
    assert (await all_pages(shop, "zwa"))[0] == ["CUST-3"]
    assert (await all_pages(shop, "Bo Adams"))[0] == []
    assert (await all_pages(shop, "vela"))[0] == []


async def test_names_of_another_shop_are_not_found(shop: Shop) -> None:
    await people(shop)
    await shop.add(customer("x", first_name="Else", last_name="Where"), workspace="wsp_other")
    assert (await all_pages(shop, "where"))[0] == []
    other = await shop.call("search_customers", query="where", workspace="wsp_other")
    assert [item["number"] for item in other["items"]] == ["CUST-x"]
