"""Two random shops in one database: the one that is asked, and its neighbor with the same ids and numbers."""

import asyncio
from typing import Any

from tests.commerce.other_books import add_money
from tests.commerce.other_moves import add_goods_on_the_way
from tests.commerce.other_shop import OtherShop
from tests.engines import Template
from tradepost.database import migrate
from tradepost.database.base import StoreBase
from tradepost.database.engine import Database

ASKED, NEIGHBOR = "wsp/asked", "wsp/neighbor"
MARKS = {ASKED: "Ostrava", NEIGHBOR: "Hidden"}
SEEDS = {ASKED: 101, NEIGHBOR: 202}
ORDERS = 90

Rows = dict[tuple[str, str], tuple[Any, ...]]


async def write_both(database: Database) -> None:
    """Fill an empty store with the two."""
    for workspace in (ASKED, NEIGHBOR):
        shop = OtherShop(SEEDS[workspace], MARKS[workspace], ORDERS)
        add_goods_on_the_way(shop)
        add_money(shop)
        place = {table.name: index for index, table in enumerate(StoreBase.metadata.sorted_tables)}
        async with database.transaction(workspace, write=True) as session:
            for table in sorted({row.__tablename__ for row in shop.rows}, key=place.__getitem__):
                session.add_all(row for row in shop.rows if row.__tablename__ == table)
                await session.flush()


async def all_rows(database: Database, workspace: str) -> Rows:
    """Every row of a workspace with all its values, as the database gives them: no object is built per row."""
    found: Rows = {}
    async with database.transaction(workspace, write=False) as session:
        for table in StoreBase.metadata.sorted_tables:
            if "workspace_id" not in table.c:
                continue
            rows = await session.execute(table.select().where(table.c.workspace_id == workspace))
            place = [column.key for column in table.c].index("id")
            found.update({(table.name, row[place]): tuple(row) for row in rows})
    return found


def other_shop_template() -> Template:
    """Databases with both shops."""
    return Template("other shop", hub=lambda _url: None, store=_prepare)


def _prepare(url: str) -> None:
    migrate.upgrade(url, "store")
    asyncio.run(_write(url))


async def _write(url: str) -> None:
    database = Database(url)
    await write_both(database)
    await database.close()
