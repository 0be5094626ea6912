"""The migration that puts the sums of lines and parcels on orders: rows that were there come out as fresh ones do."""

import asyncio
import importlib
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from tests.commerce.odd_orders import make_odd_orders
from tests.commerce.other_workspaces import other_shop_template
from tests.engines import DatabaseUrls, Template
from tradepost.database.engine import Database

REVISION = importlib.import_module("tradepost.database.migrations.store.versions.0005_sums_of_orders")
# What the revision adds, and indexes over it.
NEW = {
    "orders": ("sold_units", "undelivered", "repeats_sku", "carrier_ids"),
    "order_lines": ("placed_at", "picked_at"),
}
OVER = ("ix_orders_placed", "ix_orders_promised", "ix_order_lines_figures")


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


def rows(connection: Connection) -> dict[str, list[Any]]:
    return {
        table: list(connection.execute(text(f"SELECT workspace_id, id, {', '.join(new)} FROM {table} ORDER BY 1, 2")))
        for table, new in NEW.items()
    }


async def with_odd_orders(url: str) -> None:
    store = Database(url)
    await make_odd_orders(store)
    await store.close()


def test_rows_that_were_there_are_summed_up_as_fresh_ones(database_urls: DatabaseUrls) -> None:
    asyncio.run(with_odd_orders(database_urls.store))
    engine = create_engine(database_urls.store.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        as_written = rows(connection)
        for index in OVER:
            connection.execute(text(f"DROP INDEX {index}"))
        for table, columns in NEW.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        for table, index in (("orders", OVER[0]), ("orders", OVER[1]), ("order_lines", OVER[2])):
            connection.execute(text(f"CREATE INDEX {index} ON {table} (workspace_id, id)"))
        connection.execute(text("CREATE INDEX ix_order_lines_undelivered ON order_lines (workspace_id, order_id)"))
        with Operations.context(MigrationContext.configure(connection)):
            REVISION.upgrade()
        brought_along = rows(connection)
    engine.dispose()
    assert brought_along == as_written
    assert any(row.repeats_sku for row in brought_along["orders"])
    assert any("\n" in row.carrier_ids for row in brought_along["orders"])
