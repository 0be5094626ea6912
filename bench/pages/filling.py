"""A demo whose shop and whose audit have grown large, and the process that serves it."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench import audit
from bench.processes import SOURCES, answers, environment, running
from tests.processes import free_ports
from tradepost import settings
from tradepost.commerce.demo.volume import bring_to
from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.keys import KeyTerms, mint
from tradepost.hub.access.models import Agent, User
from tradepost.hub.access.roles import system_caller
from tradepost.hub.access.workspaces import find_workspace
from tradepost.hub.audit.chain import FIRST
from tradepost.hub.audit.models import AuditEvent, AuditLink
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.usage import roll_up
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.vault.key_source import KeySource
from tradepost.hub.vault.vault import open_vault
from tradepost.starter.demo import MAIN, OWNER

_REACH = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo is, and a key of its owner for REST."""

    data: Path
    port: int
    key: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def served(self) -> Iterator[int]:
        """`tradepost demo` over what is there, ready; its process id."""
        command = [sys.executable, "-m", "tradepost", "demo", "--data", str(self.data), "--port", str(self.port)]
        with running(command, lambda: answers(self.port, "/ready"), **_REACH) as pid:
            yield pid

    def link(self) -> str:
        """A one-time link by which the owner sets a password."""
        command = [sys.executable, "-m", "tradepost", "user", "link", OWNER, "--as", OWNER, "--workspace", MAIN]
        env = environment(PYTHONPATH=SOURCES, TRADEPOST_PORT=str(self.port), TRADEPOST_DATA=str(self.data))
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
        return next(word for word in said.split() if word.startswith("http://"))


@contextmanager
def filled(orders: int, rows: int) -> Iterator[Place]:
    """A demo with so many orders and so many rows of the audit. With TRADEPOST_BENCH_DATA, a folder, it stays there for
    the next run."""
    kept = os.environ.get("TRADEPOST_BENCH_DATA")
    with tempfile.TemporaryDirectory() as passing:
        place = Place(Path(kept or passing) / f"pages-{orders}-{rows}", free_ports())
        place.data.mkdir(parents=True, exist_ok=True)
        with place.served():
            pass  # makes what is not there yet
        yield replace(place, key=asyncio.run(_grow(place, orders, rows)))


async def _grow(place: Place, orders: int, rows: int) -> str:
    """Bring shop and audit to what is wanted. Returns a key of the owner."""
    loaded = settings.load(data=place.data, port=place.port)
    hub, store = Database(loaded.hub_database), Database(loaded.store_database)
    try:
        workspace_id = (await find_workspace(hub, MAIN)).id
        await bring_to(store, workspace_id, orders, now=system_now())
        await _record(hub, loaded.keys, workspace_id, rows)
        async with hub.transaction(workspace_id, write=True) as session:
            owner = (await session.scalars(select(User).where(User.email == OWNER))).one()
            by = system_caller(workspace_id, new_id("req"))
            return (await mint(session, by, KeyTerms(label="bench"), user_id=owner.id)).secret
    finally:
        await hub.close()
        await store.close()


async def _record(hub: Database, key_source: KeySource, workspace_id: str, rows: int) -> None:
    """Bring the audit to so many rows: calls of the last hundred days, linked, signed and summed up."""
    await Sealer(hub).seal()
    async with hub.transaction(workspace_id, write=False) as session:
        there = await session.scalar(select(func.count()).select_from(AuditLink)) or 0
        newest = select(AuditLink.position, AuditLink.chain_hash).order_by(AuditLink.position.desc()).limit(1)
        position, chain = (await session.execute(newest)).one_or_none() or (0, FIRST)
        agents = list(await session.scalars(select(Agent.id).order_by(Agent.id)))
        tools = select(Server.slug, ToolEntry.name).join(Server, Server.id == ToolEntry.server_id)
        called = [(server, name) for server, name in await session.execute(tools.order_by(Server.slug, ToolEntry.name))]
    if there >= rows:
        return
    async with hub.system(write=False) as session:  # the numbers are those of all workspaces
        last = await session.scalar(select(func.max(AuditEvent.sequence))) or 0
    history = audit.History(
        workspace_id, system_now() - timedelta(days=audit.DAYS), agents, called, last, position, chain
    )
    await audit.fill(hub, rows - there, history)
    await Signer(hub, (await open_vault(hub, key_source)).audit_keys()).sign(workspace_id)
    await roll_up(hub, workspace_id)
    await hub.tidy()
