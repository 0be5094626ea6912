"""Bringing the demo shop to a number of orders, one week of history per transaction.

Interrupted, the weeks that were committed stay and the shop is whole; called again, what is still missing is told
anew beside them. So the same command always ends at the same number of orders.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update

from tradepost.commerce.customers.names import NamePart, part_rows
from tradepost.commerce.demo.volume.ground import Ground, survey
from tradepost.commerce.demo.volume.numbers import reserve
from tradepost.commerce.demo.volume.sheets import clock_for, epoch, written
from tradepost.commerce.demo.volume.weeks import Week, tell_weeks
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.store.books import closed_books
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.tables import METADATA
from tradepost.database.bulk import BulkWriter
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict

MOST_ORDERS = 10_000_000
_TURN_SECONDS = 0.0005
Progress = Callable[[int, int, int], None]  # orders so far, orders in all, rows so far

_TABLES = tuple(METADATA.sorted_tables)
_HOLD = (
    update(StockLevel.__table__)  # type: ignore[arg-type]
    .where(
        StockLevel.workspace_id == bindparam("workspace"),
        StockLevel.sku == bindparam("held_sku"),
        StockLevel.location_id == bindparam("place"),
    )
    .values(
        committed=StockLevel.committed + bindparam("units"),
        on_hand=StockLevel.on_hand + bindparam("units"),
        version=StockLevel.version + 1,
    )
)


@dataclass
class Loaded:
    """What a load has added so far: orders, and rows of all kinds. `before`: orders that were there."""

    before: int
    orders: int = 0
    by_table: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.by_table.total()


def require_count(orders: int) -> None:
    """Raise InvalidArgument unless a shop can have so many orders."""
    if orders < 1:
        raise InvalidArgument(f"{orders} orders cannot be loaded.", hint="Give 1 or more.", field="orders")
    if orders > MOST_ORDERS:
        raise InvalidArgument(
            f"{orders:,} orders are more than a demo holds.", hint=f"Give {MOST_ORDERS:,} at most.", field="orders"
        )


async def bring_to(
    database: Database,
    workspace_id: str,
    orders: int,
    *,
    now: datetime,
    seed: int = 1,
    on_progress: Progress | None = None,
) -> Loaded:
    """Give the workspace's demo shop a history, so that it has `orders` orders in all; what is there counts. A shop
    with as many or more is left alone. Where the shop's clock is held still, the history ends there. Raises
    InvalidArgument for a number out of bounds, StateConflict where there is no demo shop or its books are closed."""
    require_count(orders)
    async with database.transaction(workspace_id, write=False) as session:
        ground = await survey(session, workspace_id)
        held = (await session.get(StoreSettings, (workspace_id, "settings"))).fixed_now  # type: ignore[union-attr]
        closed = await closed_books(session)
    loaded = Loaded(ground.orders)
    missing = orders - ground.orders
    if missing <= 0:
        return loaded
    if closed is not None:
        raise StateConflict(
            f"A history lies in the past, and {closed.says()}.",
            hint="Load it before the books are closed, or open them: `tradepost store books --reopen-from DAY`.",
        )
    async with database.transaction(workspace_id, write=True) as session:
        numbers = await reserve(session, seed, ground.flavor.name, missing)
    told = tell_weeks(ground, numbers, clock_for(database.is_sqlite), epoch(held or now), seed, missing)
    await _write_all(database, ground, told, loaded, missing, on_progress)
    async with database.transaction(workspace_id, write=True) as session:
        await numbers.give_back(session)
    await database.tidy()
    return loaded


async def _write_all(
    database: Database,
    ground: Ground,
    told: Iterator[Week],
    loaded: Loaded,
    missing: int,
    on_progress: Progress | None,
) -> None:
    """While weeks are written, the next one is told in a thread. A week is committed after the one before it: its
    orders may be of that one's customers."""
    telling, most = asyncio.Lock(), await database.bulk_at_once()
    writing = asyncio.Semaphore(most)
    last = asyncio.Event()
    last.set()

    async def work() -> None:
        nonlocal last
        while True:
            async with telling:
                week = await asyncio.to_thread(next, told, None)
                before, last = last, asyncio.Event()
                this = last
            if week is None:
                return
            async with writing:
                async with database.bulk() as writer:
                    rows = await _write(writer, week)
                    await before.wait()
                    await _add_to_what_is_there(writer, ground.workspace_id, week)
                this.set()
            loaded.orders += week.orders
            loaded.by_table.update(rows)
            if on_progress is not None:
                on_progress(loaded.orders, missing, loaded.rows)

    with _short_turns():
        await _all_or_the_first_failure([work() for _ in range(most + 1)])


@contextmanager
def _short_turns() -> Iterator[None]:
    """The thread that tells lets those that write go on sooner than usual. With Python's own 5 ms each statement waits
    that long, and the database idles for a quarter of the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


async def _all_or_the_first_failure(workers: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.ensure_future(worker) for worker in workers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _write(writer: BulkWriter, week: Week) -> Counter[str]:
    """Add what a week has brought. How many rows of each table."""
    rows: Counter[str] = Counter()
    for sheet in written(week.sheets, _TABLES):
        await writer.insert(sheet.table, sheet.columns, sheet.rows)
        rows[sheet.table.name] += len(sheet.rows)
    return rows


async def _add_to_what_is_there(writer: BulkWriter, workspace_id: str, week: Week) -> None:
    await writer.add_missing(NamePart, list(part_rows(workspace_id, week.names)))
    await writer.change_each(
        _HOLD,
        [
            {"workspace": workspace_id, "held_sku": sku, "place": place_id, "units": units}
            for (sku, place_id), units in sorted(week.held.items())
        ],
    )
