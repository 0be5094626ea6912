"""The workspace scope holds whatever a query says, and on PostgreSQL a second time in the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, delete, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tests.engines import DatabaseUrls, Template
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.inventory.models import Location, StockMovement
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.database.scoping import BUILT_ONCE


@pytest.fixture
def database_template() -> Template:
    return Template(
        "current", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


def customer(number: str) -> Customer:
    return Customer(
        id=f"cus_{number}", number=number, first_name="A", last_name="B", email=f"{number}@x.test",
        email_folded=f"{number}@x.test", address={},
    )  # fmt: skip


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    for workspace in ("one", "two"):
        async with database.transaction(workspace, write=True) as session:
            session.add(customer("1"))
            await session.flush()
            session.add(PaymentMethod(id="pm_1", customer_id="cus_1", type="paypal", currency="EUR"))
    yield database
    await database.close()


@pytest.mark.behaviour("security 2.18")
async def test_every_form_of_query_sees_one_workspace(database: Database) -> None:
    async with database.transaction("one", write=True) as session:
        assert [row.workspace_id for row in await session.scalars(select(Customer))] == ["one"]
        assert (await session.execute(select(func.count()).select_from(Customer))).scalar_one() == 1
        assert (await session.execute(select(Customer.workspace_id))).all() == [("one",)]
        joined = select(PaymentMethod.id).join(Customer, Customer.id == PaymentMethod.customer_id)
        assert len((await session.execute(joined)).all()) == 1
        assert await session.get(Customer, ("two", "cus_1")) is None
        inner = select(Customer.id).where(Customer.workspace_id == "two").scalar_subquery()
        assert (await session.execute(select(PaymentMethod.id).where(PaymentMethod.customer_id == inner))).all() == []
        await session.execute(update(Customer).values(first_name="Changed"))
        await session.execute(delete(PaymentMethod))
    async with database.transaction("two", write=False) as session:
        assert (await session.scalars(select(Customer))).one().first_name == "A"
        assert len((await session.scalars(select(PaymentMethod))).all()) == 1


async def test_a_row_of_another_workspace_cannot_be_added(database: Database) -> None:
    stranger = customer("9")
    stranger.workspace_id = "two"
    with pytest.raises(RuntimeError, match="of another"):
        async with database.transaction("one", write=True) as session:
            session.add(stranger)


async def test_a_reference_cannot_leave_the_workspace(database: Database) -> None:
    async with database.transaction("two", write=True) as session:
        session.add(customer("2"))
    with pytest.raises(DBAPIError):
        async with database.transaction("one", write=True) as session:
            session.add(PaymentMethod(id="pm_2", customer_id="cus_2", type="paypal", currency="EUR"))


async def test_a_reading_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match="read"):
        async with database.transaction("one", write=False) as session:
            session.add(customer("3"))
            await session.flush()


async def test_raw_sql_without_a_workspace_sees_nothing_on_postgres(database: Database) -> None:
    if database.is_sqlite:
        async with database.system(write=False) as session:
            assert len((await session.scalars(select(Customer))).all()) == 2
        return
    async with database._writer.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM customers"))).scalar_one() == 0
        await connection.execute(text("SELECT set_config('tradepost.workspace', 'one', true)"))
        assert (await connection.execute(text("SELECT workspace_id FROM customers"))).all() == [("one",)]
        with pytest.raises(DBAPIError, match=r"policy|permission"):
            await connection.execute(
                text("UPDATE customers SET workspace_id = 'two', id = 'moved' WHERE workspace_id = 'one'")
            )


async def test_append_only_tables_refuse_changes(database: Database) -> None:
    for statement in (update(StockMovement).values(delta=1), delete(StockMovement)):
        with pytest.raises(DBAPIError):
            async with database.transaction("one", write=True) as session:
                await _one_movement(session)
                await session.execute(statement)


async def _one_movement(session: AsyncSession) -> None:
    session.add(Location(id="loc_1", code="L", name="L", address={}))
    await session.flush()
    session.add(
        StockMovement(
            id="mov_1", sku="S", location_id="loc_1", state="available", delta=1, cause="count", actor="t",
            occurred_at=datetime.now(UTC),
        )
    )  # fmt: skip
    await session.flush()


async def test_a_statement_built_once_is_limited_on_every_table_in_it(database: Database) -> None:
    other = aliased(Customer)
    newest = select(PaymentMethod.customer_id).where(PaymentMethod.type == bindparam("type"))
    statements = [
        select(Customer, PaymentMethod).outerjoin(PaymentMethod, PaymentMethod.type == bindparam("type")),
        select(Customer.workspace_id, other.workspace_id).join(other, other.number == Customer.number),
        select(Customer).where(Customer.id.in_(newest)),
        select(func.count()).select_from(newest.subquery()),
    ]
    for workspace in ("one", "two", "one"):
        for statement, rows in zip(statements, (1, 1, 1, 1), strict=True):
            async with database.transaction(workspace, write=False, quick=True) as session:
                once = statement.execution_options(**{BUILT_ONCE: True})
                found = (await session.execute(once, {"type": "paypal"})).all()
                assert len(found) == rows
                assert all(getattr(value, "workspace_id", workspace) == workspace for row in found for value in row)
                assert "two" not in str(found) or workspace == "two"
    async with database.transaction("one", write=False) as session:
        total = statements[3].execution_options(**{BUILT_ONCE: True})
        assert (await session.execute(total, {"type": "paypal"})).scalar_one() == 1


@pytest.mark.behaviour("security 2.18")
async def test_a_look_up_sees_one_workspace_and_what_was_just_changed(database: Database) -> None:
    method = Lookup(
        select(Customer, PaymentMethod, Location.code)
        .outerjoin(PaymentMethod, PaymentMethod.customer_id == Customer.id)
        .outerjoin(Location, Location.id == PaymentMethod.external_id)
        .where(Customer.number == bindparam("number"))
    )
    some = Lookup(select(PaymentMethod).where(PaymentMethod.id.in_(bindparam("ids", expanding=True))))
    for workspace in ("one", "two", "one"):
        for quick in (False, True):
            async with database.transaction(workspace, write=False, quick=quick) as session:
                ((found, paid, code),) = await method.rows(session, {"number": "1"})
                assert (found.workspace_id, paid.workspace_id, code) == (workspace, workspace, None)
                entity = (await session.scalars(select(Customer))).one()
                for name in (column.key for column in inspect(Customer).column_attrs):
                    assert getattr(found, name) == getattr(entity, name), name
                assert [row.workspace_id for (row,) in await some.rows(session, {"ids": ["pm_1", "pm_2"]})] == [
                    workspace
                ]
                assert await method.rows(session, {"number": "2"}) == []
    async with database.transaction("one", write=True) as session:
        (await session.scalars(select(Customer))).one().first_name = "Changed"
        await session.execute(delete(PaymentMethod))
        ((found, paid, _),) = await method.rows(session, {"number": "1"})
        assert (found.first_name, paid) == ("Changed", None)
        with pytest.raises(AttributeError):
            found.first_name = "lost"
    async with database.system(write=False) as session:
        assert len(await method.rows(session, {"number": "1"})) == 2
