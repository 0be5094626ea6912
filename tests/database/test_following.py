"""Following an outbox: every committed event is told, whoever wrote it and in whatever order it was committed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from tests.engines import DatabaseUrls, Template
from tradepost.commerce.store.models import StoreEvent
from tradepost.database import following, migrate
from tradepost.database.engine import Database
from tradepost.database.following import OutboxFollower
from tradepost.foundation.errors import Unavailable

SECONDS = 10.0
COLUMNS = "workspace_id, id, type, subject, payload, actor, request_id, occurred_at"


@pytest.fixture
def database_template() -> Template:
    return Template("store", hub=lambda url: None, store=lambda url: migrate.upgrade(url, "store"))


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    opened = Database(database_urls.store)
    yield opened
    await opened.close()


class Listener:
    """What a follower tells."""

    def __init__(self) -> None:
        self.listens = True
        self.declined = asyncio.Event()
        self.told: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()

    def wanted(self) -> bool:
        if not self.listens:
            self.declined.set()
        return self.listens

    def tell(self, workspace_id: str, records: Iterable[str]) -> None:
        self.told.put_nowait((workspace_id, list(records)))

    async def next(self) -> tuple[str, list[str]]:
        return await asyncio.wait_for(self.told.get(), SECONDS)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def follower(database: Database, listener: Listener) -> AsyncIterator[OutboxFollower]:
    made = OutboxFollower(database, StoreEvent, listener.tell, listener.wanted)
    yield made
    await made.stop()


def event(subject: str, *touched: str) -> StoreEvent:
    return StoreEvent(
        id=f"evt_{subject}",
        type="order:held",
        subject=subject,
        payload={"touched": list(touched)} if touched else {},
        actor="operator:test",
        request_id="req_1",
    )


async def write(database: Database, row: StoreEvent, workspace: str = "wsp_1") -> None:
    async with database.transaction(workspace, write=True) as session:
        session.add(row)


def write_elsewhere(url: str, subject: str) -> None:
    """As another program would, past this process's own sessions."""
    values = ("wsp_2", f"evt_{subject}", "order:held", subject, "{}", "operator:x", "req_2")
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute(
                f"INSERT INTO store_outbox ({COLUMNS}) VALUES (?,?,?,?,?,?,?, '2026-03-02 09:00:00.000000')", values
            )
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                f"INSERT INTO store_outbox ({COLUMNS}) VALUES (%s,%s,%s,%s,%s,%s,%s,%s)".encode(),
                (*values, datetime(2026, 3, 2, 9, tzinfo=UTC)),
            )


async def test_what_is_committed_from_now_on_is_told(
    database: Database, database_urls: DatabaseUrls, listener: Listener, follower: OutboxFollower
):
    await write(database, event("before"))
    await follower.follow()
    await write(database, event("one", "two", "three"))
    assert await listener.next() == ("wsp_1", ["one", "two", "three"])
    await asyncio.to_thread(write_elsewhere, database_urls.store, "elsewhere")
    assert await listener.next() == ("wsp_2", ["elsewhere"])
    assert listener.told.empty()


async def test_many_at_once_are_all_told(
    database: Database, listener: Listener, follower: OutboxFollower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "BATCH", 3)
    await follower.follow()
    async with database.transaction("wsp_1", write=True) as session:
        session.add_all(event(f"many_{number}") for number in range(10))
    told = {(await listener.next())[1][0] for _ in range(10)}
    assert told == {f"many_{number}" for number in range(10)}


async def test_none_is_missed_when_many_write_at_once(database: Database, listener: Listener, follower: OutboxFollower):
    await follower.follow()

    async def writer(number: int) -> None:
        for turn in range(6):
            async with database.transaction("wsp_1", write=True) as session:
                session.add(event(f"{number}_{turn}"))
                await session.flush()
                if turn % 3 == 1:
                    await session.rollback()

    await asyncio.gather(*(writer(number) for number in range(16)))
    expected = {f"{number}_{turn}" for number in range(16) for turn in range(6) if turn % 3 != 1}
    told: set[str] = set()
    while told != expected:
        told |= set((await listener.next())[1])
        assert told <= expected


async def test_what_is_rolled_back_is_not_told(database: Database, listener: Listener, follower: OutboxFollower):
    await follower.follow()
    async with database.transaction("wsp_1", write=True) as session:
        session.add(event("undone"))
        await session.flush()
        await session.rollback()
    await write(database, event("done"))
    assert (await listener.next())[1] == ["done"]


@pytest.mark.parametrize("begun", ["before following", "while following"])
async def test_a_late_commit_with_a_lower_number_is_told(
    database: Database,
    listener: Listener,
    follower: OutboxFollower,
    monkeypatch: pytest.MonkeyPatch,
    begun: str,
):
    """On SQLite writers queue, so there is nothing to be late."""
    if database.is_sqlite:
        pytest.skip("one writer at a time: numbers are committed in order")
    monkeypatch.setattr(following, "LEAST_OPEN_SECONDS", 0.0)
    if begun == "while following":
        await follower.follow()
    async with database.transaction("wsp_1", write=True) as slow:
        slow.add(event("slow"))
        await slow.flush()
        await write(database, event("first"))
        await follower.follow()
        for subject in ("second", "third"):  # each look finds the slow one still open
            await write(database, event(subject))
            while (await listener.next())[1] != [subject]:
                continue
        await slow.commit()
        assert (await listener.next())[1] == ["slow"]


@pytest.mark.parametrize("engine_name", ["postgres"])
async def test_a_late_commit_is_told_at_whatever_moment_of_a_look_it_comes(
    database: Database, listener: Listener, follower: OutboxFollower, monkeypatch: pytest.MonkeyPatch
):
    """It looks without a pause here, so that the commits come between any two steps of a look."""
    monkeypatch.setattr(following, "LEAST_OPEN_SECONDS", 0.0)
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.0)
    await follower.follow()
    for turn in range(40):
        async with database.transaction("wsp_1", write=True) as slow:
            slow.add(event(f"slow_{turn}"))
            await slow.flush()
            await write(database, event(f"quick_{turn}"))
            assert (await listener.next())[1] == [f"quick_{turn}"]
            for _ in range(turn % 8):
                await slow.execute(text("SELECT 1"))  # about as long as one step of a look
            await slow.commit()
            assert (await listener.next())[1] == [f"slow_{turn}"]


async def test_it_rests_when_nobody_listens_and_begins_anew(
    database: Database, listener: Listener, follower: OutboxFollower
):
    await follower.follow()
    listener.listens = False
    await write(database, event("woken"))
    await asyncio.wait_for(listener.declined.wait(), SECONDS)
    assert not follower.is_following
    await write(database, event("unheard"))
    listener.listens = True
    while not listener.told.empty():
        listener.told.get_nowait()
    await follower.follow()
    await write(database, event("heard"))
    assert (await listener.next())[1] == ["heard"]


async def test_a_database_out_of_reach_is_said(listener: Listener):
    lost = Database("sqlite:////nonexistent/store.db")
    with pytest.raises(Unavailable):
        await OutboxFollower(lost, StoreEvent, listener.tell, lambda: True).follow()
    await lost.close()
