"""A shop that is filled from CSV files by the command, and looked at through its tools."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.engines import Template
from tests.processes import Command, Place, Result
from tradepost.commerce.servers import build_servers
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.transfer.sheets import KINDS
from tradepost.commerce.transfer.sheets.mapping import read_mapping
from tradepost.commerce.transfer.sheets.problems import Report
from tradepost.commerce.transfer.sheets.reading import Sheet
from tradepost.commerce.transfer.sheets.running import Wish, import_sheet, lay_ground
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.database.outbox import TOUCHED
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.ids import new_id
from tradepost.hub.access.workspaces import create_workspace, find_workspace

WORKSPACES = ("acme", "other")


class Prepared:
    """Databases with two workspaces; `filled`: acme has a catalog and stock."""

    def __init__(self, filled: bool) -> None:
        self._filled = filled
        self._ids: dict[str, str] = {}

    @property
    def template(self) -> Template:
        """The hub's database comes first: it knows the workspaces."""
        return Template("csv_filled" if self._filled else "csv_empty", hub=self._hub, store=self._store)

    def _hub(self, url: str) -> None:
        migrate.upgrade(url, "hub")
        asyncio.run(self._found(url))

    async def _found(self, url: str) -> None:
        database = Database(url)
        for slug in WORKSPACES:
            founded = await create_workspace(database, slug, slug.title(), f"owner@{slug}.example")
            self._ids[slug] = founded.workspace.id
        await database.close()

    def _store(self, url: str) -> None:
        migrate.upgrade(url, "store")
        if self._filled:
            asyncio.run(self._fill(url))

    async def _fill(self, url: str) -> None:
        database = Database(url)
        caller = Caller(self._ids["acme"], Principal("operator", "test"), new_id("req"))
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("products", PRODUCTS), ("stock", STOCK)):
                kind, file = KINDS[name], Path(folder) / f"{name}.csv"
                file.write_text(text, encoding="utf-8")
                currency = "EUR" if name == "products" else None
                ground = await lay_ground(database, caller.workspace_id, file, currency, frozenset(kind.creates))
                sheet = Sheet(file, kind.columns, read_mapping(None, kind.columns))
                await import_sheet(database, caller, kind, sheet, ground, Report(), Wish(), lambda *_: None)
        await database.close()


@dataclass
class CsvShop:
    """Two empty workspaces; files lie in `folder`."""

    place: Place
    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def begin(self, kind: str, text: str, *options: object, workspace: str = "acme", name: str = "") -> Command:
        """Begin to import a file with this content."""
        file = self.write(name or f"{kind}.csv", text)
        return self.place.begin("store", "import-csv", kind, file, "--workspace", workspace, *options)

    def take(self, kind: str, text: str, *options: object, workspace: str = "acme") -> Result:
        """Import a file with this content."""
        return self.begin(kind, text, *options, workspace=workspace).result()

    def told(self, kind: str, text: str, *options: object, workspace: str = "acme") -> dict[str, Any]:
        """What an import that succeeds says as JSON."""
        found: dict[str, Any] = self.take(kind, text, *options, "--json", workspace=workspace).json()
        return found

    def counts(self, kind: str, text: str, *options: object, workspace: str = "acme") -> tuple[int, int, int]:
        """New, changed and unchanged records of an import that succeeds."""
        told = self.told(kind, text, *options, workspace=workspace)
        return told["new"], told["changed"], told["unchanged"]

    @asynccontextmanager
    async def tools(self, workspace: str = "acme") -> AsyncIterator[Tools]:
        """The shop's tools, called by an operator with all scopes."""
        hub = Database(self.place.databases["TRADEPOST_HUB_URL"])
        store = Database(self.place.databases["TRADEPOST_STORE_URL"])
        try:
            found = await find_workspace(hub, workspace)
            yield Tools(store, found.id)
        finally:
            await hub.close()
            await store.close()


class Tools:
    """Tools of one workspace."""

    def __init__(self, store: Database, workspace_id: str) -> None:
        self._store = store
        self._servers = build_servers(store)
        scopes = {tool.scope for server in self._servers for tool in server.tools} | {"read:customers.pii"}
        self._caller = Caller(workspace_id, Principal("operator", "test"), new_id("req"), scopes=frozenset(scopes))
        self._keys = 0

    async def __call__(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        server, tool = next((one, tool) for one in self._servers for tool in one.tools if tool.name == name)
        if tool.writes:
            self._keys += 1
            arguments["idempotency_key"] = f"test-{self._keys}"
        result = await server.call(self._caller, name, arguments, None, "execute")
        assert not result.is_error, result.structured
        assert result.structured is not None
        return result.structured

    async def count(self, model: type[Any]) -> int:
        """How many rows of a kind the workspace has."""
        async with self._store.transaction(self._caller.workspace_id, write=False) as session:
            return int((await session.execute(select(func.count()).select_from(model))).scalar_one())

    async def told(self) -> set[str]:
        """The records that subscribers are told of, in all events so far."""
        async with self._store.transaction(self._caller.workspace_id, write=False) as session:
            payloads = await session.scalars(select(StoreEvent.payload))
            return {record for payload in payloads for record in payload.get(TOUCHED, [])}

    async def items(self, name: str, **arguments: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self(name, **arguments))["items"]
        return found


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV file, row by row."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


PRODUCTS = """\ufeffHandle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Price,Variant Barcode,Image Src,Status
tee,Organic tee,"<p>Soft &amp; <b>warm</b>.</p>

<ul><li>Cotton, or ""wool""</li></ul>",Acme,Shirts,true,Size,M,Color,\
Blue,TEE-M,180.0,shopify,24.90,'4006381333931,1.jpg,active
tee,,,,,,,L,,Blue,TEE-L,200.0,shopify,24.90,,,
tee,,,,,,,,,,,,,,,2.jpg,
mug,Stone mug,,Acme,Kitchen,true,Title,Default Title,,,MUG,350.0,shopify,12.00,,,active
"""
CUSTOMERS = """Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,\
Default Address Address1,Default Address City,Default Address Province Code,Default Address Country Code,\
Default Address Zip,Phone,Total Spent,Note
'6940095564,Jo,Smith,Jo@example.com,yes,,Main St 1,Rotterdam,ZH,NL,'3011,'+31101234567,49.80,Likes mugs
'6940095565,Ann,Lee,ann@example.com,no,Acme Corp,Rue 2,Lyon,,FR,69001,,0.00,
"""
STOCK = """Handle,Title,SKU,Location,Bin name,Unavailable (not editable),Committed (not editable),\
Available (not editable),On hand (current),On hand (new)
tee,Organic tee,TEE-M,Rotterdam,A-1,1,2,7,10,
tee,Organic tee,TEE-L,Rotterdam,,0,0,4,4,
mug,Stone mug,MUG,Rotterdam,,not stocked,not stocked,not stocked,not stocked,not stocked
"""
ORDERS = """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,\
Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,\
Lineitem fulfillment status,Shipping Name,Shipping Address1,Shipping City,Shipping Zip,Shipping Province,\
Shipping Country,Notes,Cancelled at,Refunded Amount,Outstanding Balance,Id,Payment Reference
#1001,jo@example.com,paid,2026-01-05 10:22:31 +0100,fulfilled,2026-01-06 09:00:00 +0100,EUR,61.80,4.95,10.73,66.75,,\
0.00,2026-01-05 10:22:30 +0100,2,Organic tee - M,24.90,TEE-M,fulfilled,Jo Smith,Main St 1,Rotterdam,'3011,ZH,NL,\
Ring twice,,0.00,0.00,5501,pay_abc
#1001,jo@example.com,,,,,,,,,,,,2026-01-05 10:22:30 +0100,1,Stone mug,12.00,MUG,fulfilled,,,,,,,,,,,,
#1002,pat@example.com,partially_refunded,2026-01-07 12:00:00 +0100,unfulfilled,,EUR,20.00,0.00,0.00,20.00,MUG4,\
4.00,2026-01-07 11:59:00 +0100,2,Stone mug,12.00,MUG,pending,Pat New,Way 3,Leiden,2311,,NL,,,5.00,0.00,5502,PP-1
"""
PURCHASES = """number,supplier,supplier_email,warehouse,status,ordered_at,eta,sku,quantity,received,unit_cost
PO-501,Mill BV,sales@mill.example,Rotterdam,ordered,2026-01-02,2026-12-01,TEE-M,50,,8.10
PO-501,Mill BV,,Rotterdam,ordered,2026-01-02,2026-12-01,TEE-L,20,,8.10
"""
TRACKING = """tracking_number,order,carrier,occurred_at,status,location,message
3S123,1001,DHL,2026-01-08T14:10:00+01:00,Delivered,Rotterdam,Delivered to a neighbour
3S123,1001,DHL,2026-01-06T18:00:00+01:00,InTransit,Utrecht,In transit
"""
SHOP = (
    ("products", PRODUCTS, ("--currency", "EUR")),
    ("customers", CUSTOMERS, ()),
    ("stock", STOCK, ("--create", "location")),
    ("orders", ORDERS, ()),
    ("purchase-orders", PURCHASES, ("--create", "supplier")),
    ("tracking", TRACKING, ("--create", "carrier")),
)
