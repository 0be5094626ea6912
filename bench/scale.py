"""Every list, look-up and aggregate of the bundled servers on a shop of 1,000 orders and on a large one, in one run.

The tools are called as the hub calls them, in this process, without HTTP: what grows with a shop is the store's part.
A list or look-up may take three times as long on the large shop, an aggregate one second.
"""

import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.measure import Measure
from bench.scale_calls import AGGREGATES, Call, Sample, calls_of, sample_of
from tests.engines import temporary_postgres
from tradepost.commerce.demo import load
from tradepost.commerce.demo.volume import bring_to
from tradepost.commerce.servers import build_servers
from tradepost.commerce.serving.server import StoreServer
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.privacy import PII_SCOPE
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import fixed
from tradepost.foundation.ids import new_id

SMALL = 1_000
WARM_UP, ROUNDS = 2, 9
LONG_ENOUGH_MS = 3_000
TIMES_AT_MOST, SECONDS_AT_MOST, ROWS_A_SECOND = 3.0, 1.0, 20_000
WORKSPACE = "wsp_bench"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "scale.md"


@dataclass(frozen=True)
class Timed:
    """A call on one shop: milliseconds of the quickest round, and what it said of the number of rows."""

    milliseconds: float
    rows: str


@dataclass(frozen=True)
class Line:
    """A call on both shops."""

    tool: str
    said: str
    small: Timed
    large: Timed

    @property
    def ratio(self) -> float:
        return self.large.milliseconds / self.small.milliseconds

    @property
    def is_met(self) -> bool:
        if self.tool in AGGREGATES:
            return self.large.milliseconds <= SECONDS_AT_MOST * 1000
        return self.ratio <= TIMES_AT_MOST


@dataclass(frozen=True)
class Result:
    """All calls on one engine, and how quickly the large shop was loaded."""

    engine: str
    orders: int
    rows: int
    seconds: float
    lines: tuple[Line, ...]


class _Shop:
    """A loaded store and its tools."""

    def __init__(self, url: str, now: datetime) -> None:
        self.database = Database(url)
        self.now = now
        self.servers = build_servers(self.database, fixed(now))
        self.tools = {tool.name: server for server in self.servers for tool in server.tools}
        scopes = {tool.scope for server in self.servers for tool in server.tools}
        self._scopes = frozenset({*scopes, PII_SCOPE})
        self.sample: Sample

    async def fill(self, orders: int) -> tuple[int, float]:
        """Load the shop. Returns the rows of its history and the seconds that they took."""
        async with self.database.transaction(WORKSPACE, write=False) as session:
            known = (await session.scalars(select(StoreSettings))).first()
        if known is None:
            await load(self.database, WORKSPACE, now=self.now)
        started = time.perf_counter()
        loaded = await bring_to(self.database, WORKSPACE, orders, now=self.now)
        seconds = time.perf_counter() - started
        async with self.database.transaction(WORKSPACE, write=False) as session:
            self.sample = await sample_of(session, self.now)
        return loaded.rows, seconds

    def caller(self) -> Caller:
        return Caller(WORKSPACE, Principal("operator", "bench"), new_id("req"), scopes=self._scopes)

    async def called(self, tool: str, arguments: dict[str, Any]) -> Timed:
        """One call, timed."""
        server: StoreServer = self.tools[tool]
        started = time.perf_counter()
        result = await server.call(self.caller(), tool, arguments, None)
        milliseconds = (time.perf_counter() - started) * 1000
        if result.is_error or result.structured is None:
            raise RuntimeError(f"{tool}({arguments}) failed: {result.structured}")
        return Timed(milliseconds, str(result.structured.get("total_estimate", "")))


async def _line(small: _Shop, large: _Shop, call: Call, same: Call) -> Line:
    """Both shops in turn, so that whatever else the machine does troubles both alike; the quickest round counts."""
    found: tuple[list[Timed], list[Timed]] = ([], [])
    for turn in range(WARM_UP + ROUNDS):
        for shop, (tool, _, arguments), timed in zip((small, large), (call, same), found, strict=True):
            once = await shop.called(tool, arguments)
            if turn >= WARM_UP:
                timed.append(once)
        if len(found[1]) >= 3 and sum(once.milliseconds for once in found[1]) > LONG_ENOUGH_MS:
            break
    quickest = [min(timed, key=lambda once: once.milliseconds) for timed in found]
    return Line(call[0], call[1], quickest[0], quickest[1])


async def _compared(engine: str, small_url: str, large_url: str, orders: int, now: datetime) -> Result:
    small, large = _Shop(small_url, now), _Shop(large_url, now)
    try:
        await small.fill(SMALL)
        rows, seconds = await large.fill(orders)
        pairs = zip(calls_of(small.sample), calls_of(large.sample), strict=True)
        lines = [await _line(small, large, call, same) for call, same in pairs]
        return Result(engine, orders, rows, seconds, tuple(lines))
    finally:
        await small.database.close()
        await large.database.close()


@contextmanager
def _databases(engine: str, orders: int) -> Iterator[tuple[str, str]]:
    """URLs of two empty stores. With TRADEPOST_BENCH_DATA, a folder, SQLite's stay for the next run."""
    if engine == "SQLite":
        kept = os.environ.get("TRADEPOST_BENCH_DATA")
        with tempfile.TemporaryDirectory() as passing:
            folder = Path(kept or passing)
            folder.mkdir(parents=True, exist_ok=True)
            yield f"sqlite:///{folder}/small.db", f"sqlite:///{folder}/large-{orders}.db"
        return
    with temporary_postgres() as cluster:
        yield cluster.create("small", None, None), cluster.create("large", None, None)


def run(orders: int, engines: Sequence[str] = ("SQLite", "PostgreSQL")) -> list[Result]:
    """Load and measure."""
    now = datetime.now(UTC).replace(microsecond=0)
    results = []
    for engine in engines:
        with _databases(engine, orders) as urls:
            for url in urls:
                migrate.upgrade(url, "store")
            results.append(asyncio.run(_compared(engine, *urls, orders, now)))
    return results


def measures(orders: int, *, write: bool) -> Iterator[Measure]:
    """What was missed, and how much was met, per engine; `write` puts the whole table into docs/scale.md."""
    results = run(orders)
    if write:
        DOCUMENT.write_text(document(results), encoding="utf-8")
    for result in results:
        met = sum(line.is_met for line in result.lines)
        yield Measure(
            f"{result.engine}: calls over their limit", len(result.lines) - met, "", 0, f"{met} are within it"
        )
        if result.seconds > 1:
            note = f"{result.rows:,} rows, at least {ROWS_A_SECOND:,} wanted"
            yield Measure(f"{result.engine}: rows loaded", result.rows / result.seconds, "/s", None, note)


def document(results: Sequence[Result]) -> str:
    """docs/scale.md."""
    orders = results[0].orders
    lines = [
        "# A shop of a million orders",
        "",
        f"Every list, look-up and aggregate of the bundled servers on a demo shop of {SMALL:,} orders and on one of "
        f"{orders:,},",
        "in one run on one machine: the tool called in its process as the hub calls it, the quickest of "
        f"{ROUNDS} rounds in turn on both.",
        f"A list or look-up may take {TIMES_AT_MOST:g} times as long on the large shop, an aggregate "
        f"{SECONDS_AT_MOST:g} s. Rows are its `total_estimate`.",
        "",
        f'    make bench ARGS="scale --orders {orders} --write"',
        "",
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {datetime.now(UTC).date().isoformat()}"
        f"{_load()}. A load of `tradepost demo load --orders {orders}`:",
        "",
    ]
    for result in results:
        if result.seconds > 1:
            speed = result.rows / result.seconds
            lines.append(f"- {result.engine}: {result.rows:,} rows in {result.seconds:.0f} s, {speed:,.0f} a second")
    for result in results:
        lines += ["", f"## {result.engine}", "", *_table(result)]
    return "\n".join(lines) + "\n"


def _table(result: Result) -> Iterator[str]:
    yield f"| tool | what | {SMALL:,} orders | {result.orders:,} orders | ratio | rows | |"
    yield "|---|---|--:|--:|--:|--:|---|"
    for line in result.lines:
        small, large = line.small, line.large
        rows = f"{small.rows} / {large.rows}" if large.rows else ""
        times = f"{small.milliseconds:.1f} ms | {large.milliseconds:.1f} ms | {line.ratio:.2f}"
        yield f"| {line.tool} | {line.said} | {times} | {rows} | {'' if line.is_met else 'over'} |"


def _load() -> str:
    """How busy the machine was, where it says so: other work on it makes every time longer."""
    if not hasattr(os, "getloadavg"):
        return ""
    return f", load {os.getloadavg()[1]:.1f} with everything else it did"
