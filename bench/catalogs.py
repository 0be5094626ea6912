"""Compiling the catalog of an agent with a thousand tools from the registry, and handing it out again."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from bench.measure import Measure
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, create_profile
from tradepost.hub.access.changes import bump
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.hub.registry.watch import RegistryWatch

TOOLS, SERVERS, ROUNDS = 1_000, 10, 30
COMPILE_MS, SERVE_MS = 20.0, 1.0


def definition(name: str) -> dict[str, Any]:
    """A tool as servers define them: some KB."""
    text = {"type": "string", "maxLength": 200, "description": "The order's id or number.", "examples": ["ORD-1001"]}
    return {
        "name": name,
        "title": name.replace("_", " ").title(),
        "description": "Give one order with lines, payments and shipments. Use when a single order is asked for. " * 3,
        "inputSchema": {
            "type": "object",
            "properties": dict.fromkeys(("order_id", "warehouse_id", "sku", "q"), text),
            "required": ["order_id"],
            "additionalProperties": False,
        },
        "outputSchema": {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(20)}},
        "annotations": {"title": name, "readOnlyHint": True, "destructiveHint": False, "openWorldHint": False},
    }


async def _fill(database: Database) -> tuple[str, str]:
    made = await create_workspace(database, "bench", "Bench", "owner@bench.example")
    owner = caller_for_user(made.owner, new_id("req"))
    async with database.transaction(made.workspace.id, write=True) as session:
        await create_profile(session, owner, "team")
        agent = await create_agent(session, owner, "team", "busy", scopes=("read:orders",))
        await session.flush()
        for number in range(SERVERS):
            url = f"https://{number}.example/mcp"
            session.add(Server(id=f"srv_{number}", slug=f"s{number}", name="S", kind="remote", url=url, status="ready"))
        await session.flush()
        for number in range(TOOLS):
            name = f"get_order_{number}"
            pinned = pin(definition(name))
            entry = ToolEntry(id=f"tool_{number}", server_id=f"srv_{number % SERVERS}", name=name, state="enabled")
            entry.definition, entry.digest, entry.tool_class = pinned.text, pinned.digest, "read"
            session.add(entry)
        await session.flush()
        for number in range(TOOLS):
            name = f"get_order_{number}"
            session.add(
                Assignment(
                    id=f"asg_{number}",
                    tool_entry_id=f"tool_{number}",
                    agent_id=agent.id,
                    exposed_name=name,
                    position=number,
                )
            )
        await bump(session)
        return made.workspace.id, agent.id


async def _measured(url: str) -> tuple[list[float], list[float], int]:
    database = Database(url)
    try:
        workspace_id, agent_id = await _fill(database)
        watch = RegistryWatch(database)
        compiling, serving, size = [], [], 0
        for _ in range(ROUNDS):
            catalogs = Catalogs(database, watch)  # keeps nothing yet
            started = time.perf_counter()
            catalog = await catalogs.for_agent(workspace_id, agent_id)
            compiled = time.perf_counter()
            again = await catalogs.for_agent(workspace_id, agent_id)
            served = time.perf_counter()
            assert again is catalog
            assert len(catalog.tools) == TOOLS
            compiling.append((compiled - started) * 1000)
            serving.append((served - compiled) * 1000)
            size = len(catalog.tools_json)
        return compiling, serving, size
    finally:
        await database.close()


def measures() -> Iterator[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hub.db"
        migrate.upgrade(url, "hub")
        compiling, serving, size = asyncio.run(_measured(url))
    for what, taken, target in (("compiled", compiling, COMPILE_MS), ("served again", serving, SERVE_MS)):
        note = f"median of {ROUNDS}, the fastest {min(taken):.2f} ms; {size:,} bytes of tools"
        yield Measure(f"catalog of {TOOLS:,} tools, {what}", statistics.median(taken), "ms", target, note)
