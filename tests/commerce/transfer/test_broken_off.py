"""A database that fails in the middle of a CSV import: it is said how far it came, and the same import completes it."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from tests.commerce.conftest import NOW, WORKSPACE
from tests.engines import DatabaseUrls
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.transfer.sheets import KINDS, running
from tradepost.commerce.transfer.sheets.mapping import read_mapping
from tradepost.commerce.transfer.sheets.outcome import BrokenOff, Outcome
from tradepost.commerce.transfer.sheets.problems import Report
from tradepost.commerce.transfer.sheets.reading import Sheet
from tradepost.commerce.transfer.sheets.running import Wish, import_sheet, lay_ground
from tradepost.database import engine
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal

BATCH = 100
COUNT = 3 * BATCH
OTHER = "wsp_other"
KIND = KINDS["customers"]


@pytest.fixture
async def database(database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)  # a connection that is made later waits no longer
    monkeypatch.setattr(running, "BATCH_RECORDS", BATCH)
    found = Database(database_urls.store)
    for workspace in (WORKSPACE, OTHER):
        async with found.transaction(workspace, write=True) as session:
            session.add(StoreSettings(id="settings", name="Shop", currency="EUR", fixed_now=NOW))
    yield found
    await found.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "many.csv"
    note = "x" * 900  # so that the batches fill pages
    rows = "".join(f"{number},A,B,c{number}@example.com,{note}\n" for number in range(COUNT))
    path.write_text(f"Customer ID,First Name,Last Name,Email,Note\n{rows}", encoding="utf-8")
    return path


async def take(
    database: Database, file: Path, after_first_batch: Callable[[], None] = lambda: None, workspace: str = WORKSPACE
) -> Outcome:
    """Import the file; `after_first_batch` is called when its first batch is there."""

    def on_progress(stage: str, rows: int, _total: int | None) -> None:
        if (stage, rows) == ("Importing", BATCH):
            after_first_batch()

    caller = Caller(workspace, Principal("operator", "test"), "req_1")
    ground = await lay_ground(database, workspace, file, None, frozenset())
    sheet = Sheet(file, KIND.columns, read_mapping(None, KIND.columns))
    return await import_sheet(database, caller, KIND, sheet, ground, Report(), Wish(), on_progress)


async def customers(database: Database, workspace: str) -> list[tuple[Any, ...]]:
    """What the shop knows of its customers, without ids and times of our own."""
    columns = (Customer.number, Customer.external_id, Customer.email, Customer.first_name, Customer.version)
    async with database.transaction(workspace, write=False) as session:
        return [tuple(row) for row in await session.execute(select(*columns).order_by(Customer.email))]


async def goes_on(database: Database, file: Path) -> None:
    """The same import completes it, as if nothing had happened."""
    assert await _count(database) == BATCH
    outcome = await take(database, file)
    assert outcome.continued_after == BATCH + 1
    assert (outcome.tally.new, outcome.tally.changed, outcome.tally.unchanged) == (COUNT, 0, 0)
    undisturbed = await take(database, file, workspace=OTHER)
    assert (undisturbed.tally.new, undisturbed.continued_after) == (COUNT, None)
    assert await customers(database, WORKSPACE) == await customers(database, OTHER)


async def _count(database: Database) -> int:
    async with database.transaction(WORKSPACE, write=False) as session:
        return int((await session.execute(select(func.count()).select_from(Customer))).scalar_one())


def far(error: BrokenOff, cause: str) -> None:
    """It says why, how far it came and what to do."""
    so_far = f"Rows up to {BATCH + 1} are imported, whole records each."
    assert error.message == f"The import of many.csv was broken off: {cause}. {so_far}"
    assert error.hint is not None
    assert "the same command goes on after them" in error.hint


class TestSqlite:
    @pytest.fixture(autouse=True)
    def only_here(self, database_urls: DatabaseUrls) -> None:
        if database_urls.engine != "sqlite":
            pytest.skip("SQLite's own troubles")

    async def test_locked_by_another_process(self, database: Database, database_urls: DatabaseUrls, file: Path) -> None:
        with closing(sqlite3.connect(database_urls.store.removeprefix("sqlite:///"))) as other:
            other.isolation_level = None
            with pytest.raises(BrokenOff) as broken:
                await take(database, file, lambda: other.execute("BEGIN IMMEDIATE") and None)
            far(broken.value, "database is locked")
            with pytest.raises(BrokenOff) as still:
                await take(database, file)
            assert f"Rows up to {BATCH + 1} are imported" in still.value.message
            other.execute("ROLLBACK")
        await goes_on(database, file)

    async def test_no_room_left(self, database: Database, file: Path) -> None:
        async with database.transaction(WORKSPACE, write=True) as session:
            pages = (await session.execute(text("PRAGMA page_count"))).scalar_one()
            await session.execute(text(f"PRAGMA max_page_count={pages + 70}"))
        with pytest.raises(BrokenOff) as broken:
            await take(database, file)
        far(broken.value, "database or disk is full")
        async with database.transaction(WORKSPACE, write=True) as session:
            await session.execute(text("PRAGMA max_page_count=1000000"))
        await goes_on(database, file)


class TestPostgres:
    @pytest.fixture(autouse=True)
    def only_here(self, database_urls: DatabaseUrls) -> None:
        if database_urls.engine != "postgres":
            pytest.skip("PostgreSQL's own troubles")

    async def test_the_server_ends_the_connection(
        self, database: Database, database_urls: DatabaseUrls, file: Path
    ) -> None:
        with closing(psycopg.connect(database_urls.store)) as other:
            ending: list[Thread] = []

            def hold() -> None:
                other.execute("SELECT id FROM operations FOR UPDATE")  # the next batch waits for its position
                ending.append(Thread(target=_end_who_waits, args=(database_urls.store,)))
                ending[0].start()

            with pytest.raises(BrokenOff) as broken:
                await take(database, file, hold)
            ending[0].join()
            far(broken.value, "terminating connection due to administrator command")
            other.rollback()
        await goes_on(database, file)


def _end_who_waits(url: str) -> None:
    """End the one connection that waits for a lock in this database."""
    waiting = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(waiting).fetchall():
            pass
