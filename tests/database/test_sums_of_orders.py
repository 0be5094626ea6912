"""The migrations that put sums of lines and parcels on orders, what is asked of an order on its lines, what others
say on stops, payments and lines of returns, and parts of addresses on customers: rows that were there come out as
fresh ones do."""

import asyncio
import importlib
from datetime import timedelta
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, select, text

from tests.commerce.odd_orders import make_odd_orders
from tests.commerce.other_workspaces import ASKED, other_shop_template
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.orders.models import USUAL, Order
from tradepost.commerce.returns.models import Return
from tradepost.database import migrate
from tradepost.database.engine import Database

VERSIONS = "tradepost.database.migrations.store.versions"
New = dict[str, tuple[str, ...]]
SUMS: New = {
    "orders": ("sold_units", "undelivered", "repeats_sku", "carrier_ids"),
    "order_lines": ("placed_at", "picked_at"),
}
COPIES: New = {"order_lines": ("promised_to", "warehouse_id", "order_status", "payment_status", "fulfillment_status")}
PAIRS: New = {
    "deliveries": ("start_location_id",),
    "payments": ("refund_states",),
    "return_lines": ("requested_at", "return_status", "resolution", "location_id"),
}
ADDRESSES: New = {"customers": ("email_domain", "email_turned")}
# Indexes that a revision replaces, and others over what it adds.
REPLACED = {
    "ix_orders_placed": "orders",
    "ix_orders_promised": "orders",
    "ix_order_lines_figures": "order_lines",
    "ix_order_lines_undelivered": "order_lines",
}
REPLACED_FOR_PAIRS = {
    "ix_deliveries_route": "deliveries",
    "ix_deliveries_window": "deliveries",
    "ix_deliveries_eta": "deliveries",
    "ix_deliveries_driver_created": "deliveries",
    "ix_claims_file_by": "claims",
    "ix_stock_movements_cause": "stock_movements",
    "ix_payments_authorized": "payments",
    "ix_returns_status": "returns",
    "ix_returns_location": "returns",
    "ix_returns_resolution": "returns",
    "ix_return_lines_sku": "return_lines",
    "ix_return_lines_reason": "return_lines",
}
NEW_FOR_PAIRS = (
    "ix_deliveries_start",
    "ix_payments_taken",
    "ix_payments_refunded",
    "ix_payments_refunded_taken",
    "ix_shipments_moving",
)
NEW_FOR_ADDRESSES = ("ix_customers_email_domain", "ix_customers_email_turned")
LATER = (
    "ix_orders_warehouse_promised",
    *("ix_order_lines_unusual", "ix_order_lines_sku_promised", "ix_order_lines_sku_warehouse"),
    *(f"ix_orders_{state}_{beside}" for state in USUAL for beside in ("promised", "place")),
)


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


def rows(connection: Connection, added: New) -> dict[str, list[Any]]:
    return {
        table: list(connection.execute(text(f"SELECT workspace_id, id, {', '.join(new)} FROM {table} ORDER BY 1, 2")))
        for table, new in added.items()
    }


def take_back(connection: Connection, added: New, replaced: dict[str, str], over: tuple[str, ...]) -> None:
    """Make the tables what they were before a revision, as far as it goes by that."""
    for index in (*replaced, *over):
        connection.execute(text(f"DROP INDEX IF EXISTS {index}"))
    for table, columns in added.items():
        for column in columns:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    for index, table in replaced.items():
        connection.execute(text(f"CREATE INDEX {index} ON {table} (workspace_id, id)"))


def take_knowledge_back(connection: Connection) -> None:
    """Clauses as they were before they were cut from entries."""
    full_text = ["policy_clauses_fts"] if connection.dialect.name == "sqlite" else []
    entries = ("knowledge_editions", "knowledge_proposals", "policy_clauses", "knowledge_entries")
    for table in (*full_text, *entries):
        connection.execute(text(f"DROP TABLE {table}"))
    columns = ", ".join(
        f"{name} VARCHAR NOT NULL" for name in ("clause", "topic", "title", "body", "workspace_id", "id")
    )
    connection.execute(
        text(
            f"CREATE TABLE policy_clauses ({columns}, position BIGINT NOT NULL, version BIGINT NOT NULL,"
            " created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, PRIMARY KEY (workspace_id, id),"
            " CONSTRAINT ck_policy_clauses_topic CHECK (topic <> ''))"
        )
    )


async def with_odd_orders(url: str) -> None:
    store = Database(url)
    await make_odd_orders(store)
    async with store.transaction(ASKED, write=True) as session:
        picked = (await session.scalars(select(Order).where(Order.sold_units > 0).limit(1))).one()
        picked.picked_at = picked.placed_at
        asked = (await session.scalars(select(Return).order_by(Return.id).limit(1))).one()
        asked.requested_at -= timedelta(days=1)
    await store.close()


@pytest.mark.parametrize(
    ("revision", "added", "replaced", "over"),
    [
        ("0005_sums_of_orders", SUMS, REPLACED, ("ix_order_lines_sku", "ix_orders_due", *LATER)),
        ("0007_orders_by_sku", COPIES, {"ix_order_lines_sku": "order_lines"}, LATER),
        ("0008_pairs_of_filters", PAIRS, REPLACED_FOR_PAIRS, NEW_FOR_PAIRS),
        ("0009_parts_of_addresses", ADDRESSES, {}, NEW_FOR_ADDRESSES),
    ],
)
def test_rows_that_were_there_come_out_as_fresh_ones(
    database_urls: DatabaseUrls, revision: str, added: New, replaced: dict[str, str], over: tuple[str, ...]
) -> None:
    asyncio.run(with_odd_orders(database_urls.store))
    engine = create_engine(database_urls.store.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        as_written = rows(connection, added)
        take_back(connection, added, replaced, over)
        with Operations.context(MigrationContext.configure(connection)):
            importlib.import_module(f"{VERSIONS}.{revision}").upgrade()
        brought_along = rows(connection, added)
    engine.dispose()
    assert brought_along == as_written
    for table, columns in added.items():
        for at, column in enumerate(columns):
            assert len({row[2 + at] for row in brought_along[table]}) > 1, column


def test_after_an_upgrade_the_planner_knows_the_new_columns(database_urls: DatabaseUrls) -> None:
    """Of a shop that was loaded, and so has statistics of everything else."""
    engine = create_engine(database_urls.store.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        take_back(connection, ADDRESSES, {}, (*NEW_FOR_ADDRESSES, *LATER))
        take_knowledge_back(connection)
        connection.execute(text("UPDATE tradepost_store_revision SET version_num = '0008'"))
        connection.execute(text("ANALYZE"))
    migrate.upgrade(database_urls.store, "store")
    with engine.begin() as connection:
        if database_urls.engine == "sqlite":
            known = "SELECT stat FROM sqlite_stat1 WHERE idx = 'ix_customers_email_turned'"
        else:
            known = "SELECT n_distinct FROM pg_stats WHERE tablename = 'customers' AND attname = 'email_turned'"
        assert connection.execute(text(known)).all()
    engine.dispose()
