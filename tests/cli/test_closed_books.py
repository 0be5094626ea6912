"""The books by the command, and CSV files that reach into the closed time. On both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.csv_shop import ORDERS, PURCHASES, TRACKING, CsvShop, Prepared
from tests.engines import DatabaseUrls, Template
from tests.processes import Place

JANUARY = "the books are closed through 2026-01-31, the first open day is 2026-02-01"
HEAD = """Name,Email,Financial Status,Paid at,Outstanding Balance,Refunded Amount,Fulfillment Status,Fulfilled at,\
Cancelled at,delivered_at,Currency,Total,Created at,Lineitem quantity,Lineitem price,Lineitem sku
"""
ROW = """#7,jo@example.com,{status},{paid},{owed},{back},{state},{gone},{canceled},{delivered},EUR,24.90,\
{placed},1,24.90,TEE-M
"""
PLAIN = {
    "status": "partially_paid",
    "paid": "",
    "owed": "14.90",
    "back": "",
    "state": "unfulfilled",
    "gone": "",
    "canceled": "",
    "delivered": "",
    "placed": "2026-01-20 10:00:00 +0000",
}
LATE, OPEN = "2026-01-31 23:59:59 +0000", "2026-02-01 00:00:00 +0000"


def sold(**changes: str) -> str:
    return HEAD + ROW.format(**{**PLAIN, **changes})


@pytest.fixture
def database_template() -> Template:
    return Prepared(filled=True).template


@pytest.fixture
def shop(database_urls: DatabaseUrls, tmp_path: Path) -> CsvShop:
    """A shop with a catalog and stock, whose files tell of January 2026."""
    (tmp_path / "data").mkdir()
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    return CsvShop(Place(tmp_path / "data", databases=databases), tmp_path)


def books(shop: CsvShop, *options: str, workspace: str = "acme") -> list[object]:
    return ["store", "books", "--workspace", workspace, *options]


def test_books_are_shown_closed_and_opened_by_the_command(shop: CsvShop):
    def run(*options: str):
        return shop.place.run(*books(shop, *options))

    assert "no day is closed" in run().good().out
    assert run("--json").json() == {"closed_through": None, "first_open_day": None, "timezone": None}
    assert "closed through 2026-01-31 (UTC); the first open day is 2026-02-01" in (
        run("--close-through", "2026-01-31").good().out
    )
    told = {"closed_through": "2026-01-31", "first_open_day": "2026-02-01", "timezone": "UTC"}
    assert run("--json").json() == told
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    refused = {
        ("--close-through", "2026-01-30"): "forward only",
        ("--close-through", tomorrow): "is not over yet",
        ("--close-through", "January"): "'January' is not a day",
        ("--close-through", "2026-02-01", "--reopen-from", "2026-01-01"): "not both",
        ("--reopen-from", "2026-02-01"): "There is nothing to open",
        ("--close-through", "2026-02-01", "--as", "nobody@acme.example"): "no user",
    }
    begun = [(shop.place.begin(*books(shop, *options)), says) for options, says in refused.items()]
    for command, says in begun:
        assert says in command.result().refusal()
    assert run("--json").json() == told
    assert "no store" in shop.place.run(*books(shop, workspace="other")).refusal()
    assert run("--reopen-from", "2026-01-11", "--json").json()["closed_through"] == "2026-01-10"


async def test_no_file_reaches_into_the_closed_time(shop: CsvShop):
    shop.take("orders", ORDERS).good()
    shop.take("orders", sold(), "--skip-bad-rows").good()
    shop.take("purchase-orders", PURCHASES, "--create", "supplier").good()
    shop.take("tracking", TRACKING, "--create", "carrier").good()
    shop.place.run(*books(shop, "--close-through", "2026-01-31")).good()
    came = PURCHASES.replace("ordered_at,", "ordered_at,received_at,").replace("2026-01-02,", "2026-01-02,2026-01-30,")
    came = came.replace(",ordered,", ",received,").replace(",50,,", ",50,50,").replace(",20,,", ",20,20,")
    scan = TRACKING.splitlines()[0] + "\n3S123,1001,DHL,2026-01-06T23:00:00Z,InTransit,Breda,Late\n"
    cases = [
        ("orders", sold().replace("#7", "#8"), "Created at"),
        ("orders", sold(status="paid", owed="0.00", paid=LATE), "Paid at"),
        ("orders", sold(canceled=LATE), "Cancelled at"),
        ("orders", sold(delivered=LATE, state="fulfilled", gone=LATE), "delivered_at"),
        ("purchase-orders", came, "received_at"),
        ("purchase-orders", came.replace("PO-501", "PO-502"), "received_at"),
        ("tracking", scan, "occurred_at"),
    ]
    begun = [
        (shop.begin(kind, text, name=f"case{place}.csv"), column) for place, (kind, text, column) in enumerate(cases)
    ]
    for command, column in begun:
        said = command.result().refusal()
        assert f"row 2, {column} '" in said
        assert f"lies in the closed time: {JANUARY}" in said
        assert "Nothing was written." in said
    for kind, text in (("orders", ORDERS), ("orders", sold()), ("purchase-orders", PURCHASES), ("tracking", TRACKING)):
        new, changed, unchanged = shop.counts(kind, text)  # what is known already is no new booking
        assert (new, changed, unchanged > 0) == (0, 0, True)


async def test_what_a_file_does_not_date_is_booked_now(shop: CsvShop):
    shop.take("orders", ORDERS).good()
    shop.take("orders", sold()).good()
    shop.place.run(*books(shop, "--close-through", "2026-01-31")).good()
    begun = datetime.now(UTC)
    assert shop.counts("orders", sold(owed="4.90")) == (0, 1, 0)  # another part, of nobody knows when
    assert shop.counts("orders", ORDERS.replace(",5.00,0.00,5502", ",8.50,0.00,5502")) == (0, 1, 1)
    assert shop.counts("orders", sold(status="paid", owed="0.00", paid=OPEN)) == (0, 1, 0)
    async with shop.tools() as tool:
        paid = (await tool("get_order", order_id="7", include=["payments"]))["payments"]
        back = (await tool("get_order", order_id="1002", include=["payments"]))["payments"]
    times = [row["at"] for row in paid]
    assert (times[0], times[2]) == ("2026-01-20T10:00:00Z", "2026-02-01T00:00:00Z")
    assert times[1] >= begun.isoformat()[:19]
    assert [row["amount"]["amount_minor"] for row in paid] == [1000, 1000, 490]
    assert back[-1]["amount"]["amount_minor"] == 350
    assert back[-1]["at"] >= begun.isoformat()[:19]
