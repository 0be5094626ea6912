"""The current registry version of each workspace, cheap enough to ask on every call.

SQLite: a reading connection of its own in the event loop; one indexed SELECT takes microseconds, a hop to a worker
thread would take longer. One look does for all calls of one turn of the event loop: they had arrived before it, so
whatever was committed before any of them was made is in it.

PostgreSQL: the version is kept in memory; a commit in this process updates it at once, LISTEN brings those of others,
and a poll each second covers a connection that broke unnoticed.
"""

import asyncio
import contextlib
import sqlite3
from importlib import import_module

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from tradepost.database.engine import Database
from tradepost.database.scoping import ScopedSession
from tradepost.hub.access.changes import BUMPED, ROW_ID
from tradepost.hub.access.models import RegistryVersion

_SELECT = "SELECT version FROM registry_versions WHERE workspace_id = ? AND id = ?"


class RegistryWatch:
    """Knows registry versions. Works without `start` too (a command that runs once): then it asks the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions: dict[str, int] = {}
        self._listener: asyncio.Task[None] | None = None
        self._direct: sqlite3.Connection | None = None
        self._this_turn: dict[str, int] = {}

    async def version(self, workspace_id: str) -> int:
        """The version that is committed now; 0 for a workspace that has none."""
        found = self.at_hand(workspace_id)
        if found is None:
            found = await self._read(workspace_id)  # on SQLite through the pool, which waits
            if not self._database.is_sqlite:
                self._keep(workspace_id, found)
        return found

    def at_hand(self, workspace_id: str) -> int | None:
        """The same, where it is known without waiting."""
        if not self._database.is_sqlite:
            return None if self._listener is None else self._versions.get(workspace_id)
        looked = self._this_turn.get(workspace_id)
        if looked is not None:
            return looked
        try:
            return self._look(workspace_id)
        except sqlite3.OperationalError:
            return None  # locked for a moment

    async def start(self) -> None:
        """Begin to follow changes."""
        if self._database.is_sqlite or self._listener is not None:
            return
        event.listen(ScopedSession, "after_commit", self._on_commit)
        await self._poll()
        ready = asyncio.Event()
        follow = import_module("tradepost.hub.registry.channel").follow  # with the driver, which SQLite does without
        self._listener = asyncio.create_task(follow(self._database.url, ready, self._keep, self._poll))
        await ready.wait()

    async def stop(self) -> None:
        """Let go of every connection."""
        if self._direct is not None:
            self._direct.close()
            self._direct = None
        if self._listener is not None:
            event.remove(ScopedSession, "after_commit", self._on_commit)
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None

    def _look(self, workspace_id: str) -> int:
        row = self._connection().execute(_SELECT, (workspace_id, ROW_ID)).fetchone()
        version = int(row[0]) if row is not None else 0
        if not self._this_turn:  # whatever comes in later is begun later than this
            asyncio.get_running_loop().call_soon(self._this_turn.clear)
        self._this_turn[workspace_id] = version
        return version

    def _connection(self) -> sqlite3.Connection:
        if self._direct is None:
            self._direct = sqlite3.connect(
                f"file:{self._database.path}?mode=rw", uri=True, isolation_level=None, timeout=0.0
            )
            self._direct.execute("PRAGMA query_only=ON")
        return self._direct

    async def _read(self, workspace_id: str) -> int:
        async with self._database.transaction(workspace_id, write=False) as session:
            return await session.scalar(select(RegistryVersion.version).where(RegistryVersion.id == ROW_ID)) or 0

    def _keep(self, workspace_id: str, version: int) -> None:
        if version > self._versions.get(workspace_id, -1):
            self._versions[workspace_id] = version

    def _on_commit(self, session: Session) -> None:
        bumped: dict[str, int] = session.info.get(BUMPED, {})
        if bumped and session.get_bind().engine.url == self._database.url:
            for workspace_id, version in bumped.items():
                self._keep(workspace_id, version)

    async def _poll(self) -> None:
        async with self._database.system(write=False) as session:
            rows = await session.execute(select(RegistryVersion.workspace_id, RegistryVersion.version))
        for workspace_id, version in rows:
            self._keep(workspace_id, version)
