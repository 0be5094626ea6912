"""The audit of a busy workspace, a million rows on each engine: verified, exported, searched and pruned."""

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import Table, inspect, select, text

from bench.measure import Measure
from tests.engines import temporary_postgres
from tradepost.api.paging import Place, page_of
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.database.types import as_sqlite_keeps
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import to_rfc3339
from tradepost.hub.audit.chain import FIRST, chain_hash, shown_hash
from tradepost.hub.audit.filters import EVERYTHING, Filter
from tradepost.hub.audit.models import AuditEvent, AuditLink
from tradepost.hub.audit.offline import check
from tradepost.hub.audit.proof import Exported, proof
from tradepost.hub.audit.prune import prune
from tradepost.hub.audit.read import export
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.usage import roll_up
from tradepost.hub.audit.verify import verify
from tradepost.hub.vault.vault import open_vault

WS = "wsp_bench"
AGENTS, TOOLS, DAYS = 20, 40, 100
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PAGE, PAGES = 50, 5
SEARCH_MS = 50.0
AT_ONCE = 10_000
_EVENT = tuple(attribute.key for attribute in inspect(AuditEvent).column_attrs)
_LINK = ("workspace_id", "id", "position", "row_hash", "chain_hash", "sealed_at")
_MIB = 1024.0  # ru_maxrss is in KiB on Linux


@dataclass(frozen=True, slots=True)
class History:
    """Calls of `DAYS` days from `begin` on: by which agents, of which tools of which servers. They follow the row with
    the number `sequence`, and the link at `position` with the hash `chain`."""

    workspace_id: str
    begin: datetime
    agents: Sequence[str]
    tools: Sequence[tuple[str, str]]
    sequence: int = 0
    position: int = 0
    chain: str = FIRST


Filters = dict[str, Filter]
FILTERS: Filters = {
    "the newest": EVERYTHING,
    "an agent": Filter(agent_id="agt_7"),
    "a tool": Filter(tool="tool_7"),
    "a kind that is rare": Filter(kind="decision"),
    "a request": Filter(request_id="req_77"),
    "a week": Filter(since=BEGIN + timedelta(days=30), until=BEGIN + timedelta(days=37)),
    "an agent and a tool it never called": Filter(agent_id="agt_7", tool="tool_7"),
    "an agent and a tool it calls": Filter(agent_id="agt_9", tool="tool_7"),
    "an agent and a kind": Filter(agent_id="agt_9", kind="intent"),
    "a tool and a kind it never has": Filter(tool="tool_7", kind="intent"),
    "a server and a kind it never has": Filter(server="server_3", kind="intent"),
    "an agent and a tool, in a week": Filter(agent_id="agt_7", tool="tool_7", since=BEGIN + timedelta(days=93)),
    "a tool in a week": Filter(tool="tool_7", since=BEGIN, until=BEGIN + timedelta(days=7)),
    "a person, who is rare": Filter(user_id="usr_rare"),
    "a server": Filter(server="server_3"),
    "nothing found": Filter(agent_id="agt_none"),
}


def measures(rows: int) -> Iterator[Measure]:
    """On SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        yield from asyncio.run(_measured("SQLite", f"sqlite:///{folder}/hub.db", Path(folder), rows))
    with temporary_postgres() as cluster, tempfile.TemporaryDirectory() as folder:
        yield from asyncio.run(_measured("PostgreSQL", cluster.create("bench_audit", None, None), Path(folder), rows))


async def _measured(engine: str, url: str, folder: Path, rows: int) -> list[Measure]:
    await asyncio.to_thread(migrate.upgrade, url, "hub")
    database = Database(url)
    found: list[Measure] = []

    async def timed(what: str, work: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        result = await work
        seconds = time.perf_counter() - began
        found.append(Measure(f"{engine}: {what}", seconds, "s", None, f"{rows / seconds:,.0f} rows/s"))
        return result

    try:
        vault = await open_vault(database, folder / "vault.key")
        signer = Signer(database, vault.audit_keys())
        agents = [f"agt_{number}" for number in range(AGENTS)]
        tools = [(f"server_{number % 8}", f"tool_{number}") for number in range(TOOLS)]
        await timed("filled in bulk, with links", fill(database, rows, History(WS, BEGIN, agents, tools)))
        await timed("signed for the first time", signer.sign(WS))
        await timed("summed up for the usage view", roll_up(database, WS))
        await database.tidy()
        checked = await timed("verified", verify(database, WS, trust=await signer.trust(WS)))
        if not checked.intact or checked.checked != rows:
            raise RuntimeError(f"{checked}")
        found += [await _search(engine, database, name, wanted) for name, wanted in FILTERS.items()]
        await _exports(database, folder, timed)
        found.append(Measure(f"{engine}: most memory of the process", _most_memory(), "MiB", None, "all of it"))
        keys = frozenset(await vault.audit_keys().public(WS))
        await timed("export checked without the database", _check(folder, keys))
        by = Caller(WS, Principal("operator", "console"), "req_prune")
        half = BEGIN + timedelta(days=DAYS / 2)
        await timed(
            "half of it pruned, verified before", prune(database, by, half, BEGIN + timedelta(days=DAYS), signer)
        )
        await timed("the rest verified", verify(database, WS, trust=await signer.trust(WS)))
        began = time.perf_counter()
        await Sealer(database).seal()
        found.append(Measure(f"{engine}: a sealer's first look", (time.perf_counter() - began) * 1000, "ms"))
    finally:
        await database.close()
    return found


async def fill(database: Database, rows: int, history: History) -> None:
    """Rows with the links that the sealer would give them, past writer and sealer: those wait for the disk."""
    before, sealed_at = history.chain, _kept(history.begin + timedelta(days=DAYS), database)
    async with database.bulk() as bulk:
        for first in range(1, rows + 1, AT_ONCE):
            events, links = [], []
            for number in range(first, min(first + AT_ONCE, rows + 1)):
                moment = history.begin + timedelta(days=DAYS) * (number / rows)
                event = _event(number, moment, history)
                row = shown_hash(event | {"arguments": orjson.loads(event["arguments"])})
                position = history.position + number
                before = chain_hash(before, position, row)
                said = event | {"occurred_at": _kept(moment, database), "details": "{}"}
                events.append(tuple(said[name] for name in _EVENT))
                links.append((history.workspace_id, event["id"], position, row, before, sealed_at))
            await bulk.insert(cast("Table", AuditEvent.__table__), _EVENT, events)
            await bulk.insert(cast("Table", AuditLink.__table__), _LINK, links)
    if not database.is_sqlite:  # which goes on with the number behind the largest by itself
        async with database.system(write=True) as session:
            await session.execute(text("RESET ROLE"))
            last = {"last": history.sequence + rows}
            await session.execute(text("SELECT setval('audit_events_sequence', :last)"), last)


def _kept(moment: datetime, database: Database) -> str:
    return as_sqlite_keeps(moment) if database.is_sqlite else moment.isoformat()


def _event(number: int, moment: datetime, history: History) -> dict[str, Any]:
    server, tool = history.tools[number % len(history.tools)]
    agent = history.agents[number * 7 % len(history.agents)]
    kind = "decision" if number % 20_000 == 0 else "intent" if number % 20 == 0 else "read"
    plain = dict.fromkeys(_EVENT) | {
        "workspace_id": history.workspace_id,
        "id": f"aud_{number:012}",
        "sequence": history.sequence + number,
        "occurred_at": to_rfc3339(moment),
        "kind": kind,
        "tag": "tool:call",
        "request_id": f"req_{number}",
        "run_id": f"run_{number // 50}",
        "principal_kind": "agent_key",
        "principal_id": f"key_{agent}",
        "agent_id": agent,
        "user_id": "usr_rare" if number % 30_000 == 0 else None,
        "server": server,
        "tool": tool,
        "arguments_digest": "sha256:" + "1" * 64,
        "definition_digest": "sha256:" + "2" * 64,
        "decision": "allow",
        "outcome": "ok",
        "duration_us": 1_000 + number % 977,
        "arguments": f'{{"detail":"full","limit":20,"order_id":"ORD-{number}"}}',
        "details": {},
    }
    return plain | {"arguments_bytes": 54, "result_bytes": 2_000, "result_tokens": 500}


async def _search(engine: str, database: Database, name: str, wanted: Filter) -> Measure:
    """The slowest of the first pages, each the quickest of three times."""
    pages, cursor, seen = [], None, 0
    for _ in range(PAGES):
        turns = [await _page(database, wanted, cursor) for _ in range(3)]
        taken = [milliseconds for milliseconds, _, _ in turns]
        _, count, after = turns[0]
        pages.append(min(taken))
        seen, cursor = seen + count, after
        if cursor is None:
            break
    return Measure(f"{engine}: searched, {name}", max(pages), "ms", SEARCH_MS, f"{seen} rows in {len(pages)} pages")


async def _page(database: Database, wanted: Filter, cursor: str | None) -> tuple[float, int, str | None]:
    """Milliseconds, how many rows, and where the next page begins."""
    place = Place("audit", WS, PAGE, cursor, ())
    began = time.perf_counter()
    async with database.transaction(WS, write=False) as session:
        statement = wanted.applied(select(AuditEvent).where(AuditEvent.sequence.is_not(None)))
        rows, after = await page_of(session, place, statement, wanted.newest_first, newest=True)
    return (time.perf_counter() - began) * 1000, len(rows), after


Timed = Callable[[str, Awaitable[Any]], Awaitable[Any]]


async def _exports(database: Database, folder: Path, timed: Timed) -> None:
    exported = Exported()
    await timed("exported as JSON lines", _write(folder / "rows", _data(database, exported)))
    lines = proof(database, WS, exported.first, exported.last, exported)
    await timed("its proof", _write(folder / "proof", lines))
    await timed("exported as CSV", _write(folder / "csv", _csv(database)))


async def _data(database: Database, exported: Exported) -> AsyncIterator[bytes]:
    async for block in export(database, WS, exported=exported):
        yield block.data


async def _csv(database: Database) -> AsyncIterator[bytes]:
    async for block in export(database, WS, form="csv"):
        yield block.data


async def _write(path: Path, blocks: AsyncIterator[bytes]) -> None:
    with path.open("wb") as file:
        async for block in blocks:
            file.write(block)


async def _check(folder: Path, keys: frozenset[str]) -> None:
    with (folder / "rows").open("rb") as rows, (folder / "proof").open("rb") as lines:
        checked = check(rows, lines, keys)
    if checked.reason is not None:
        raise RuntimeError(checked.reason)


def _most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
