"""The database is there and does not give what is asked for: no connection is free (F29), a row or the whole file is
held by others (F30, F33), a transaction is broken off (F31), the answer to a commit is lost (F35). Writes are refused
with 503 or the same in words, never half done, and the same key afterwards has one effect."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import psycopg
import pytest
from sqlalchemy import event, text, update

from tests.engines import DatabaseUrls
from tests.faults.carrier import Carrier
from tests.faults.conftest import HOST, LOOPBACK, Hub
from tests.faults.proxy import Relay
from tests.faults.test_database import SECONDS, Desk, prepared, through
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import open_tradepost
from tradepost.hub.access.agents import set_posture
from tradepost.hub.actions.models import Action

Json = dict[str, Any]
LITTLE = "150"  # milliseconds for which a lock is waited for here


async def ship(hub: Hub, key: str) -> tuple[int, Json]:
    """The status of a write, and its result or error."""
    answer = await hub.post("well_ship", parcel="7", idempotency_key=key)
    said: Json = answer.json()
    return answer.status_code, said.get("result") or said["error"]


def is_refused(status: int, said: Json) -> bool:
    """Whether a write was told to come back."""
    if status == 503:
        return True
    return status == 200 and said["isError"] and said["structuredContent"]["code"] == "unavailable"


async def done_once(hub: Hub, key: str) -> None:
    """The same call again, until it is carried out: once."""
    status, said = await ship(hub, key)
    assert status == 200
    assert not said["isError"], said
    assert [one.state for one in await hub.actions() if one.key == key] == ["succeeded"]


def shipped(hub: Hub) -> int:
    """How many were sent, by the rows of what was done."""
    return len(hub.well.ledger)


async def test_with_every_connection_in_use_no_write_runs_and_the_next_one_does(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    pool: Any = hub.app.hub._writer.pool
    await done_once(hub, "before")
    monkeypatch.setattr(pool, "_timeout", 0.2)
    held = []
    try:
        while pool.checkedout() < pool.size() + max(pool._max_overflow, 0):
            held.append(await hub.app.hub._writer.connect())
        told = await asyncio.gather(*(ship(hub, "full") for _ in range(3)))
        assert all(is_refused(*one) for one in told), told
        assert (await hub.http.get(f"{hub.url}/health", headers={"host": HOST})).status_code == 200
    finally:
        for connection in held:
            await connection.close()
    assert shipped(hub) == 1
    await done_once(hub, "full")
    assert shipped(hub) == 2


@asynccontextmanager
async def waiting_little(hub: Hub) -> AsyncIterator[None]:
    """Locks are waited for no longer than a test can wait."""
    engine = hub.app.hub._writer.sync_engine
    setting = f"PRAGMA busy_timeout={LITTLE}" if hub.app.hub.is_sqlite else f"SET lock_timeout = '{LITTLE}ms'"

    def shorten(connection: Any, *_: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(setting)
        cursor.close()

    event.listen(engine, "checkout", shorten)
    try:
        yield
    finally:
        event.remove(engine, "checkout", shorten)


async def asked(hub: Hub, key: str) -> str:
    """An action that waits for a person."""
    async with hub.world.changing() as session:
        await set_posture(session, hub.world.owner, "team", "propose")
    _, said = await ship(hub, key)
    return str(said["structuredContent"]["approval_id"])


async def approves(hub: Hub, action: str) -> Callable[[], Awaitable[httpx2.Response]]:
    """How the owner approves it over REST."""
    key = (await hub.world.key(user_id=hub.world.owner.user_id)).secret
    headers = {"authorization": f"Bearer {key}", "host": HOST}

    async def approve() -> httpx2.Response:
        return await hub.http.post(f"{hub.url}/api/v1/approvals/{action}/approve", json={}, headers=headers)

    return approve


async def test_an_approval_that_somebody_holds_is_not_answered_and_not_lost(hub: Hub, database_urls: DatabaseUrls):
    """A row on PostgreSQL; on SQLite a writer holds the file, which is the same for everybody who writes."""
    action = await asked(hub, "held")
    approve = await approves(hub, action)
    async with waiting_little(hub):
        if hub.app.hub.is_sqlite:
            with closing(
                sqlite3.connect(hub.app.hub.path or "", isolation_level=None, check_same_thread=False)
            ) as other:
                await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the hub may be writing
                refused, told = await asyncio.gather(approve(), ship(hub, "other"))
                read = await hub.call("well_track", parcel="7")
        else:
            with psycopg.connect(database_urls.hub) as other:
                other.execute("SELECT 1 FROM actions WHERE id = %s FOR UPDATE", (action,))
                refused, told = await asyncio.gather(approve(), ship(hub, "other"))
                read = await hub.call("well_track", parcel="7")
    assert refused.status_code == 503, refused.text
    assert not read["isError"], "who reads waits for nobody"
    if hub.app.hub.is_sqlite:
        assert is_refused(*told)
    assert [one.state for one in await hub.actions() if one.id == action] == ["pending"]
    assert shipped(hub) == 0
    assert (await approve()).status_code == 200
    async with asyncio.timeout(SECONDS):
        while [one.state for one in await hub.actions() if one.id == action] != ["succeeded"]:
            await hub.call("well_track", parcel="7")  # each look is a request
    assert shipped(hub) == 1
    assert (await approve()).status_code == 409


BREAKS = """CREATE SEQUENCE broken_{table};
    CREATE FUNCTION breaks_{table}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF nextval('broken_{table}') <= {times} THEN RAISE EXCEPTION 'broken off' USING ERRCODE = '{state}'; END IF;
    RETURN NEW; END $$;
    CREATE TRIGGER breaks_{table} AFTER {what} ON {table} FOR EACH ROW EXECUTE FUNCTION breaks_{table}()"""


@pytest.mark.parametrize("engine_name", ["postgres"])
@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a_transaction_that_is_broken_off_is_made_again_as_a_whole(
    hub: Hub, database_urls: DatabaseUrls, state: str
):
    """The database itself breaks it off, as it does with a deadlock or a serialization failure: three times are mended
    by the hub, more are for the client, and nothing of them is left."""

    def breaks(other: psycopg.Connection[Any], table: str, what: str, times: int) -> None:
        other.execute(BREAKS.format(table=table, what=what, times=times, state=state).encode())

    with psycopg.connect(database_urls.hub, autocommit=True) as other:
        breaks(other, "actions", "INSERT", 3)  # what is frozen for people
        action = await asked(hub, "frozen")
        breaks(other, "action_verdicts", "INSERT", 3)  # a person's answer
        approve = await approves(hub, action)
        key = (await hub.world.key(user_id=hub.world.owner.user_id)).secret
        breaks(other, "hub_outbox", "INSERT", 2)  # with its event, and the outcome with its own
        assert (await approve()).status_code == 200
        async with asyncio.timeout(SECONDS):
            while [one.state for one in await hub.actions() if one.id == action] != ["succeeded"]:
                await hub.call("well_track", parcel="7")  # each look is a request
        assert shipped(hub) == 1
        breaks(other, "profiles", "INSERT", 3)  # any change over REST
        headers = {"authorization": f"Bearer {key}", "host": HOST, "idempotency-key": "p1"}
        profile = {"json": {"slug": "new"}, "headers": headers}
        made = await hub.http.post(f"{hub.url}/api/v1/profiles", **profile)
        assert made.status_code == 201, made.text
        again = await hub.http.post(f"{hub.url}/api/v1/profiles", **profile)
        assert (again.text, again.headers["idempotency-replayed"]) == (made.text, "true")
        async with hub.world.changing() as session:
            await set_posture(session, hub.world.owner, "team", "guarded")
        other.execute("SELECT setval('broken_actions', 1, false)")
        await done_once(hub, "allowed")  # the intent
        before = len(await hub.actions())
        other.execute("ALTER SEQUENCE broken_actions MINVALUE -10")
        other.execute("SELECT setval('broken_actions', 0, false)")  # four in a row
        assert is_refused(*await ship(hub, "worse"))
        assert (len(await hub.actions()), shipped(hub)) == (before, 2)
        await done_once(hub, "worse")
        assert shipped(hub) == 3


class Forgetful(Relay):
    """Cuts a connection between a commit and its answer, once, where `after` went over it before."""

    after: bytes | None = None
    lost = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.path)
        self._open |= {writer, back}
        seen = cut = False

        async def up() -> None:
            nonlocal seen, cut
            while data := await reader.read(65_536):
                seen = seen or (self.after is not None and self.after in data)
                if seen and b"COMMIT" in data:
                    cut, self.after, self.lost = True, None, self.lost + 1
                back.write(data)
            back.close()

        async def down() -> None:
            while data := await there.read(65_536):
                if cut:
                    writer.transport.abort()
                    return
                writer.write(data)
            writer.close()

        try:
            await asyncio.gather(up(), down(), return_exceptions=True)
        except asyncio.CancelledError:  # the test is over
            return
        finally:
            for one in (writer, back):
                one.transport.abort()


@pytest.mark.parametrize("engine_name", ["postgres"])
@pytest.mark.parametrize("after", [b"INSERT INTO actions", b"finished_at="])
async def test_a_commit_whose_answer_is_lost_is_looked_up_and_never_repeated_blindly(
    database_urls: DatabaseUrls, tmp_path: Path, after: bytes
):
    carrier = Carrier()
    relay = Forgetful(f"{parse_qs(urlsplit(database_urls.hub).query)['host'][0]}/.s.PGSQL.5432")
    await relay.up()
    urls = {"hub_url": through(relay, database_urls.hub), "store_url": database_urls.store}
    loaded = settings.load(data=tmp_path, allow_private=LOOPBACK, allowed_hosts=HOST, **urls)
    async with served(carrier) as base, prepared(database_urls, tmp_path, base) as (world, key):
        hub = await open_tradepost(loaded)
        async with served(hub) as url, httpx2.AsyncClient(timeout=SECONDS) as http:
            desk = Desk(http, url, key)
            await desk.wait_for_answer("track")
            relay.after = after
            await desk.call("ship", "k1")
            assert relay.lost >= 1
            sent = len(carrier.ledger)
            assert sent == (0 if after.startswith(b"INSERT") else 1)
            past = {"lease_until": datetime(2020, 1, 1, tzinfo=UTC)}
            async with asyncio.timeout(SECONDS):
                state = "executing"
                while state == "executing":
                    async with world.changing() as session:
                        await session.execute(update(Action).where(Action.state == "executing").values(**past))
                        state = (await session.execute(text("SELECT state FROM actions"))).scalar_one()
                    await desk.call("track")
            assert state in (("succeeded", "unknown") if sent else ("failed", "unknown"))
            again = [(await desk.call("ship", "k1")).json()["result"]["isError"] for _ in range(3)]
            assert len(carrier.ledger) == sent or (state, again, len(carrier.ledger)) == ("failed", [False] * 3, 1)
            assert again == [state == "unknown"] * 3 or (state, again) == ("failed", [True] * 3)
    await relay.cut()
