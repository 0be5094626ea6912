"""Loading: deterministic, relative to a moment, all or nothing, two shops side by side."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.commerce.demo.conftest import MAIN, NOW
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo import load
from tradepost.commerce.demo.loading import build
from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.inventory.models import StockMovement
from tradepost.commerce.logistics.models import Delivery, Driver, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.tables import METADATA
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict


def contents(shop: Shop) -> list[tuple[object, ...]]:
    mappers = {model: model.__table__.columns.keys() for model in shop.draft.models()}
    return [
        (model.__tablename__, *(getattr(row, column) for column in columns if column != "workspace_id"))
        for model, columns in mappers.items()
        for row in shop.draft.rows(model)
    ]


def test_the_same_seed_and_moment_give_the_same_rows() -> None:
    first = contents(build("wsp", NOW, 1, 150, "main"))
    assert first == contents(build("wsp", NOW, 1, 150, "main"))
    assert first != contents(build("wsp", NOW, 2, 150, "main"))
    assert first == contents(build("another", NOW, 1, 150, "main"))
    assert not {row.id for row in build("wsp", NOW, 1, 150, "second").draft.rows(Order)} & {
        row.id for row in build("wsp", NOW, 1, 150, "main").draft.rows(Order)
    }


@pytest.mark.parametrize("hour", [0, 4, 8, 11, 16, 20, 23])
@pytest.mark.parametrize("day", [datetime(2026, 2, 26, tzinfo=UTC), datetime(2028, 12, 31, tzinfo=UTC)])
def test_every_moment_of_the_day_gives_a_shop_without_a_future_past(day: datetime, hour: int) -> None:
    now = day + timedelta(hours=hour)
    shop = build("wsp", now, 3, 150, "main")
    for shipment in shop.draft.rows(Shipment):
        assert shipment.shipped_at is None or shipment.shipped_at <= now
        assert shipment.delivered_at is None or shipment.delivered_at <= now
        assert shipment.last_event_at is not None
        assert shipment.last_event_at <= now
        if shipment.status in ("in_transit", "out_for_delivery", "delayed"):
            assert shipment.eta is not None
            assert now - shipment.last_event_at < timedelta(days=3)
    for delivery in shop.draft.rows(Delivery):
        assert delivery.status == "completed" or delivery.eta is None or delivery.eta >= now
    assert all(order.placed_at <= now for order in shop.draft.rows(Order))


@pytest.mark.parametrize("seed", range(5, 8))
def test_every_seed_opens_with_stock_that_exists(seed: int) -> None:
    from_start = [
        row
        for row in build("wsp", NOW, seed, 500, "main").draft.rows(StockMovement)
        if row.cause == "initial" and row.delta < 0
    ]
    assert not from_start


async def test_the_main_shop_has_the_size_it_should(session: AsyncSession) -> None:
    counts = {
        table.name: (await session.execute(select(func.count()).select_from(table))).scalar_one()
        for table in METADATA.sorted_tables
        if table.name in ("locations", "carriers", "suppliers", "routes", "drivers", "customers", "orders", "variants")
    }
    rows = (await session.execute(select(func.count()).select_from(Order))).scalar_one()
    oldest = (await session.execute(select(func.min(Order.placed_at)))).scalar_one()
    assert rows == 500
    assert NOW - oldest < timedelta(days=61)
    assert (await session.execute(select(func.count()).select_from(Customer))).scalar_one() == 40
    assert (await session.execute(select(func.count()).select_from(Driver))).scalar_one() == 12
    assert counts["suppliers"] >= 8


async def test_the_two_shops_share_numbers_and_nothing_else(
    session: AsyncSession, second_session: AsyncSession
) -> None:
    mine = dict((await session.execute(select(Order.number, Order.id))).all())
    theirs = dict((await second_session.execute(select(Order.number, Order.id))).all())
    assert len(mine.keys() & theirs.keys()) > 50
    assert {"88213", "88214"} <= mine.keys() & theirs.keys()
    assert not set(mine.values()) & set(theirs.values())
    names = select(Customer.first_name, Customer.last_name)
    assert not {*(await session.execute(names)).all()} & {*(await second_session.execute(names)).all()}
    settings = (await second_session.execute(select(StoreSettings.currency, StoreSettings.fixed_now))).one()
    assert tuple(settings) == ("USD", NOW)
    order = (await second_session.execute(select(Order).where(Order.number == "88213"))).scalar_one()
    assert order.delivered_at is not None
    assert order.promised_to is not None
    assert order.delivered_at <= order.promised_to


async def test_a_workspace_with_a_shop_is_refused_and_stays_as_it_is(empty: Database) -> None:
    await load(empty, MAIN, now=NOW, orders=100)
    with pytest.raises(StateConflict, match="already has a shop"):
        await load(empty, MAIN, now=NOW, orders=120)
    async with empty.transaction(MAIN, write=False) as session:
        assert (await session.execute(select(func.count()).select_from(Order))).scalar_one() == 100


async def test_a_load_that_breaks_off_leaves_nothing(empty: Database) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await load(empty, MAIN, now=NOW, orders=120, on_progress=stop)
    async with empty.transaction(MAIN, write=False) as third:
        assert (await third.execute(select(func.count()).select_from(Customer))).scalar_one() == 0
        assert (await third.execute(select(func.count()).select_from(StoreSettings))).scalar_one() == 0


async def test_progress_ends_at_the_total(empty: Database) -> None:
    steps: list[tuple[int, int]] = []
    summary = await load(empty, MAIN, now=NOW, orders=100, on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (summary.total, summary.total)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert summary.rows["orders"] == 100


@pytest.mark.parametrize(("now", "orders"), [(datetime(2026, 2, 24), 200), (NOW, 5)])  # noqa: DTZ001 a naive time is the point
async def test_wrong_options_are_refused(empty: Database, now: datetime, orders: int) -> None:
    with pytest.raises(InvalidArgument):
        await load(empty, MAIN, now=now, orders=orders)
