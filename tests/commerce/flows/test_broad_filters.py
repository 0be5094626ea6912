"""Lists limited by another moment than the one they are ordered by, and by several states: the same rows on the same
pages, however many there are and whichever way they are found."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.commerce import books
from tests.commerce.books import customer, days, order, payment, warehouse
from tests.commerce.conftest import Shop
from tradepost.commerce.flows.books import payment_search
from tradepost.commerce.flows.delivery import shipments
from tradepost.commerce.flows.orders import order_search
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.store import listing, spans
from tradepost.foundation.clock import to_rfc3339

# Made so many days ago, promised (shipped, taken) so many days ago; the last ones before they were made.
MOMENTS = ((20, 15), (18, 17), (16, 9), (14, 13), (12, 8), (10, 3), (2, 16), (1, 12), (3, 30))
PERIODS = [(17, 8), (17, None), (None, 9), (14, 12), (40, 20)]


@pytest.fixture(params=[10_000, 2])
def counted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Up to how many rows are counted: beyond it they are found another way."""
    monkeypatch.setattr(listing, "EXACT_ESTIMATE_UP_TO", request.param)
    monkeypatch.setattr(spans, "FEW", min(request.param, 4))
    return int(request.param)


async def listed(shop: Shop, tool: str, **filters: Any) -> tuple[list[str], Any]:
    """Numbers in the order of the pages, and the total."""
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while page.get("has_more", True):
        page = await shop.call(tool, limit=2, cursor=page["next_cursor"], **filters)
        found += [item["number"] for item in page["items"]]
    return found, page["total_estimate"]


def expected(period: tuple[int | None, int | None], name: Callable[[int], str], counted: int) -> tuple[list[str], Any]:
    """What a period (days ago: from, to) holds, the newest first."""
    start, end = period
    fits = [
        at
        for at, (_, moment) in enumerate(MOMENTS)
        if (start is None or moment <= start) and (end is None or moment > end)
    ]
    fits.sort(key=lambda at: MOMENTS[at][0])
    return [name(at) for at in fits], len(fits) if len(fits) <= counted else f"{counted}+"


def filters(prefix: str, period: tuple[int | None, int | None]) -> dict[str, str]:
    given = zip(("from", "to"), period, strict=True)
    return {f"{prefix}_{side}": to_rfc3339(days(-ago)) for side, ago in given if ago is not None}


async def test_orders_promised_in_a_period(shop: Shop, counted: int) -> None:
    shop.offer(order_search.TOOLS)
    rows = [order(f"{at}", placed_at=days(-made), promised_to=days(-due)) for at, (made, due) in enumerate(MOMENTS)]
    await shop.add(customer(), *rows, order("never", placed_at=days(-9)))
    for period in PERIODS:
        assert await listed(shop, "search_orders", **filters("promised", period)) == expected(period, str, counted)


async def test_parcels_shipped_in_a_period(shop: Shop, counted: int) -> None:
    shop.offer(shipments.TOOLS)
    rows = [
        Shipment(id=f"shp_{at}", number=f"S{at}", order_id="ord_1", created_at=days(-made), shipped_at=days(-left))
        for at, (made, left) in enumerate(MOMENTS)
    ]
    await shop.add(customer(), order("1"), *rows)
    for period in PERIODS:
        found = await listed(shop, "search_shipments", **filters("shipped", period))
        assert found == expected(period, lambda at: f"S{at}", counted)
        assert (await listed(shop, "search_shipments", status="confirmed", **filters("shipped", period)))[0] == found[0]


async def test_payments_taken_in_a_period(shop: Shop, counted: int) -> None:
    shop.offer(payment_search.TOOLS)
    bought = order("1")
    rows = []
    for at, (made, taken) in enumerate(MOMENTS):
        when = "captured_at" if at % 2 else "authorized_at"
        moments = {"captured_at": None, "authorized_at": None, "created_at": days(-made), when: days(-taken)}
        rows.append(payment(bought, f"p{at}", number=f"P{at}", sequence=at, **moments))
    await shop.add(customer(), bought, *rows)
    for period in PERIODS:
        found = await listed(shop, "search_payments", **filters("taken", period))
        assert found == expected(period, lambda at: f"P{at}", counted)


@pytest.mark.parametrize("sku", [None, "A-1"])
async def test_orders_in_several_states(
    shop: Shop, counted: int, monkeypatch: pytest.MonkeyPatch, sku: str | None
) -> None:
    monkeypatch.setattr(listing, "RARE", 1)
    shop.offer(order_search.TOOLS)
    states = [
        ("open", "paid", "unfulfilled", "loc_W1"),
        ("open", "pending", "unfulfilled", "loc_W1"),
        ("completed", "paid", "fulfilled", "loc_W1"),
        ("completed", "partially_refunded", "fulfilled", "loc_W2"),
        ("canceled", "voided", "unfulfilled", "loc_W1"),
        ("open", "paid", "unfulfilled", "loc_W2"),
        ("completed", "paid", "fulfilled", "loc_W2"),
        ("open", "paid", "unfulfilled", "loc_W1"),
        ("open", "paid", "unfulfilled", "loc_W1"),
    ]
    removed = 8  # of this order the sku was taken off
    names = ("status", "payment_status", "fulfillment_status", "warehouse_id")
    rows = [
        order(str(at), placed_at=days(-at), promised_to=days(2 - at), **dict(zip(names, held, strict=True)))
        for at, held in enumerate(states)
    ]
    lines = [books.line(row, 1, "A-1") for row in rows]
    lines[removed].status = "removed"
    lines.append(books.line(rows[0], 2, "A-1"))
    await shop.add(customer(), warehouse("W1"), warehouse("W2"), books.product(), books.variant("A-1"), *rows, *lines)
    for wanted in (
        {"status": "open", "warehouse_id": "loc_W1"},
        {"payment_status": "paid", "fulfillment_status": "unfulfilled"},
        {"status": "completed", "payment_status": "paid"},
        {"status": "canceled", "payment_status": "paid"},
        {"status": "completed", "warehouse_id": "loc_W2"},
        {"warehouse_id": "loc_W1"},
    ):
        fits = [
            str(at)
            for at, held in enumerate(states)
            if wanted.items() <= dict(zip(names, held, strict=True)).items() and not (sku and at == removed)
        ]
        given = {**wanted, **({"sku": sku} if sku else {})}
        total = len(fits) if len(fits) <= counted else f"{counted}+"
        assert await listed(shop, "search_orders", **given) == (fits, total)
        late = [number for number in fits if int(number) > 2]
        assert (await listed(shop, "search_orders", **given, promised_to=to_rfc3339(days(0))))[0] == late
        recent = [number for number in fits if int(number) <= 5]
        assert (await listed(shop, "search_orders", **given, placed_from=to_rfc3339(days(-5))))[0] == recent
