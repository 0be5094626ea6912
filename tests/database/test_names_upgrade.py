"""A shop of an earlier release: after the upgrade its customers are found by parts of their names."""

from typing import Any

from sqlalchemy import text

from tests.commerce.conftest import WORKSPACE, Shop
from tests.database.earlier_release import earlier
from tests.engines import DatabaseUrls
from tradepost.commerce.customers.search import TOOLS
from tradepost.commerce.store.models import StoreSettings
from tradepost.database import migrate
from tradepost.database.engine import Database

BEFORE = "0003"


def write_old_shop(url: str) -> None:
    """A database as an earlier release left it, with two customers."""
    with earlier(url, "store", BEFORE) as connection:
        for number, first, last, company in (("1", "Åsa", "Lindgren", None), ("2", "", "", "Lindgren & Zoon")):
            connection.execute(
                text(
                    "INSERT INTO customers (workspace_id, id, number, kind, status, first_name, last_name, company, "
                    "email, email_folded, address, language, marketing_email_consent, marketing_sms_consent, version, "
                    "created_at, updated_at) VALUES (:workspace, :id, :number, 'registered', 'active', :first, :last, "
                    ":company, :email, :email, '{}', 'en', false, false, 1, :at, :at)"
                ),
                {
                    "workspace": WORKSPACE,
                    "id": f"cus_{number}",
                    "number": number,
                    "first": first,
                    "last": last,
                    "company": company,
                    "email": f"{number}@example.com",
                    "at": "2026-01-01 00:00:00.000000",
                },
            )


async def test_customers_of_an_earlier_release_are_found(database_urls: DatabaseUrls) -> None:
    write_old_shop(database_urls.store)
    assert migrate.upgrade(database_urls.store, "store").revision == BEFORE
    shop = Shop(Database(database_urls.store), set())
    await shop.add(StoreSettings(id="settings", name="Test shop", currency="EUR"))
    shop.offer(TOOLS)

    async def found(query: str) -> list[Any]:
        return [item["number"] for item in (await shop.call("search_customers", query=query))["items"]]

    assert await found("indgre") == ["2", "1"]
    assert await found("åsa l.") == ["1"]
    assert await found("Zoon") == ["2"]
    await shop.database.close()
