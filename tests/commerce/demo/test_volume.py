"""A long history: as many orders as asked for, whatever interrupted it, and nothing of the shop's cases touched."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.commerce.demo.conftest import LONG_ORDERS, NOW
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo import CASES, load
from tradepost.commerce.demo.volume import MOST_ORDERS, bring_to
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, SettlementLine
from tradepost.commerce.store.models import NumberRange
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict

WORKSPACE, TWIN = "wsp_one", "wsp_two"


async def count(session: AsyncSession, *where: Any) -> int:
    return int((await session.execute(select(func.count(Order.id)).where(*where))).scalar_one())


async def orders_in(database: Database, workspace: str) -> list[tuple[Any, ...]]:
    statement = select(Order.number, Order.id, Order.total_minor, Order.status, Order.placed_at).order_by(Order.number)
    async with database.transaction(workspace, write=False) as session:
        return [tuple(row) for row in await session.execute(statement)]


async def test_history_is_old_and_done_with_a_little_that_is_open(long_session: AsyncSession) -> None:
    assert await count(long_session) == LONG_ORDERS
    assert await count(long_session, Order.placed_at < NOW - timedelta(days=365)) > LONG_ORDERS * 0.4
    assert await count(long_session, Order.placed_at > NOW) == 0
    told = Order.id.like("ord_%0000000%")  # made by counting
    opened = await count(long_session, told, Order.status == "open")
    assert 0 < opened < LONG_ORDERS * 0.02
    late = await count(long_session, told, Order.status == "open", Order.promised_to < NOW)
    assert late == 0
    for moment in (Shipment.delivered_at, Shipment.last_event_at, Delivery.completed_at, Payment.captured_at):
        assert (await long_session.execute(select(func.max(moment)))).scalar_one() <= NOW


async def test_every_card_payment_of_the_history_stands_on_a_statement(long_session: AsyncSession) -> None:
    settled = select(SettlementLine.reference).where(SettlementLine.type == "charge")
    open_ones = select(Payment.number).where(
        Payment.psp_reference.is_not(None),
        Payment.captured_minor > 0,
        Payment.captured_at < NOW - timedelta(days=63),
        Payment.psp_reference.not_in(settled),
    )
    assert not (await long_session.execute(open_ones.limit(5))).all()


async def test_names_and_numbers_of_the_cases_stay_theirs(long_session: AsyncSession) -> None:
    smiths = select(func.count(Customer.id)).where(Customer.last_name.icontains("smith"))
    assert (await long_session.execute(smiths)).scalar_one() == 2
    marchetti = select(Customer.number).where(Customer.last_name == "Marchetti")
    assert list(await long_session.scalars(marchetti)) == [CASES["known_customer"]]
    late = (await long_session.scalars(select(Order).where(Order.number == CASES["late_order_driver_sick"]))).one()
    assert late.status == "open"
    highest = await long_session.get(NumberRange, ("wsp_long", "PAY-"))
    numbers = [int(number[4:]) for number in await long_session.scalars(select(Payment.number))]
    assert highest is not None
    assert highest.last >= max(numbers)


class Interrupted(Exception):
    pass


async def test_it_goes_on_where_it_was_interrupted_and_a_second_time_adds_nothing(empty: Database) -> None:
    await load(empty, WORKSPACE, now=NOW, orders=120)

    def stop(orders: int, _all: int, _rows: int) -> None:
        if orders >= 200:
            raise Interrupted

    with pytest.raises(Interrupted):
        await bring_to(empty, WORKSPACE, 700, now=NOW, on_progress=stop)
    after = len(await orders_in(empty, WORKSPACE))
    assert 320 <= after < 700
    loaded = await bring_to(empty, WORKSPACE, 700, now=NOW)
    assert (loaded.before, loaded.orders) == (after, 700 - after)
    there = await orders_in(empty, WORKSPACE)
    assert len(there) == 700
    again = await bring_to(empty, WORKSPACE, 700, now=NOW)
    assert (again.before, again.orders, again.rows) == (700, 0, 0)
    fewer = await bring_to(empty, WORKSPACE, 10, now=NOW)
    assert fewer.orders == 0
    assert await orders_in(empty, WORKSPACE) == there
    async with empty.transaction(WORKSPACE, write=False) as session:
        lineless = select(func.count(Order.id)).where(Order.id.not_in(select(OrderLine.order_id)))
        assert (await session.execute(lineless)).scalar_one() == 0
        if empty.is_sqlite:  # the only engine that does not look while loading
            assert not (await session.execute(text("PRAGMA foreign_key_check"))).all()


async def test_the_same_seed_tells_the_same_history_wherever_the_shop_stands(empty: Database) -> None:
    for workspace in (WORKSPACE, TWIN):
        await load(empty, workspace, now=NOW, orders=100)
        await bring_to(empty, workspace, 250, now=NOW, seed=7)
    first = await orders_in(empty, WORKSPACE)
    assert first == await orders_in(empty, TWIN)
    assert len({row[1] for row in first}) == 250


@pytest.mark.parametrize("orders", [0, -1, MOST_ORDERS + 1])
async def test_a_number_that_makes_no_sense_is_refused(empty: Database, orders: int) -> None:
    with pytest.raises(InvalidArgument):
        await bring_to(empty, WORKSPACE, orders, now=NOW)


async def test_only_a_demo_shop_gets_a_history(empty: Database) -> None:
    with pytest.raises(StateConflict, match="no demo shop"):
        await bring_to(empty, WORKSPACE, 100, now=NOW)
