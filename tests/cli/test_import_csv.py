"""CSV files into a store by the command: what comes in, what stays as it was, and what is refused. On both engines."""

from __future__ import annotations

import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.cli.csv_shop import (
    CUSTOMERS,
    ORDERS,
    PRODUCTS,
    PURCHASES,
    SHOP,
    STOCK,
    TRACKING,
    CsvShop,
    Prepared,
    Tools,
    rows_of,
)
from tests.engines import DatabaseUrls, Template
from tests.processes import ROOT, Place
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.transfer.sheets import KINDS
from tradepost.commerce.transfer.sheets.running import BATCH_RECORDS

EUR = ("--currency", "EUR")


@pytest.fixture
def database_template(request: pytest.FixtureRequest) -> Template:
    return Prepared(filled="filled" in request.fixturenames).template


@pytest.fixture
def shop(database_urls: DatabaseUrls, tmp_path: Path) -> CsvShop:
    """A shop without anything."""
    (tmp_path / "data").mkdir()
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    return CsvShop(Place(tmp_path / "data", databases=databases), tmp_path)


@pytest.fixture
def filled(shop: CsvShop) -> CsvShop:
    """A shop with a catalog and stock."""
    return shop


async def test_a_shop_of_shopifys_exports_is_there_for_the_tools(shop: CsvShop):
    new = {kind: shop.counts(kind, text, *options) for kind, text, options in SHOP}
    assert new == {
        "products": (2, 0, 0),
        "customers": (2, 0, 0),
        "stock": (2, 0, 0),
        "orders": (2, 0, 0),
        "purchase-orders": (1, 0, 0),
        "tracking": (2, 0, 0),
    }
    async with shop.tools() as tool:
        tee = await tool("get_product", product_id="tee")
        assert tee["description"] == 'Soft & warm. Cotton, or "wool"'
        assert {row["sku"]: row["options"] for row in tee["variants"]} == {
            "TEE-M": {"Size": "M", "Color": "Blue"},
            "TEE-L": {"Size": "L", "Color": "Blue"},
        }
        assert [row["number"] for row in await tool.items("search_customers", query="smith")] == ["6940095564"]
        levels = {row["sku"]: row for row in await tool.items("list_stock_levels", detail="full")}
        assert (levels["TEE-M"]["on_hand"], levels["TEE-M"]["available"], levels["TEE-M"]["committed"]) == (10, 7, 2)
        assert levels["TEE-M"]["incoming"] == 50
        assert "MUG" not in levels
        orders = {row["number"]: row for row in await tool.items("search_orders")}
        assert orders["1001"]["total"]["amount_minor"] == 6675
        assert orders["1001"]["status"] == "completed"
        assert orders["1002"]["payment_status"] == "partially_refunded"
        order = await tool("get_order", order_id="#1002", include=["payments"])
        assert [(row["kind"], row["amount"]["amount_minor"]) for row in order["payments"]] == [
            ("payment", 2000),
            ("refund", 500),
        ]
        parcel = await tool("get_shipping_status", tracking_number="3S123")
        assert await tool.told() >= {order["id"], parcel["id"]}
        assert (parcel["status"], parcel["order_number"]) == ("delivered", "1001")
        assert [event["status"] for event in parcel["events"]] == ["delivered", "in_transit"]
        assert [row["number"] for row in await tool.items("list_purchase_orders")] == ["PO-501"]
        await the_figures_count_the_file(tool, [row["id"] for row in orders.values()])
    begun = {kind: shop.begin(kind, text, *options, "--json") for kind, text, options in SHOP}
    for kind, command in begun.items():
        told = command.result().json()
        assert (told["new"], told["changed"], told["unchanged"]) == (0, 0, sum(new[kind])), kind
    async with shop.tools("other") as tool:
        assert await tool.items("search_products") == []
        assert await tool.items("search_orders") == []


async def the_figures_count_the_file(tool: Tools, orders: list[str]) -> None:
    sold: dict[str, int] = defaultdict(int)
    for order_id in orders:
        for line in (await tool("get_order", order_id=order_id))["lines"]:
            sold[line["sku"]] += line["quantity"]["ordered"]
    period = {"date_from": "2020-01-01T00:00:00Z"}
    figures = await tool("get_ops_kpis", **period, group_by="sku")
    assert figures["overall"]["sold_units"] == sum(sold.values()) > 0
    assert {row["key"]: row["sold_units"] for row in figures["items"]} == sold
    assert [row["orders"] for row in (await tool("get_ops_kpis", **period, group_by="carrier"))["items"]] == [1]


async def test_the_same_file_makes_two_shops_that_do_not_know_each_other(shop: CsvShop):
    for workspace in ("acme", "other"):
        assert shop.counts("products", PRODUCTS, "--currency", "EUR", workspace=workspace) == (2, 0, 0)
    assert shop.counts("products", PRODUCTS.replace("12.00", "13.50"), workspace="other") == (0, 1, 1)
    for workspace, price in (("acme", 1200), ("other", 1350)):
        async with shop.tools(workspace) as tool:
            (mug,) = await tool.items("search_products", q="mug")
            assert mug["price_from"]["amount_minor"] == price


async def test_a_later_export_is_followed_and_nothing_is_taken_back(filled: CsvShop):
    filled.take("orders", ORDERS).good()
    later = ORDERS.replace(",5.00,0.00,5502", ",8.50,0.00,5502")
    later = later.replace("unfulfilled,,EUR", "fulfilled,2026-01-09 08:00:00 +0100,EUR").replace(
        "MUG,pending", "MUG,fulfilled"
    )
    dry = filled.take("orders", later, "--dry-run").good().out
    assert "Dry run, nothing written: orders: 0 new, 1 changed, 1 as before (3 rows)." in dry
    assert "order 1002: " in dry
    assert filled.counts("orders", later) == (0, 1, 1)
    async with filled.tools() as tool:
        order = await tool("get_order", order_id="1002", include=["payments"])
        assert order["fulfillment_status"] == "fulfilled"
        assert [row["amount"]["amount_minor"] for row in order["payments"]] == [2000, 500, 350]
    assert filled.counts("orders", ORDERS) == (0, 0, 2)  # the older file knows less
    async with filled.tools() as tool:
        assert len((await tool("get_order", order_id="1002", include=["payments"]))["payments"]) == 3
    other_lines = ORDERS.replace("2,Organic tee - M,24.90,TEE-M", "1,Organic tee - M,49.80,TEE-M")
    assert "does not change what was sold" in filled.take("orders", other_lines).refusal()


async def test_goods_that_were_promised_to_an_order_leave_with_it_or_come_free(filled: CsvShop):
    head = "Name,Email,Financial Status,Fulfillment Status,Cancelled at,Currency,Total,Created at,warehouse,"
    head += "Lineitem quantity,Lineitem price,Lineitem sku\n"
    row = "#{name},jo@example.com,paid,{state},{canceled},EUR,24.90,2026-01-05 10:22:30 +0100,Rotterdam,1,24.90,TEE-M\n"
    first = head + "".join(row.format(name=name, state="unfulfilled", canceled="") for name in (7, 8))
    assert filled.counts("orders", first) == (2, 0, 0)
    shipped = row.format(name=7, state="fulfilled", canceled="")
    canceled = row.format(name=8, state="unfulfilled", canceled="2026-01-06 08:00:00 +0100")
    assert filled.counts("orders", head + shipped + canceled) == (0, 2, 0)
    assert filled.counts("orders", head + shipped + canceled) == (0, 0, 2)
    async with filled.tools() as tool:
        (level,) = (await tool("check_inventory", sku="TEE-M"))["levels"]
        assert (level["committed"], level["available"], level["on_hand"]) == (0, 8, 9)
        states = {
            row["number"]: (row["status"], row["fulfillment_status"]) for row in await tool.items("search_orders")
        }
        assert states == {"7": ("open", "fulfilled"), "8": ("canceled", "unfulfilled")}
    back = row.format(name=7, state="fulfilled", canceled="2026-01-06 08:00:00 +0100")
    assert "units of the shop's order have shipped" in filled.take("orders", head + back).refusal()


async def test_a_count_moves_stock_and_an_old_one_leaves_what_happened_since(filled: CsvShop):
    async with filled.tools() as tool:
        await tool("adjust_stock", sku="TEE-L", delta=-3, warehouse_id="Rotterdam", reason="shrinkage")
    assert filled.counts("stock", STOCK) == (0, 0, 2)
    async with filled.tools() as tool:
        assert (await tool("check_inventory", sku="TEE-L"))["levels"][0]["available"] == 1
    again = filled.take("stock", STOCK, "--again").good().out
    assert "stock: 0 new, 1 changed, 1 as before (3 rows)." in again
    assert "stock level TEE-L at ROTTERDAM: available 1 -> 4" in again
    recounted = STOCK.replace("1,2,7,10,\n", "1,2,7,10,13\n")
    assert filled.counts("stock", recounted) == (0, 1, 1)
    async with filled.tools() as tool:
        (level,) = (await tool("check_inventory", sku="TEE-M"))["levels"]
        assert (level["available"], level["on_hand"]) == (10, 13)
        for sku, on_hand in (("TEE-M", 13), ("TEE-L", 4)):
            moved = await tool.items("list_stock_movements", sku=sku, limit=50)
            assert sum(row["on_hand_delta"] for row in moved) == on_hand


async def test_bad_rows_leave_nothing_behind_and_can_be_left_out(filled: CsvShop):
    head, *_ = ORDERS.splitlines()
    good = dict(zip(head.split(","), ORDERS.splitlines()[3].split(","), strict=True))
    bad: list[tuple[dict[str, str], str, str]] = [
        ({"Lineitem quantity": "0"}, "Lineitem quantity", "more than zero"),
        ({"Lineitem quantity": "-2"}, "Lineitem quantity", "not be negative"),
        ({"Currency": "USD"}, "Currency", "is not the shop's currency, EUR"),
        ({"Total": "21.00"}, "Total", "neither with nor without taxes the sum of €20.00"),
        ({"Refunded Amount": "25.00"}, "Refunded Amount", "more than was paid, €20.00"),
        ({"Financial Status": "paid"}, "Refunded Amount", "an order that is paid"),
        ({"Total": "2 000"}, "Total", "must be an amount"),
        ({"Lineitem sku": "=cmd|x"}, "Lineitem sku", "no SKU of the shop"),
        ({"Created at": "2026-01-07"}, "Created at", "a time with its zone"),
        ({"Lineitem price": "12.001"}, "Lineitem price", "more decimals than EUR allows"),
        ({"Email": ""}, "Email", "needs its customer"),
        ({"Shipping Country": "Holland"}, "Shipping Country", "two letters"),
        ({"Fulfillment Status": "fulfilled"}, "Fulfillment Status", "a line of the order is not"),
        ({"Id": "5502"}, "Id", "the same order id stands in row 2"),
    ]
    cells = [good] + [
        {**good, "Name": f"#2{place:03}", "Id": f"6{place:03}", **changes} for place, (changes, _, _) in enumerate(bad)
    ]
    text = "\n".join([head, *(",".join(row.values()) for row in cells)]) + "\n"
    refusal = filled.take("orders", text, "--report", filled.folder / "report.csv").refusal()
    assert f"{len(bad)} problems. Nothing was written." in refusal
    reported = {row["row"]: row for row in rows_of(filled.folder / "report.csv")}
    for number, (_, column, why) in enumerate(bad, start=3):
        assert reported[str(number)]["column"] == column
        assert why in reported[str(number)]["why"]
    assert reported["10"]["value"] == "'=cmd|x"  # no formula for a spreadsheet
    async with filled.tools() as tool:
        assert await tool.items("search_orders") == []
    left_out = filled.take("orders", text, "--skip-bad-rows")
    assert left_out.status == 1
    assert f"1 new, 0 changed, 0 as before, {len(bad)} left out" in left_out.out
    async with filled.tools() as tool:
        assert [row["number"] for row in await tool.items("search_orders")] == ["1002"]


async def test_contradictions_of_other_kinds_are_refused_with_row_and_reason(filled: CsvShop):
    filled.take("orders", ORDERS).good()
    filled.take("tracking", TRACKING, "--create", "carrier").good()
    scan = "3S123,1001,{carrier},2026-01-{day:02}T10:00:00Z,{status},,\n"
    event = TRACKING.splitlines(keepends=True)[0]
    cases: list[tuple[str, str, str]] = [
        ("tracking", event + scan.format(carrier="FastEx", day=5, status="InTransit"), "is no carrier of the shop"),
        ("tracking", event + scan.format(carrier="dhl", day=9, status="InTransit"), "Allowed next: none: it is final"),
        ("tracking", event + "3S999,1002,dhl,2026-01-09T10:00:00Z,InTransit,,\n", "has shipped nothing yet"),
        ("stock", STOCK.replace("1,2,7,10", "1,2,7,11"), "not the sum of its states"),
        ("stock", STOCK.replace("tee,Organic tee,TEE-L", "tee,Organic tee,TEE-M"), "stands in row 2"),
        ("stock", STOCK.replace("Rotterdam", "Lyon"), "is no location of the shop: there are Rotterdam"),
        ("purchase-orders", PURCHASES, "is no supplier of the shop: there is none yet. --create supplier"),
        ("purchase-orders", PURCHASES.replace("TEE-L,20,,", "TEE-L,20,21,"), "more than was ordered"),
        ("purchase-orders", PURCHASES.replace("TEE-L", "TEE-M"), "stands in row 2 of the same order"),
        ("customers", CUSTOMERS.replace("ann@", "JO@"), "the same e-mail address stands in row 2"),
        ("products", PRODUCTS.replace(",L,,Blue,", ",M,,Blue,"), "has M, Blue already"),
        ("products", PRODUCTS.replace("MUG,350", "TEE-L,350"), "the same SKU stands in row 3"),
    ]
    create = {"purchase-orders": ("--create", "supplier")}
    begun = []
    for place, (kind, text, why) in enumerate(cases):
        options = () if "no supplier" in why else create.get(kind, ())
        begun.append((filled.begin(kind, text, *options, name=f"case{place}.csv"), why))
    for command, why in begun:
        said = command.result().refusal()
        assert why in said
        assert "Nothing was written." in said


async def test_an_import_that_is_broken_off_goes_on_where_it_was(shop: CsvShop, engine_name: str):
    count, batch = 3000, BATCH_RECORDS
    rows = [f"{number},A,B,c{number}@example.com\n" for number in range(count)]
    file = shop.write("many.csv", "Customer ID,First Name,Last Name,Email\n" + "".join(rows))
    command = ("store", "import-csv", "customers", file, "--workspace", "acme", "--currency", "EUR")
    ctrl_c = engine_name == "sqlite"
    async with shop.tools() as tool:
        running = shop.place.start(*command)
        while not await tool.count(Customer):
            running.process.join(0.01)
            assert running.process.exitcode is None, running.said()
        status = running.stop(signal.SIGINT if ctrl_c else signal.SIGKILL)
        if ctrl_c:
            assert status == 130
            assert "the same command goes on after them" in running.said()
        found = await tool.count(Customer)
        assert 0 < found < count
        assert found % batch == 0  # whole batches
        told: dict[str, Any] = shop.place.run(*command, "--json").json()
        assert told["continued_after_row"] == found + 1
        assert (told["new"], told["changed"], told["unchanged"]) == (count, 0, 0)
        assert await tool.count(Customer) == count
    told = shop.place.run(*command, "--json").json()
    assert told["continued_after_row"] is None
    assert (told["new"], told["changed"], told["unchanged"]) == (0, 0, count)


async def test_another_systems_file_by_a_mapping(shop: CsvShop):
    shop.take("products", PRODUCTS, "--currency", "EUR").good()
    mapping = shop.write(
        "erp.toml",
        """delimiter = ";"
[columns]
"Artikel" = "sku"
"Menge" = "quantity"
"Preis" = "unit_cost"
"Beleg" = "number"
"Stand" = "status"
[values.status]
"bestellt" = "ordered"
"geliefert" = "received"
[defaults]
supplier = "Mill BV"
warehouse = "Rotterdam"
ordered_at = "2026-01-02"
""",
    )
    text = "Beleg;Artikel;Menge;Preis;Stand;Kommentar\nB-1;MUG;40;3.20;bestellt;eilig\nB-2;MUG;10;3.10;geliefert;\n"
    made = ("--create", "supplier", "--create", "location")
    said = shop.take("purchase-orders", text, "--mapping", mapping, *made).good().out
    assert "2 new" in said
    assert "Columns not taken: Kommentar." in said
    async with shop.tools() as tool:
        found = {row["number"]: row["status"] for row in await tool.items("list_purchase_orders")}
        assert found == {"B-1": "ordered", "B-2": "received"}
        assert (await tool("check_inventory", sku="MUG"))["levels"][0]["incoming"] == 40
    assert "stand between ';'" in shop.take("purchase-orders", text).refusal()
    wrong = shop.write("wrong.toml", '[columns]\n"Beleg" = "nummer"\n')
    assert "'nummer', which is none" in shop.take("purchase-orders", text, "--mapping", wrong).refusal()


async def test_purchase_orders_go_forward_and_keep_what_the_shop_received(filled: CsvShop):
    filled.take("purchase-orders", PURCHASES, "--create", "supplier").good()
    async with filled.tools() as tool:
        lines = [{"sku": "TEE-M", "received": 30}]
        await tool("receive_purchase_order", po_id="PO-501", lines=lines)
    assert filled.counts("purchase-orders", PURCHASES) == (0, 0, 1)
    later = PURCHASES.replace("TEE-L,20,,", "TEE-L,20,20,").replace(",ordered,", ",partially_received,")
    assert filled.counts("purchase-orders", later) == (0, 1, 0)
    async with filled.tools() as tool:
        (order,) = await tool.items("list_purchase_orders", po_id="PO-501")
        received = {line["sku"]: line["received"] for line in order["lines"]}
        assert received == {"TEE-M": 30, "TEE-L": 20}
        levels = {row["sku"]: row for row in await tool.items("list_stock_levels")}
        assert (levels["TEE-M"]["incoming"], levels["TEE-L"]["incoming"]) == (20, 0)


def test_files_that_are_none_are_refused_with_what_to_do(shop: CsvShop):
    cases: list[tuple[tuple[object, ...], bytes, str]] = [
        (("products",), b"", "has no header"),
        (("products",), b"Handle,Title\nx,y\n", "lacks the columns Variant SKU, Variant Price"),
        (("products",), b"Handle,Handle,Variant SKU,Variant Price\n", "stands twice in the header"),
        (("products", *EUR), "Handle,Variant SKU,Variant Price\nm\xfcg,1,1\n".encode("latin-1"), "is not UTF-8"),
        (("products", *EUR), b'Handle,Variant SKU,Variant Price\n"m,1,1\n', "is no CSV from row 2 on"),
        (("products",), b"Handle,Variant SKU,Variant Price\nm,1,1\n", "Say it: --currency EUR"),
        (("products", "--currency", "EURO"), b"Handle\n", "--currency must be an ISO 4217"),
        (("wishes",), b"Handle\n", "'wishes' is no kind of CSV file"),
        (("orders", "--create", "location"), b"Name\n", "makes no location"),
    ]
    begun = []
    for place, ((kind, *options), content, why) in enumerate(cases):
        file = shop.folder / f"file{place}.csv"
        file.write_bytes(content)
        begun.append((shop.place.begin("store", "import-csv", kind, file, *options, "--workspace", "acme"), why))
    for command, why in begun:
        assert why in command.result().refusal()


async def test_the_shop_counts_on_above_the_numbers_of_a_file(filled: CsvShop):
    filled.take("customers", "Customer ID,Email\nCUST-1001,ann@example.com\nCUST-1007,jo@example.com\n").good()
    filled.take("orders", ORDERS).good()  # pat is new, and becomes a guest
    async with filled.tools() as tool:
        (guest,) = await tool.items("search_customers", query="pat@example.com")
        assert guest["number"] == "CUST-1008"


def test_every_column_is_documented():
    page = (ROOT / "docs" / "how-to" / "import-csv.md").read_text("utf-8")
    for kind in KINDS.values():
        for column in kind.columns:
            assert f"| `{column.field}` | {', '.join(column.shopify)} |" in page
