"""What a store looks like from afar: enough to see whether anything was written."""

from typing import Any

from sqlalchemy import func, select

from tradepost.database.base import StoreBase, Versioned
from tradepost.database.engine import Database


async def footprint(store: Database) -> dict[str, tuple[int, int]]:
    """How many rows each table has in all workspaces and how often they changed."""
    found = {}
    async with store.system(write=False) as session:
        for mapper in StoreBase.registry.mappers:
            model = mapper.class_
            changes: Any = func.coalesce(func.sum(model.version), 0) if issubclass(model, Versioned) else func.count()
            row = (await session.execute(select(func.count(model.id), changes))).one()
            found[model.__name__] = (row[0], row[1])
    return found
