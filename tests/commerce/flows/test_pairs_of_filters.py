"""Lists by two filters at once: the rows that a plain look at each finds, in the same order, however they are found."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest

from tests.commerce import books
from tests.commerce.books import customer, days, order, payment, refund, rma
from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.last_mile import TODAY, driver, people, route, stop
from tradepost.commerce.customers import search as customer_search
from tradepost.commerce.flows.books import payment_search
from tradepost.commerce.flows.delivery import drivers, route_detail, shipments
from tradepost.commerce.flows.orders import order_search
from tradepost.commerce.flows.returns import return_reads
from tradepost.commerce.flows.stock import stock_movements
from tradepost.commerce.inventory.models import StockMovement
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.payments.models import Refund
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store import listing, spans
from tradepost.foundation.clock import to_rfc3339

PAGE = 4
Fits = Callable[[Any], bool]
Wanted = tuple[str, dict[str, Any], Fits]  # a name, what the tool is asked, and which facts fit


@pytest.fixture(params=[10_000, 2])
def counted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Up to how many rows are counted, and how many are few: beyond it they are found another way."""
    monkeypatch.setattr(listing, "EXACT_ESTIMATE_UP_TO", request.param)
    monkeypatch.setattr(spans, "FEW", min(request.param, 4))
    monkeypatch.setattr(listing.is_rare, "__defaults__", (min(request.param, 3),))
    return int(request.param)


async def listed(shop: Shop, tool: str, given: dict[str, Any]) -> tuple[list[str], Any]:
    """Numbers in the order of the pages, and the total."""
    found: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while page.get("has_more", True):
        page = await shop.call(tool, limit=PAGE, cursor=page["next_cursor"], **given)
        found += [item.get("number") or item.get("rma") or item["id"] for item in page["items"]]
    return found, page["total_estimate"]


async def same_as_looking_at_each(
    shop: Shop, tool: str, wanted: Sequence[Wanted], facts: Mapping[str, Any], counted: int, *, at_once: int = 2
) -> None:
    """Every filter alone and with each other one. `facts`: {number: what is known of it}, as the list has them."""
    for count in range(1, at_once + 1):
        for chosen in combinations(wanted, count):
            if len({name for name, _, _ in chosen}) < count:
                continue
            given = {key: value for _, arguments, _ in chosen for key, value in arguments.items()}
            fits = [number for number, known in facts.items() if all(fit(known) for _, _, fit in chosen)]
            if "date" in given:
                fits.sort()
            total = len(fits) if len(fits) <= max(counted, PAGE) else f"{counted}+"
            assert await listed(shop, tool, given) == (fits, total), given


def ago(count: float) -> str:
    return to_rfc3339(days(-count))


async def test_stops(shop: Shop, counted: int) -> None:
    shop.offer(route_detail.TOOLS)
    made = [
        # hours from now, warehouse, driver, status, route
        (0, "WHA", "1", "assigned", "A"),
        (0, "WHA", "1", "completed", None),
        (-7, "WHA", "2", "completed", None),
        (-7, "WHB", "2", "completed", None),
        (-24, "WHB", "1", "completed", None),
        (-24, "WHA", "1", "failed", None),
        (None, "WHB", None, "unassigned", None),
        (0, "WHB", "2", "completed", "B"),
        (-24, "WHA", "2", "completed", None),
    ]
    routes = [route("A", "1"), route("B", "2", "WHB", TODAY - timedelta(days=1))]
    rows: list[Any] = [*people(), driver("1", "Ann"), driver("2", "Bob"), *routes]
    facts: dict[str, dict[str, Any]] = {}
    for at, (hours, code, who, status, tour) in enumerate(made):
        on = None if tour is None else (tour, at)
        carried = None if who is None else f"drv_{who}"
        made_at = days(-at)
        rows += stop(str(at), hours, code=code, on=on, driver_id=carried, status=status, created_at=made_at)
        day = TODAY if hours == 0 and tour != "B" else TODAY - timedelta(days=1)
        if hours == -7 and code == "WHA":  # 2 o'clock in Amsterdam, still the evening before in New York
            day = TODAY
        facts[f"D-{at}"] = {"place": code, "who": who, "status": status, "day": None if hours is None else day}
    await shop.add(*rows)
    await moved_to_another_place(shop)
    facts["D-8"]["place"] = "WHB"
    wanted: list[Wanted] = []
    for name, argument, values in (
        ("place", "warehouse_id", ("WHA", "WHB")),
        ("who", "driver_id", ("1", "2")),
        ("status", "status", ("completed", "assigned", "canceled")),
        ("day", "date", (TODAY, TODAY - timedelta(days=1), date(2026, 1, 1))),
    ):
        for value in values:
            asked = value.isoformat() if isinstance(value, date) else value
            wanted.append((name, {argument: asked}, lambda known, name=name, value=value: known[name] == value))  # type: ignore[misc]
    wanted.append(("route", {"order_id": "103"}, lambda known: known is facts["D-3"]))
    await same_as_looking_at_each(shop, "list_deliveries", wanted, facts, counted)


async def moved_to_another_place(shop: Shop) -> None:
    """The parcel of the last stop turns out to lie elsewhere."""
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        parcel = await session.get(Shipment, (WORKSPACE, "shp_8"))
        assert parcel is not None
        parcel.location_id = "loc_WHB"


async def test_orders(shop: Shop, counted: int) -> None:
    shop.offer(order_search.TOOLS)
    made = [
        # placed, promised, status, payment, warehouse, has the sku
        (1, 12, "canceled", "voided", "W1", True),  # promised before it was placed
        (2, -3, "open", "paid", "W1", True),
        (3, 1, "open", "paid", "W2", False),
        (4, None, "completed", "paid", "W1", True),
        (5, 2, "canceled", "voided", "W1", True),
        (6, 4, "completed", "partially_refunded", "W1", True),
        (9, 7, "canceled", "voided", "W2", True),
        (10, 8, "completed", "paid", "W1", True),
        (12, 9, "completed", "paid", None, True),
        (14, -1, "open", "paid", "W1", False),
        (15, 11, "canceled", "voided", "W1", False),
    ]
    rows: list[Any] = [customer(), *map(books.warehouse, ("W1", "W2")), books.product(), books.variant("A-1")]
    facts: dict[str, dict[str, Any]] = {}
    for at, (placed, promised, status, paid, code, has_sku) in enumerate(made):
        due = None if promised is None else days(-promised)
        place = None if code is None else f"loc_{code}"
        states = {"status": status, "payment_status": paid}
        one = order(str(at), placed_at=days(-placed), promised_to=due, warehouse_id=place, **states)
        rows += [one, *([books.line(one, 1, "A-1"), books.line(one, 2, "A-1")] if has_sku else [])]
        facts[str(at)] = {"placed": placed, "promised": promised, "place": code, "sku": has_sku, **states}
    await shop.add(*rows)
    wanted: list[Wanted] = [
        ("sku", {"sku": "A-1"}, lambda known: known["sku"]),
        ("place", {"warehouse_id": "W1"}, lambda known: known["place"] == "W1"),
        ("payment", {"payment_status": "voided"}, lambda known: known["payment_status"] == "voided"),
        ("placed", {"placed_from": ago(5.5)}, lambda known: known["placed"] < 6),
        ("placed", {"placed_from": ago(14.5), "placed_to": ago(4.5)}, lambda known: 5 <= known["placed"] <= 14),
    ]
    for status in ("open", "canceled", "completed"):
        wanted.append(("status", {"status": status}, lambda known, status=status: known["status"] == status))  # type: ignore[misc]
    for start, end in ((12.5, 5.5), (None, 1.5), (4.5, None)):
        given = {"promised_from": start, "promised_to": end}
        asked = {name: ago(day) for name, day in given.items() if day is not None}
        wanted.append(("promised", asked, lambda known, start=start, end=end: is_within(known["promised"], start, end)))  # type: ignore[misc]
    await same_as_looking_at_each(shop, "search_orders", wanted, facts, counted, at_once=3)


def is_within(ago_days: float | None, start: float | None, end: float | None) -> bool:
    """Whether a moment so many days ago lies between two others."""
    return ago_days is not None and (start is None or ago_days < start) and (end is None or ago_days > end)


async def test_payments(shop: Shop, counted: int) -> None:
    shop.offer(payment_search.TOOLS)
    bought = order("1")
    made = [
        # made, taken, status, states of refunds
        (1, 1, "captured", ("succeeded",)),
        (2, 2, "captured", ("succeeded", "pending")),
        (3, 1, "captured", ()),
        (4, 4, "voided", ()),
        (5, 9, "captured", ("failed", "failed")),
        (6, 6, "voided", ()),
        (7, 6, "authorized", ()),
        (8, 8, "captured", ("succeeded",)),
        (9, 3, "voided", ("pending",)),
        (10, 20, "captured", ("succeeded",)),
    ]
    facts: dict[str, dict[str, Any]] = {}
    for at, (created, taken, status, states) in enumerate(made):
        when = {"captured_at": None, "authorized_at": None, "created_at": days(-created)}
        when["captured_at" if status == "captured" else "authorized_at"] = days(-taken)
        paid = payment(bought, f"p{at}", number=f"P{at}", sequence=at, status=status, **when)
        back = [
            refund(paid, None, 1, number=f"R{at}-{turn}", sequence=100 + 10 * at + turn, status="pending")
            for turn in range(len(states))
        ]
        await shop.add(*([customer(), bought] if at == 0 else []), paid, *back)
        await turned(shop, [row.id for row in back], states)
        facts[f"P{at}"] = {"taken": taken, "status": status, "refunds": states}
    wanted: list[Wanted] = [
        *(("status", {"status": s}, lambda k, s=s: k["status"] == s) for s in ("captured", "voided", "expired")),
        *(
            ("refund", {"refund_status": s}, lambda k, s=s: s in k["refunds"])
            for s in ("succeeded", "pending", "failed", "canceled")
        ),
        ("taken", {"taken_to": ago(5)}, lambda k: k["taken"] > 5),
        ("taken", {"taken_from": ago(6)}, lambda k: k["taken"] <= 6),
        ("taken", {"taken_from": ago(8), "taken_to": ago(1.5)}, lambda k: 1.5 < k["taken"] <= 8),
        ("order", {"order_id": "1"}, lambda k: True),
        ("reference", {"psp_ref": "p4"}, lambda k: k is facts["P4"]),
    ]  # type: ignore[misc]
    await same_as_looking_at_each(shop, "search_payments", wanted, facts, counted)


async def turned(shop: Shop, refund_ids: Sequence[str], states: Sequence[str]) -> None:
    """Refunds get to their states later, as the provider reports them."""
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        for refund_id, state in zip(refund_ids, states, strict=True):
            row = await session.get(Refund, (WORKSPACE, refund_id))
            assert row is not None
            row.status = state


async def test_returns(shop: Shop, counted: int) -> None:
    shop.offer(return_reads.TOOLS)
    await shop.add(customer(), customer("c2"), books.warehouse("W1"), books.warehouse("W2"), books.product())
    await shop.add(books.variant("A-1"), books.variant("B-2"))
    made: list[tuple[str, str, str, tuple[tuple[str, str], ...]]] = [
        ("closed", "refund", "W1", (("A-1", "unwanted"),)),
        ("closed", "refund", "W2", (("A-1", "defective"), ("B-2", "unwanted"))),
        ("requested", "refund", "W1", (("A-1", "unwanted"), ("A-1", "unwanted"))),
        ("closed", "exchange", "W1", (("B-2", "defective"),)),
        ("closed", "refund", "W1", (("B-2", "unwanted"),)),
        ("approved", "exchange", "W2", (("A-1", "color"),)),
        ("closed", "refund", "W2", (("A-1", "unwanted"),)),
    ]
    facts: dict[str, dict[str, Any]] = {}
    for at, (status, resolution, code, back) in enumerate(made):
        bought = order(str(at), customer_id="cus_c2" if at % 3 else "cus_c1")
        sold = [books.line(bought, place, sku) for place, (sku, _) in enumerate(back)]
        lines = [(line, 1, reason) for line, (_, reason) in zip(sold, back, strict=True)]
        asked = {"requested_at": days(-at - 0.5), "location_id": f"loc_{code}", "resolution": resolution}
        await shop.add(bought, *sold, *rma(bought, lines, number=f"R{at}", status="requested", **asked))
        facts[f"R{at}"] = {"at": at, "status": status, "resolution": resolution, "place": code, "back": back}
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        for number, known in facts.items():
            row = await session.get(Return, (WORKSPACE, f"rma_{number}"))
            assert row is not None
            row.status = known["status"]
    wanted: list[Wanted] = [
        *(("status", {"status": s}, lambda k, s=s: k["status"] == s) for s in ("closed", "requested")),
        *(("outcome", {"resolution": s}, lambda k, s=s: k["resolution"] == s) for s in ("refund", "exchange")),
        *(("place", {"warehouse_id": s}, lambda k, s=s: k["place"] == s) for s in ("W1", "W2")),
        *(
            ("reason", {"reason": s}, lambda k, s=s: any(why == s for _, why in k["back"]))
            for s in ("unwanted", "defective")
        ),
        *(("sku", {"sku": s}, lambda k, s=s: any(sku == s for sku, _ in k["back"])) for s in ("A-1", "B-2")),
        ("age", {"min_age_days": 2}, lambda k: k["at"] + 0.5 >= 2),
        ("age", {"max_age_days": 3}, lambda k: k["at"] + 0.5 < 4),
        ("age", {"min_age_days": 1, "max_age_days": 5}, lambda k: 1 <= k["at"] + 0.5 < 6),
        ("order", {"order_id": "1"}, lambda k: k["at"] == 1),
        ("customer", {"customer_id": "CUST-c1"}, lambda k: k["at"] % 3 == 0),
    ]  # type: ignore[misc]
    await same_as_looking_at_each(shop, "search_returns", wanted, facts, counted)


async def test_parcels(shop: Shop, counted: int) -> None:
    shop.offer(shipments.TOOLS)
    made = [
        ("delivered", "dhl", "W1", 1),
        ("in_transit", "dhl", "W1", 2),
        ("in_transit", "ups", "W2", 9),
        ("delivered", "ups", "W1", 3),
        ("delayed", "dhl", "W2", 4),
        ("delivered", "dhl", "W2", 8),
    ]
    await shop.add(customer(), books.warehouse("W1"), books.warehouse("W2"), order("1"))
    await shop.add(*(Carrier(id=f"car_{code}", code=code, name=code) for code in ("dhl", "ups")))
    rows, facts = [], {}
    for at, (status, carrier, code, left) in enumerate(made):
        where = {"carrier_id": f"car_{carrier}", "location_id": f"loc_{code}", "order_id": "ord_1"}
        moments = {"created_at": days(-at), "shipped_at": days(-left)}
        rows.append(Shipment(id=f"shp_{at}", number=f"S{at}", status=status, **where, **moments))
        facts[f"S{at}"] = {"status": status, "carrier": carrier, "place": code, "left": left}
    await shop.add(*rows)
    wanted: list[Wanted] = [
        *(("status", {"status": s}, lambda k, s=s: k["status"] == s) for s in ("delivered", "in_transit", "delayed")),
        *(("carrier", {"carrier": s}, lambda k, s=s: k["carrier"] == s) for s in ("dhl", "ups")),
        *(("place", {"warehouse_id": s}, lambda k, s=s: k["place"] == s) for s in ("W1", "W2")),
        ("delayed", {"delayed_only": True}, lambda k: k["status"] == "delayed"),
        ("left", {"shipped_from": ago(3)}, lambda k: k["left"] <= 3),
        ("left", {"shipped_to": ago(2.5)}, lambda k: k["left"] > 2.5),
    ]  # type: ignore[misc]
    await same_as_looking_at_each(shop, "search_shipments", wanted, facts, counted)


async def test_stock_movements(shop: Shop, counted: int) -> None:
    shop.offer(stock_movements.TOOLS)
    await shop.add(books.warehouse("W1"), books.warehouse("W2"), books.product())
    await shop.add(books.variant("A-1"), books.variant("B-2"))
    made = [("A-1", "W1", "sale"), ("A-1", "W2", "sale"), ("B-2", "W1", "sale"), ("A-1", "W1", "shrinkage")]
    made += [("B-2", "W2", "return"), ("A-1", "W1", "sale"), ("B-2", "W1", "shrinkage"), ("A-1", "W1", "sale")]
    rows, facts = [], {}
    for at, (sku, code, cause) in enumerate(made):
        kept = {"state": "available", "delta": 1, "actor": "test", "occurred_at": days(-at)}
        rows.append(StockMovement(id=f"mov_{at}", sku=sku, location_id=f"loc_{code}", cause=cause, **kept))
        facts[f"mov_{at}"] = {"sku": sku, "place": code, "cause": cause, "at": at}
    await shop.add(*rows)
    wanted: list[Wanted] = [
        *(("sku", {"sku": s}, lambda k, s=s: k["sku"] == s) for s in ("A-1", "B-2")),
        *(("place", {"warehouse_id": s}, lambda k, s=s: k["place"] == s) for s in ("W1", "W2")),
        *(("cause", {"cause": s}, lambda k, s=s: k["cause"] == s) for s in ("sale", "shrinkage", "damage")),
        ("when", {"occurred_from": ago(3)}, lambda k: k["at"] <= 3),
    ]  # type: ignore[misc]
    await same_as_looking_at_each(shop, "list_stock_movements", wanted, facts, counted)


async def test_a_day_of_drivers_counts_what_is_made_on_it(shop: Shop) -> None:
    shop.offer(drivers.TOOLS)
    rows: list[Any] = [*people(), driver("1", "Ann"), driver("2", "Bob")]
    made = [(0, "1", "assigned"), (-24, "1", "completed"), (-24, "1", "assigned"), (48, "2", "assigned")]
    for at, (hours, who, status) in enumerate([*made, (-24, "2", "failed")]):
        rows += stop(str(at), hours, driver_id=f"drv_{who}", status=status)
    await shop.add(*rows)
    for day, loads in ((0, [2, 0]), (-1, [1, 0]), (2, [0, 1]), (9, [0, 0])):
        found = await shop.call("list_drivers", date=(TODAY + timedelta(days=day)).isoformat())
        assert [item["load"] for item in found["items"]] == loads, day


@pytest.mark.parametrize("few", [5_000, 0])
async def test_customers_by_two_words_and_by_part_of_an_address(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(customer_search, "_MOST_PAIRS", few)
    monkeypatch.setattr(customer_search, "_MOST_ADDRESSES", few // 100)
    shop.offer(customer_search.TOOLS)
    shop.scopes.add("read:customers.pii")
    called = [
        ("Jo", "Vos", None, "jo.vos.1@example.com"),
        ("Vera", "Jansen", None, "vj@example.org"),
        ("Jo", "Smit", "Vos & Zonen", "info@vos.example"),
        ("Vic", "Vos", "Jo Vos Ltd", "vic@vos.example"),
        ("Jo", "Jansen", None, "jj.1@example.com"),
        ("Ans", "Bos", "Jo en Vos", "ans@example.com"),
    ]
    people = [
        customer(str(at), first_name=first, last_name=last, company=company, email=email, email_folded=email)
        for at, (first, last, company, email) in enumerate(called)
    ]
    await shop.add(*people)

    def fits(query: str) -> list[str]:
        def has(word: str, row: tuple[str, str, str | None, str]) -> bool:
            bare = word.removesuffix(".").lower()
            names = [name.lower() for name in row[:3] if name]
            return any(name.startswith(bare) if len(bare) < 3 else word.lower() in name for name in names)

        rows = [
            (row[1], row[0], f"CUST-{at}")
            for at, row in enumerate(called)
            if all(has(word, row) for word in query.split()) or ("@" in query and query in row[3])
        ]
        return [number for _, _, number in sorted(rows)]

    asked = ("J. V.", "V J", "jo vos", "vos jo", "vos ltd", "jo", "@example", ".1@ex", "vos.", "@vos.example", "@")
    asked += ("1@example.com", "1@example.o", "jo.vos.1@", "s@e", "o@vos", "vic@vos.example", "@vos.examples", "é@")
    for query in asked:
        found, total = await listed(shop, "search_customers", {"query": query})
        assert (found, total) == (fits(query), len(fits(query))), query
