"""Importing a whole store: a file of 2,500 records and their parts, checked and written in one transaction."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Measure
from tests.engines import temporary_postgres
from tradepost.commerce.transfer import import_store, read_file
from tradepost.commerce.transfer.policy import policy_rows
from tradepost.database import migrate
from tradepost.database.engine import Database

FILE = Path(__file__).resolve().parents[2] / "shared" / "stores" / "retail" / "store.json"
TARGET_SECONDS = 5.0


async def _seconds(url: str) -> tuple[float, int]:
    database = Database(url)
    try:
        started = time.perf_counter()
        summary = await import_store(database, "wsp_bench", read_file(FILE), policy_rows(), now=datetime.now(UTC))
        return time.perf_counter() - started, summary.total
    finally:
        await database.close()


def _imported(engine: str, url: str) -> Measure:
    migrate.upgrade(url, "store")
    seconds, rows = asyncio.run(_seconds(url))
    return Measure(f"import of stores/retail into {engine}", seconds, "s", TARGET_SECONDS, f"{rows:,} rows")


def measures() -> Iterator[Measure]:
    if not FILE.is_file():
        raise FileNotFoundError(f"The store to import is not there: {FILE}")
    with tempfile.TemporaryDirectory() as folder:
        yield _imported("SQLite", f"sqlite:///{folder}/store.db")
    with temporary_postgres() as cluster:
        yield _imported("PostgreSQL", cluster.create("store", None, None))
