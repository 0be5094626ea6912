"""Bundled tools, which run in the hub's own process: the CPU of a read beyond that of its SQL."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from bench import calls
from bench.gateway.options import Options
from bench.gateway.yardstick import cpu_ms, scaled
from bench.measure import Measure
from bench.processes import cpu_seconds, free_port, running_hub
from tradepost import settings
from tradepost.commerce.servers import build_servers
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.ids import new_id
from tradepost.hub.access.workspaces import find_workspace

CPU_MS = 0.3
CALLS, CLIENTS, WARM_UP, PASSES = 2_000, 16, 200, 3


async def _statements(data: Path) -> list[str]:
    """What one get_order asks the store's database, with its values."""
    found: list[str] = []

    def listen(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(found.append)

    event.listen(Pool, "connect", listen)
    loaded = settings.load(data=data)
    hub, store = Database(loaded.hub_database), Database(loaded.store_database)
    try:
        workspace = await find_workspace(hub, "bench")
        server = next(one for one in build_servers(store) if any(tool.name == "get_order" for tool in one.tools))
        scopes = frozenset(tool.scope for tool in server.tools)
        caller = Caller(workspace.id, Principal("operator", "bench"), new_id("req"), scopes=scopes)
        arguments = {"order_id": calls.ORDER}
        await server.call(caller, "get_order", arguments, None)  # the first time also asks what is then kept
        found.clear()
        result = await server.call(caller, "get_order", arguments, None)
        if result.is_error or not found:
            raise RuntimeError(f"get_order failed, or none of its SQL was seen: {result.structured}")
        return found
    finally:
        event.remove(Pool, "connect", listen)
        await hub.close()
        await store.close()


def _sql_ms(data: Path, statements: list[str]) -> float:
    """CPU milliseconds of the statements on a bare connection, their rows fetched."""
    with closing(sqlite3.connect(data / "store.db", isolation_level=None)) as connection:
        for _ in range(WARM_UP):
            _ask(connection, statements)
        started = time.process_time()
        for _ in range(CALLS):
            _ask(connection, statements)
        return (time.process_time() - started) / CALLS * 1000


def _ask(connection: sqlite3.Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement).fetchall()


async def _loaded(port: int, request: bytes) -> None:
    await asyncio.gather(*(calls.client(port, request, CALLS // CLIENTS) for _ in range(CLIENTS)))


def measures(_options: Options) -> Iterator[Measure]:
    """The hub's CPU per read at 16 clients, the least of some passes; that of the SQL alone; the difference."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        key = asyncio.run(calls.prepare(data, port))
        request = calls.request_of(port, key, "get_order", {"order_id": calls.ORDER})
        statements = asyncio.run(_statements(data))
        found = []
        with running_hub(data, port) as pid:
            asyncio.run(calls.client(port, request, WARM_UP))
            for _ in range(PASSES):
                before = cpu_seconds(pid)
                asyncio.run(_loaded(port, request))
                found.append((cpu_seconds(pid) - before) / CALLS * 1000)
        sql = _sql_ms(data, statements)
    note = f"{CLIENTS} clients, least of {PASSES} x {CALLS:,} calls"
    yield Measure("bundled get_order, CPU per call", min(found), "ms", None, note)
    yield Measure("bundled get_order, CPU of its SQL alone", sql, "ms", None, f"{len(statements)} statements")
    limit, why = scaled(CPU_MS, cpu_ms())
    yield Measure("bundled get_order, CPU beyond its SQL", min(found) - sql, "ms", limit, why)
