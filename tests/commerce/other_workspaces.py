"""Two random shops in one database: the one that is asked, and its neighbor with the same ids and numbers."""

from typing import Any

from sqlalchemy import inspect, select

from tests.commerce.other_books import add_money
from tests.commerce.other_moves import add_goods_on_the_way
from tests.commerce.other_shop import OtherShop
from tradepost.database.base import Scoped, StoreBase
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
    """Every row of a workspace with all its values."""
    found: Rows = {}
    async with database.transaction(workspace, write=False) as session:
        for mapper in StoreBase.registry.mappers:
            model: Any = mapper.class_
            if not issubclass(model, Scoped):
                continue
            columns = [attribute.key for attribute in inspect(model).column_attrs]
            for row in await session.scalars(select(model)):
                found[model.__tablename__, row.id] = tuple(str(getattr(row, column)) for column in columns)
    return found
